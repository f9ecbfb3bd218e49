package vendor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// revision masks an IDCODE's upper four bits, the silicon's revision.
const revision = 0x0fffffff

// idcodes are those of parts whose bitstreams may come without a name.
var idcodes = map[string]uint32{
	"7z007s": 0x03723093, "7z010": 0x03722093, "7z015": 0x0373b093, "7z020": 0x03727093, "7z030": 0x0372c093, "7z045": 0x03731093,
	"7a35t": 0x0362d093, "7s50": 0x0362f093, "7k325t": 0x03651093, "vu9p": 0x04b31093,
}

// rawBytes are the sizes of uncompressed .rbf files (Cyclone V Device Datasheet, "Configuration Files").
var rawBytes = map[string]int{"5csema2": 4244820, "5csema4": 4244820, "5cseba2": 4244820, "5cseba4": 4244820, "5csema5": 7007204, "5csema6": 7007204, "5cseba5": 7007204, "5cseba6": 7007204,
	"5csxfc5": 7007204, "5csxfc6": 7007204}

// ice40Bytes are the sizes of bitstreams with all banks.
var ice40Bytes = map[string]int{"ice40up5k": 104090, "ice40hx8k": 135100, "ice40hx1k": 32220}

// Fits tells why a bitstream is not one for a part, or nil. How far that can be told differs by format: an .rbf only shows that it is
// for a larger part, or an uncompressed one of another size. Errors: ErrPart.
func (i *Info) Fits(part string) error {
	part = strings.ToLower(part)
	switch i.Format {
	case XilinxBit, XilinxBin:
		return i.fitsXilinx(part)
	case IntelRbf:
		return i.fitsIntel(part)
	}
	for name, size := range ice40Bytes {
		if strings.HasPrefix(part, name) && i.Bytes == size {
			return nil
		}
	}
	return fmt.Errorf("%w: an iCE40 bitstream of %d bytes is not for %s", ErrPart, i.Bytes, part)
}

func (i *Info) fitsXilinx(part string) error {
	want := strings.TrimPrefix(part, "xc")
	if i.Part != "" {
		have := strings.TrimPrefix(strings.ToLower(i.Part), "xc")
		if !strings.HasPrefix(have, want) && !strings.HasPrefix(want, have) {
			return fmt.Errorf("%w: its header says %s, not %s", ErrPart, i.Part, part)
		}
	}
	device, known := longest(idcodes, want)
	switch {
	case known && i.IDCODE&revision != device&revision:
		return fmt.Errorf("%w: its IDCODE is 0x%08x%s, %s has 0x%08x", ErrPart, i.IDCODE, named(i.IDCODE), part, device)
	case !known && i.Part == "":
		return fmt.Errorf("%w: its IDCODE is 0x%08x%s, and that of %s is not known here; take the .bit, whose header names the part", ErrPart, i.IDCODE, named(i.IDCODE), part)
	}
	return nil
}

// longest finds the entry whose name a part's name begins with.
func longest[T any](table map[string]T, part string) (v T, found bool) {
	best := ""
	for name, entry := range table {
		if strings.HasPrefix(part, name) && len(name) > len(best) {
			best, v, found = name, entry, true
		}
	}
	return v, found
}

// named is the part that an IDCODE is known to be of.
func named(idcode uint32) string {
	for name, code := range idcodes {
		if code&revision == idcode&revision {
			return " (a " + name + ")"
		}
	}
	return ""
}

func (i *Info) fitsIntel(part string) error {
	raw, known := longest(rawBytes, part)
	if !known {
		return fmt.Errorf("%w: an .rbf does not say its part, and the size of one for %s is not known here", ErrPart, part)
	}
	if i.Bytes > raw {
		return fmt.Errorf("%w: it has %d bytes, one for %s has at most %d", ErrPart, i.Bytes, part, raw)
	}
	for _, name := range slices.Sorted(maps.Keys(rawBytes)) {
		if size := rawBytes[name]; i.Bytes == size && size != raw {
			return fmt.Errorf("%w: it has the %d bytes of one for %s, one for %s has %d or is compressed", ErrPart, i.Bytes, name, part, raw)
		}
	}
	return nil
}
