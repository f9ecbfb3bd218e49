package images

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/images/disk"
	"github.com/capodekappa/capo/images/fat"
	"github.com/capodekappa/capo/images/uki"
)

// Places in GRUB's first sectors (GRUB 2.06, include/grub/i386/pc/boot.h), and where its core lies: behind the GPT.
const (
	grubCodeEnd     = 440  // of boot.img; then comes the partition table
	grubCoreSector  = 0x5c // where boot.img finds the core
	grubDriveCheck  = 0x66 // a jump that a hard disk does without
	grubFirstBlock  = 512 - 12
	grubStart       = disk.TableSize
	grubConfig      = "grub/grub.cfg"
	grubLoopSectors = 512
)

// grubModules are what the core has built in: to find and read the file with Linux in it, and to show what it does.
var grubModules = []string{"biosdisk", "part_gpt", "fat", "loopback", "normal", "linux", "serial", "terminal", "reboot", "halt"}

// grub is what a PC's BIOS starts.
type grub struct {
	boot   []byte // code for the first sector
	core   disk.Piece
	config fat.File
}

// grub returns GRUB for a disk, and its configuration, which takes Linux and the initramfs out of the unified kernel image.
func (s *Source) grub(ctx context.Context, c *contents) (*grub, error) {
	pkg, err := s.Package(ctx, "grub-pc")
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(pkg, "usr/lib/grub/i386-pc")
	boot, err := os.ReadFile(filepath.Join(dir, "boot.img"))
	if err != nil {
		return nil, fmt.Errorf("read GRUB's first sector: %w", err)
	}
	core, err := grubCore(ctx, dir)
	if err != nil {
		return nil, err
	}
	if len(boot) != disk.SectorSize || len(core) < 2*disk.SectorSize || len(core) > mebibyte-grubStart {
		return nil, fmt.Errorf("GRUB's first sector has %d bytes and its core %d, which do not fit", len(boot), len(core))
	}
	const first = grubStart / disk.SectorSize
	binary.LittleEndian.PutUint64(boot[grubCoreSector:], first)
	copy(boot[grubDriveCheck:], []byte{0x90, 0x90}) // as for every hard disk: some BIOSes tell the drive's number wrong
	binary.LittleEndian.PutUint64(core[grubFirstBlock:], first+1)
	config, err := c.grubConfig()
	if err != nil {
		return nil, err
	}
	return &grub{boot: boot[:grubCodeEnd], core: disk.Data(grubStart, core), config: fat.Bytes(grubConfig, config)}, nil
}

// grubCore makes the core, which finds its configuration on the second partition of the disk that it was started from.
func grubCore(ctx context.Context, dir string) ([]byte, error) {
	program, err := exec.LookPath("grub-mkimage")
	if err != nil {
		return nil, fmt.Errorf("a disk that a BIOS starts takes grub-mkimage, of the package grub-common (capo doctor --install --for image installs it): %w", err)
	}
	tmp, err := os.MkdirTemp("", "capo-grub-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp) // what cannot be removed is small
	out := filepath.Join(tmp, "core.img")
	args := append([]string{"-O", "i386-pc", "-d", dir, "-p", "(,gpt2)/" + filepath.Dir(grubConfig), "-o", out}, grubModules...)
	if text, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make GRUB's core: %w: %s", err, strings.TrimSpace(string(text)))
	}
	return os.ReadFile(out)
}

// grubConfig tells GRUB where in the unified kernel image Linux and the initramfs are, in sectors: the file is a disk to it.
func (c *contents) grubConfig() ([]byte, error) {
	sections, err := uki.Sections(c.uki)
	if err != nil {
		return nil, err
	}
	blocks := map[string]string{}
	for _, s := range sections {
		blocks[s.Name] = fmt.Sprintf("(uki)%d+%d", s.Offset/grubLoopSectors, s.Raw/grubLoopSectors)
	}
	if blocks[uki.SectionLinux] == "" || blocks[uki.SectionInitrd] == "" {
		return nil, errors.New("the unified kernel image has no Linux or no initramfs")
	}
	return fmt.Appendf(nil, "serial --unit=0 --speed=115200\nterminal_input console serial\nterminal_output console serial\n"+
		"loopback uki /EFI/BOOT/%s\nlinux %s %s\ninitrd %s\nboot\n", c.ukiName(), blocks[uki.SectionLinux], grubQuote(c.cmdline), blocks[uki.SectionInitrd]), nil
}

// grubQuote makes words of GRUB's shell out of a command line.
func grubQuote(cmdline string) string {
	words := strings.Fields(cmdline)
	for i, w := range words {
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}
