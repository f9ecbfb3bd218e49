package flash

import (
	"fmt"
	"strings"
)

// Disk is a disk of this computer. Its JSON is a row of `capo flash -o json` without a device.
type Disk struct {
	// Path is the device's name, such as /dev/sdb.
	Path string `json:"device"`
	// Model is what the maker calls it.
	Model string `json:"model"`
	Bytes int64  `json:"bytes"`
	// Removable is true for cards, and for disks that are plugged in.
	Removable bool `json:"removable"`
	ReadOnly  bool `json:"read_only"`
	// Uses are what the computer does with it: where its file systems are mounted, or who has it open.
	Uses []string `json:"uses"`
	// System is true when the computer runs from it.
	System bool `json:"system"`
}

// systemMounts are where a computer that loses them stops.
var systemMounts = []string{"/", "/boot", "/boot/efi", "/usr", "/var", "/home"}

// Check says why the disk must not be written, or nil. With force it may be one that is not removable.
func (d *Disk) Check(force bool) error {
	switch {
	case d.System:
		return fmt.Errorf("%w: this computer runs from %s (%s)", ErrRefused, d.Path, strings.Join(d.Uses, ", "))
	case len(d.Uses) > 0:
		return fmt.Errorf("%w: %s is in use (%s); unmount it first", ErrRefused, d.Path, strings.Join(d.Uses, ", "))
	case d.ReadOnly:
		return fmt.Errorf("%w: %s is write protected; cards have a switch for that", ErrRefused, d.Path)
	case !d.Removable && !force:
		return fmt.Errorf("%w: %s (%s) cannot be removed, so it is hardly the card that you mean; --force writes it all the same", ErrRefused, d.Path, d.Model)
	}
	return nil
}
