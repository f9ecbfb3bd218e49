package vendor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// bit makes a .bit as Vivado does, with no configuration in it.
func bit(part string, idcode uint32) []byte {
	field := func(b []byte, key byte, text string) []byte {
		b = append(b, key)
		b = binary.BigEndian.AppendUint16(b, uint16(len(text)+1))
		return append(append(b, text...), 0)
	}
	b := field(bytes.Clone(bitMagic), 'a', "top;UserID=0XFFFFFFFF;Version=2022.1")
	b = field(field(field(b, 'b', part), 'c', "2026/11/23"), 'd', "03:00:00")
	body := bin(idcode)
	b = binary.BigEndian.AppendUint32(append(b, 'e'), uint32(len(body)))
	return append(b, body...)
}

// bin is the same without a header.
func bin(idcode uint32) []byte {
	b := bytes.Repeat([]byte{0xff}, 32)
	for _, word := range []uint32{0xbb, 0x11220044, 0xffffffff, 0xaa995566, 0x20000000, 0x30008001, 7, 0x30018001, idcode, 0x20000000} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return append(b, make([]byte, 64)...)
}

// rbf has the mark of Intel's, and that many bytes.
func rbf(n int) []byte {
	b := bytes.Repeat([]byte{0xff}, n)
	copy(b[128:], "jjjj")
	return b
}

func ice40(n int) []byte {
	b := make([]byte, n)
	copy(b, "\xff\x00\x00\xff\x7e\xaa\x99\x7e")
	return b
}

func TestABitstreamFitsItsPartAlone(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		part string
		want string // "" if it fits
	}{
		{"a .bit", bit("7z020clg400", 0x03727093), "xc7z020", ""},
		{"of a later revision", bit("7z020clg400", 0x23727093), "xc7z020clg400", ""},
		{"a name with xc", bit("xck26-sfvc784-2LV-c", 0x04724093), "xck26", ""},
		{"a .bin", bin(0x03722093), "xc7z010", ""},
		{"a full .rbf", rbf(7007204), "5cseba6", ""},
		{"a compressed .rbf", rbf(1234567), "5cseba6u23i7", ""},
		{"an iCE40's", ice40(104090), "ice40up5k-sg48", ""},
		{"another part's name", bit("7z010clg400", 0x03722093), "xc7z020", "its header says 7z010clg400"},
		{"another part's IDCODE", bit("7z020clg400", 0x03722093), "xc7z020", "its IDCODE is 0x03722093 (a 7z010), xc7z020 has 0x03727093"},
		{"another .bin", bin(0x03722093), "xc7z020", "its IDCODE is 0x03722093 (a 7z010)"},
		{"a .bin of a part that is not known", bin(0x04724093), "xck26", "take the .bit"},
		{"a larger .rbf", rbf(7007205), "5cseba6", "at most 7007204"},
		{"another size of .rbf", rbf(4244820), "5cseba6", "bytes of one for 5cs"},
		{"an .rbf for a part that is not known", rbf(1000), "10cl025", "is not known here"},
		{"another iCE40's", ice40(104090), "ice40hx8k-ct256", "is not for ice40hx8k"},
	} {
		i, err := Identify(tt.data)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		err = i.Fits(tt.part)
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, ErrPart) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if i, err := Identify(bit("7z020clg400", 0x03727093)); err != nil || i.Tool != "2022.1" {
		t.Errorf("%+v, %v", i, err)
	}
}

func TestWhatIsNoBitstreamIsRefused(t *testing.T) {
	whole := bit("7z020clg400", 0x03727093)
	for n := range len(whole) - 80 {
		if _, err := Identify(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of a .bit are taken for one", n)
		}
	}
	for name, data := range map[string][]byte{"nothing": nil, "a text": []byte("hello"), "zeros": make([]byte, 5000)} {
		if _, err := Identify(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add(bit("7z020clg400", 0x03727093))
	f.Add(bin(0x03727093))
	f.Add(rbf(200))
	f.Add(ice40(100))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := Identify(data)
		if err == nil && i.Fits("xc7z020") == nil && i.IDCODE&revision != 0x03727093 {
			t.Errorf("%+v fits", i)
		}
	})
}
