package qemu

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/capodekappa/capo/board"
)

// Firmware is what starts a machine that boots from its disk. Its zero value leaves it to what QEMU has by itself, such as a
// PC's BIOS.
type Firmware struct {
	// Loader is a boot loader that QEMU starts in the place of a kernel.
	Loader string
	// Code and Vars are images of UEFI's flash chips. Vars is written to.
	Code string
	Vars string
}

// OpenFirmware finds the firmware that starts a board from its disk. What a recipe of buildroot built is in the folder that recipe
// returns; flash chips that the machine may write to are copied into dir, beside the machine's other files, as name.
func OpenFirmware(b *board.Board, recipe func(name string) (string, error), dir, name string) (Firmware, error) {
	if b.QEMU == nil || b.QEMU.Loader == nil {
		return Firmware{}, fmt.Errorf("board %s has no firmware in QEMU that starts a disk", b.Name)
	}
	l := b.QEMU.Loader
	f := Firmware{Code: l.Code}
	if l.Recipe != "" {
		built, err := recipe(l.Recipe)
		if err != nil {
			return Firmware{}, err
		}
		f.Loader = filepath.Join(built, filepath.FromSlash(l.From))
	}
	if l.Code != "" {
		if _, err := os.Stat(l.Code); err != nil {
			return Firmware{}, fmt.Errorf("board %s in QEMU: UEFI firmware: %w (capo doctor names the package)", b.Name, err)
		}
	}
	if l.Vars != "" {
		f.Vars = filepath.Join(dir, name+".vars")
		if err := CopyFlash(f.Vars, l.Vars); err != nil {
			return Firmware{}, err
		}
	}
	return f, nil
}

// start is how the machine comes to a kernel: by QEMU, or by firmware from the disk.
func (c Config) start() ([]string, error) {
	var args []string
	if c.Disk != "" {
		disk, err := c.disk()
		if err != nil {
			return nil, err
		}
		args = append(args, disk...)
	}
	if c.Kernel == "" {
		return append(args, c.Firmware.args()...), nil
	}
	args = append(args, "-kernel", c.Kernel, "-append", c.Cmdline)
	if c.Initrd != "" {
		args = append(args, "-initrd", c.Initrd)
	}
	if c.DTB != "" {
		args = append(args, "-dtb", c.DTB)
	}
	return args, nil
}

func (f Firmware) args() []string {
	var args []string
	if f.Loader != "" {
		args = append(args, "-kernel", f.Loader)
	}
	if f.Code != "" {
		args = append(args, "-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+f.Code)
	}
	if f.Vars != "" {
		args = append(args, "-drive", "if=pflash,format=raw,unit=1,file="+f.Vars)
	}
	return args
}

func (c Config) disk() ([]string, error) {
	switch model := c.Board.QEMU.Disk; model {
	case "":
		return nil, fmt.Errorf("board %s has no disk in QEMU", c.Board.Name)
	case "sd":
		return []string{"-drive", "if=sd,format=raw,file=" + c.Disk}, nil
	default:
		return []string{"-drive", "if=none,id=disk,format=raw,file=" + c.Disk, "-device", model + ",drive=disk,bootindex=0"}, nil
	}
}

// CopyFlash copies an image of a flash chip, so that a machine may write to it.
func CopyFlash(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy a flash chip's image: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy a flash chip's image: %w", err)
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("copy a flash chip's image to %s: %w", to, err)
	}
	return nil
}
