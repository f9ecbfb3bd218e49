package images

import (
	"encoding/json"
	"path/filepath"

	"github.com/capodekappa/capo/images/fat"
)

// machineFile is machine.json in a folder of the format qemu: what is needed to start the machine.
type machineFile struct {
	Board   string `json:"board"`
	Release string `json:"release"`
	Kernel  string `json:"kernel"`
	Initrd  string `json:"initrd"`
	DTB     string `json:"dtb,omitempty"`
	Cmdline string `json:"cmdline"`
}

// writeQEMU writes the format qemu: what QEMU starts by itself, and machine.json.
func (c *contents) writeQEMU(o Options, r *Result) error {
	m := machineFile{Board: c.board.Name, Release: c.release, Kernel: "vmlinuz", Initrd: "initrd", Cmdline: c.cmdline}
	files := []fat.File{fat.Bytes(m.Kernel, c.kernel), fat.Bytes(m.Initrd, c.initrd)}
	if c.dtb != nil {
		m.DTB = c.dtbName()
		files = append(files, fat.Bytes(m.DTB, c.dtb))
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	files = append(files, fat.Bytes("machine.json", append(text, '\n')))
	r.ContentBytes = sizeOf(files)
	return writeImageFolder(o, r, func(dir string) error {
		for _, f := range files {
			if err := saveFile(filepath.Join(dir, f.Path), f); err != nil {
				return err
			}
		}
		return nil
	})
}
