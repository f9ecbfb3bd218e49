package api

import (
	"errors"
	"fmt"
	"regexp"
)

// Kernel is one of a job's kernels: what env.kernels and /v1/kernels/JOB/ call it, and its text (docs/formats.md) without a
// name, so that the part's digest is the kernel's.
type Kernel struct {
	Name string `json:"name"`
	Part
}

// Limits of a job's kernels.
const (
	MaxKernels    = 64
	MaxKernelText = 8 << 20  // bytes of one
	MaxKernelsSum = 32 << 20 // bytes of all
)

var kernelName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]{0,63}$`)

// CheckKernels tells what is wrong with a manifest's kernels: names that are none or not in order, too many, too large.
func CheckKernels(list []Kernel) error {
	if len(list) > MaxKernels {
		return fmt.Errorf("%d kernels, at most %d", len(list), MaxKernels)
	}
	var sum int64
	for i, k := range list {
		switch {
		case !kernelName.MatchString(k.Name):
			return fmt.Errorf("%q is not a kernel's name: a letter, then letters, digits, _ and $, at most 64", k.Name)
		case i > 0 && list[i-1].Name >= k.Name:
			return errors.New("the kernels are not in the order of their names")
		case k.Bytes <= 0 || k.Bytes > MaxKernelText:
			return fmt.Errorf("kernel %s has a text of %d bytes, at most %d", k.Name, k.Bytes, MaxKernelText)
		}
		sum += k.Bytes
	}
	if sum > MaxKernelsSum {
		return fmt.Errorf("the texts of the kernels have %d bytes together, at most %d", sum, MaxKernelsSum)
	}
	return nil
}

// RanOnHeader says where a kernel ran; Soft is in software.
const (
	RanOnHeader = "Capo-Ran-On"
	Soft        = "soft"
)
