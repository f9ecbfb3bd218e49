//go:build !linux && !darwin

package flash

import "errors"

// System is this computer.
type System struct{}

// ErrSystem is returned where capo flash knows nothing about disks.
var ErrSystem = errors.New("capo flash knows the disks of Linux and macOS alone; make an image with capo image and write it with a program of this system")

// Local is this computer.
func Local() System { return System{} }

// Disks returns [ErrSystem].
func (System) Disks() ([]Disk, error) { return nil, ErrSystem }

// Find returns [ErrSystem].
func (System) Find(string) (*Disk, error) { return nil, ErrSystem }
