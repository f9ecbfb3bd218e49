package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID is a number of 128 bits as it stands on a disk: its first three groups are little-endian (UEFI 2.10, appendix A).
type GUID [16]byte

// Types of partitions in a GPT, in the form that people read.
const (
	// ESP is an EFI system partition.
	ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	// BIOSBoot is where GRUB keeps itself on a disk that a BIOS starts.
	BIOSBoot = "21686148-6449-6e6f-744e-656564454649"
)

// ParseGUID reads the form that people read.
func ParseGUID(text string) (GUID, error) {
	var g GUID
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(raw) != len(g) {
		return g, fmt.Errorf("%q is no GUID", text)
	}
	copy(g[:], raw)
	return g.swap(), nil
}

// DeriveGUID makes a GUID out of a text, the same one every time (version 8 of RFC 9562, section 5.8).
func DeriveGUID(text string) GUID {
	sum := sha256.Sum256([]byte(text))
	var g GUID
	copy(g[:], sum[:])
	g[6], g[8] = g[6]&0x0f|0x80, g[8]&0x3f|0x80
	return g.swap()
}

// String returns the form that people read.
func (g GUID) String() string {
	s := g.swap()
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[:4], s[4:6], s[6:8], s[8:10], s[10:])
}

func (g GUID) swap() GUID {
	binary.BigEndian.PutUint32(g[0:], binary.LittleEndian.Uint32(g[0:]))
	binary.BigEndian.PutUint16(g[4:], binary.LittleEndian.Uint16(g[4:]))
	binary.BigEndian.PutUint16(g[6:], binary.LittleEndian.Uint16(g[6:]))
	return g
}
