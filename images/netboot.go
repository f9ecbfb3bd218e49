package images

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/fat"
)

// netbootFile is netboot.json: what of the folder a server gives to whom.
type netbootFile struct {
	Board   string `json:"board"`
	Arch    string `json:"arch"`
	Release string `json:"release"`
	Kernel  string `json:"kernel"`
	Initrd  string `json:"initrd"`
	DTB     string `json:"dtb,omitempty"`
	Cmdline string `json:"cmdline"`
	// UKI is the UEFI executable for PXE and HTTP boot.
	UKI string `json:"uki,omitempty"`
	// Loader is the board's boot loader.
	Loader string `json:"loader,omitempty"`
}

// writeNetboot writes a folder for TFTP and HTTP: the parts by themselves, the UEFI executable, a script for iPXE, a
// configuration for U-Boot's pxe command, and all that a Raspberry Pi asks for.
func (c *contents) writeNetboot(o Options, r *Result) error {
	files, err := c.netbootFiles()
	if err != nil {
		return err
	}
	return writeImageFolder(o, r, func(dir string) error {
		for _, f := range files {
			if err := saveFile(filepath.Join(dir, filepath.FromSlash(f.Path)), f); err != nil {
				return err
			}
		}
		r.ContentBytes = sizeOf(files)
		return nil
	})
}

func (c *contents) netbootFiles() ([]fat.File, error) {
	n := netbootFile{Board: c.board.Name, Arch: c.board.Arch, Release: c.release, Kernel: "kernel", Initrd: "initrd", Cmdline: c.cmdline, Loader: loader(c.board)}
	var files []fat.File
	if n.Loader == board.LoaderRaspi {
		var err error
		if files, err = c.raspiFiles(); err != nil {
			return nil, err
		}
		n.Kernel = "kernel8.img"
	} else {
		files = []fat.File{fat.Bytes("kernel", c.kernel), fat.Bytes("initrd", c.initrd)}
		files = append(files, c.dtbs...)
	}
	if c.dtb != nil {
		n.DTB = c.dtbName()
	}
	switch n.Loader {
	case board.LoaderUEFI:
		n.UKI = c.ukiName()
		files = append(files, fat.Bytes(n.UKI, c.uki), fat.Bytes("boot.ipxe", c.ipxe()))
	case board.LoaderUBoot:
		files = append(files, fat.Bytes("pxelinux.cfg/default", c.extlinux("")))
	}
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(files, fat.Bytes("cmdline", []byte(c.cmdline+"\n")), fat.Bytes("netboot.json", append(text, '\n'))), nil
}

// ipxe is a script for iPXE; the names are relative to the script's own address.
func (c *contents) ipxe() []byte {
	return fmt.Appendf(nil, "#!ipxe\nkernel kernel initrd=initrd %s\ninitrd initrd\nboot\n", c.cmdline)
}

// saveFile writes a file of an image into a folder. It can only be read by its owner, as it may carry a join token.
func saveFile(path string, f fat.File) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	return out.Close()
}
