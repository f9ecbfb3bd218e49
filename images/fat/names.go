package fat

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// entrySize is the size of a folder's entry, of a short or a part of a long name.
const entrySize = 32

// attributes of an entry.
const (
	attrVolume = 0x08
	attrFolder = 0x10
	attrFile   = 0x20
	attrLong   = 0x0f
)

// charactersPerEntry is how much of a long name an entry holds.
const charactersPerEntry = 13

// short is a name in the old form: 8 characters and an extension of 3, padded with spaces.
type short [11]byte

// shortName returns the old form of a name and whether it says all: a name in capitals that fits needs no long one. Taken
// are those that the folder has already.
func shortName(name string, taken map[short]bool) (s short, exact bool, err error) {
	base, ext := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		base, ext = name[:dot], name[dot+1:]
	}
	b, sameBase := plain(base)
	e, sameExt := plain(ext)
	if sameBase && sameExt && len(b) <= 8 && len(e) <= 3 && b != "" {
		if s = pad(b, e); !taken[s] {
			return s, strings.ToUpper(name) == name, nil
		}
	}
	for n := 1; n < 1e6; n++ { // the "~1" of the specification's "Basis-Name Generation Algorithm"
		tail := fmt.Sprintf("~%d", n)
		if s = pad(b[:min(len(b), 8-len(tail))]+tail, e[:min(len(e), 3)]); !taken[s] {
			return s, false, nil
		}
	}
	return s, false, fmt.Errorf("no short name is left for %q", name)
}

// plain turns part of a name into what a short one may hold and says whether anything but case was lost.
func plain(part string) (out string, same bool) {
	same = true
	var b strings.Builder
	for _, r := range strings.ToUpper(part) {
		switch {
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("$%'-_@~`!(){}^#&", r):
			b.WriteRune(r)
		case r == ' ' || r == '.':
			same = false
		default:
			same = false
			b.WriteByte('_')
		}
	}
	return b.String(), same
}

func pad(base, ext string) short {
	s := short([]byte("           "))
	copy(s[:8], base)
	copy(s[8:], ext)
	return s
}

// sum is the checksum that ties a long name to its short one.
func (s short) sum() byte {
	var sum byte
	for _, c := range s {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}

// longEntries returns the entries that stand before the short one and hold the name, its last part first.
func longEntries(name string, s short) []byte {
	chars := utf16Of(name)
	n := (len(chars) + charactersPerEntry - 1) / charactersPerEntry
	var out []byte
	for i := n; i >= 1; i-- {
		e := make([]byte, entrySize)
		e[0] = byte(i)
		if i == n {
			e[0] |= 0x40
		}
		e[11], e[13] = attrLong, s.sum()
		for j := range charactersPerEntry {
			c, at := uint16(0xffff), (i-1)*charactersPerEntry+j
			if at < len(chars) {
				c = chars[at]
			} else if at == len(chars) {
				c = 0
			}
			binary.LittleEndian.PutUint16(e[longOffset(j):], c)
		}
		out = append(out, e...)
	}
	return out
}

// longOffset is where the character j of an entry stands: five, six and two of them lie apart.
func longOffset(j int) int {
	switch {
	case j < 5:
		return 1 + 2*j
	case j < 11:
		return 14 + 2*(j-5)
	}
	return 28 + 2*(j-11)
}

func utf16Of(name string) []uint16 { return utf16.Encode([]rune(name)) }
