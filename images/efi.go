package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/images/disk"
	"github.com/capodekappa/capo/images/fat"
	"github.com/capodekappa/capo/images/uki"
)

// efiArch is what UEFI calls an architecture (UEFI 2.10, section 3.5.1.1).
var efiArch = map[string]string{"amd64": "x64", "arm64": "aa64"}

// ukiName is the name by which firmware finds the executable on a removable medium, and over the network.
func (c *contents) ukiName() string {
	return "BOOT" + strings.ToUpper(efiArch[c.board.Arch]) + ".EFI"
}

// unify makes the unified kernel image, signed if there is a key.
func (s *Source) unify(ctx context.Context, c *contents, o Options) error {
	arch, ok := efiArch[c.board.Arch]
	if !ok {
		return fmt.Errorf("board %s: there is no EFI stub for %s", c.board.Name, c.board.Arch)
	}
	dir, err := s.Package(ctx, "systemd-boot-"+c.board.Arch)
	if err != nil {
		return err
	}
	stub, err := os.ReadFile(filepath.Join(dir, "usr/lib/systemd/boot/efi/linux"+arch+".efi.stub"))
	if err != nil {
		return fmt.Errorf("read the EFI stub: %w", err)
	}
	c.uki, err = uki.Build(stub, uki.Parts{OSRelease: c.osRelease(), Cmdline: c.cmdline, Uname: c.release, Linux: c.kernel, Initrd: c.initrd, DTB: c.dtb})
	if err != nil || o.SecureBootKey == "" {
		return err
	}
	key, cert, err := uki.LoadKey(o.SecureBootKey, o.SecureBootCert)
	if err != nil {
		return err
	}
	c.uki, err = uki.Sign(c.uki, key, cert)
	return err
}

// osRelease names the image in boot menus (os-release(5)).
func (c *contents) osRelease() string {
	return fmt.Sprintf("ID=capo\nNAME=Capo\nVERSION_ID=%s\nPRETTY_NAME=\"Capo %s (%s)\"\n", Version(), Version(), c.board.Name)
}

func (c *contents) ukiFile() fat.File { return fat.Bytes("EFI/BOOT/"+c.ukiName(), c.uki) }

// writeEFI writes a disk: a GPT with an EFI system partition and, where a BIOS is to start it too, one for GRUB.
func (c *contents) writeEFI(ctx context.Context, s *Source, o Options, r *Result) error {
	files := append(c.boot, c.ukiFile())
	esp := disk.Partition{Start: mebibyte, Type: disk.ESP, ID: disk.DeriveGUID("esp " + c.seed), Name: "capo"}
	var parts []disk.Partition
	var pieces []disk.Piece
	var code []byte
	if c.board.Boot.BIOS {
		g, err := s.grub(ctx, c)
		if err != nil {
			return err
		}
		code, files = g.boot, append(files, g.config)
		parts = append(parts, disk.Partition{Start: grubStart, Size: mebibyte - grubStart, Type: disk.BIOSBoot, ID: disk.DeriveGUID("bios " + c.seed), Name: "grub"})
		pieces = append(pieces, g.core)
	}
	r.ContentBytes = sizeOf(files)
	esp.Size = max(fat.MinSize, (r.ContentBytes*17/16/mebibyte+2)*mebibyte)
	volume, err := fat.New(fat.Options{Size: esp.Size, Start: mebibyte / fat.SectorSize, Label: "CAPO", ID: c.volumeID(), Time: c.time}, files)
	if err != nil {
		return err
	}
	r.Own = c.ownIn(volume, esp.Start)
	size := esp.Start + esp.Size + mebibyte
	head, tail, err := disk.GPT(size, disk.DeriveGUID("disk "+c.seed), append(parts, esp))
	if err != nil {
		return err
	}
	copy(head, code)
	pieces = append(pieces, disk.Data(0, head), disk.Data(size-int64(len(tail)), tail), disk.Piece{At: esp.Start, Size: esp.Size, Content: volume})
	return writeImageFile(o, r, size, func(w io.Writer) error { return disk.Write(w, size, pieces) })
}
