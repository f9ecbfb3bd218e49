package kernels

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"testing"
)

// soundRows compare filters, codecs and checksums.
func soundRows(t *testing.T, u usual, m material, l library) []comparison {
	speech := Frame{0, m.speech}
	sox := func(effects ...string) func(Frame) []byte {
		return func(in Frame) []byte { return u.sox(t, in.Words, effects...) }
	}
	codes := Frame{0, l.run(t, "adpcm.ts", "encode", speech)}
	checksum := func(in Frame) []byte {
		text := u.command(t, in.Words, "python3", "-c", "import sys, zlib; print(zlib.crc32(sys.stdin.buffer.read()))")
		var sum uint32
		if _, err := fmt.Sscan(string(text), &sum); err != nil {
			t.Fatal(err)
		}
		return binary.LittleEndian.AppendUint32(nil, sum)
	}
	return []comparison{
		{"audio.ts", "fir", "sox fir", speech, func(in Frame) []byte { return later(sox("fir", ".0625", ".25", ".375", ".25", ".0625")(in), 2) }, 16, 1, 0, 80, "sox rounds to the nearest; the kernel cuts fractions off"},
		{"audio.ts", "decimate", "sox fir, downsample 2", speech, func(in Frame) []byte { return decimated(t, u, in) }, 16, 1, 0, 80, "sox computes in floating point, with all digits of the window"},
		{"audio.ts", "biquad", "sox lowpass -2 1000 0.7071q", speech, sox("lowpass", "-2", "1000", "0.70710678q"), 16, 1, 0, 80, "sox computes in floating point; coefficients here have 16 binary digits"},
		{"audio.ts", "mix", "sox -m -v 0.75 -v 0.5", m.stereo(), func(Frame) []byte { return mixed(t, u, m) }, 16, 1, 0, 0, ""},
		{"audio.ts", "mixer", "the same, gains 96 and 64", m.gained(), func(Frame) []byte { return mixed(t, u, m) }, 16, 1, 0, 0, ""},
		{"crc.ts", "crc32", "zlib (by python3)", m.photo, checksum, 16, 1, 0, 0, ""},
		{"crc.ts", "crc32", "Go's hash/crc32", m.photo, func(in Frame) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(in.Words)) }, 16, 1, 0, 0, ""},
		{"adpcm.ts", "encode", "sox -t ima; both decoded by their own", speech, func(in Frame) []byte { return fromSoxIMA(t, u, soxIMA(t, u, in.Words)) }, 16, 1, 0, 40, "sox divides and multiplies where the IMA's way adds up parts that are rounded down; from then on the two go different ways"},
		{"adpcm.ts", "encode", "the speech itself; decoded", speech, func(in Frame) []byte { return in.Words }, 16, 1, 0, 40, "what 4 bits a sample lose; sox's own loses " + fmt.Sprintf("%.1f dB", measure(m.speech, fromSoxIMA(t, u, soxIMA(t, u, m.speech)), 16, 0, 1, 0).psnr)},
		{"adpcm.ts", "decode", "ffmpeg `adpcm_ima_qt`", codes, func(in Frame) []byte {
			return u.command(t, imaCAF(in.Words, l.run(t, "adpcm.ts", "decode", in)), "ffmpeg", "-v", "error", "-i", "-", "-f", "s16le", "-")
		}, 16, 1, 0, 0, ""},
		{"adpcm.ts", "decode", "ffmpeg `adpcm_ima_wav`", codes, func(in Frame) []byte {
			return u.command(t, imaWAV(in.Words), "ffmpeg", "-v", "error", "-i", "-", "-f", "s16le", "-")[2:]
		}, 16, 1, 0, 40, "it multiplies where the IMA's way adds up parts that are rounded down, and the difference adds up"},
		{"adpcm.ts", "decode", "sox -t ima", codes, func(in Frame) []byte { return fromSoxIMA(t, u, nibbles(in.Words, false)) }, 16, 1, 0, 40, "as ffmpeg"},
	}
}

// later puts zeros before samples of 16 bits: sox makes up for the delay of its filters.
func later(b []byte, samples int) []byte { return append(make([]byte, 2*samples), b...)[:len(b)] }

func decimated(t *testing.T, u usual, in Frame) []byte {
	effects := []string{"fir"}
	for _, h := range halfband() {
		effects = append(effects, strconv.FormatFloat(h, 'g', -1, 64))
	}
	filtered := later(u.sox(t, in.Words, effects...), 7)
	var out []byte
	for i := 0; i+1 < len(filtered); i += 4 {
		out = append(out, filtered[i], filtered[i+1])
	}
	return out
}

func mixed(t *testing.T, u usual, m material) []byte {
	for name, b := range map[string][]byte{"a.raw": m.left(), "b.raw": m.right()} {
		if err := os.WriteFile(u.file(name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"-D", "-V1", "-m", "-v", "0.75"}, samples16...)
	args = append(append(args, u.file("a.raw"), "-v", "0.5"), samples16...)
	args = append(append(args, u.file("b.raw")), samples16...)
	return u.command(t, nil, "sox", append(args, "-")...)
}

func soxIMA(t *testing.T, u usual, in []byte) []byte {
	args := append([]string{"-D", "-V1"}, samples16...)
	return u.command(t, in, "sox", append(args, "-", "-t", "ima", "-")...)
}

func fromSoxIMA(t *testing.T, u usual, codes []byte) []byte {
	args := append([]string{"-D", "-V1", "-t", "ima", "-r", "16000", "-c", "1", "-"}, samples16...)
	return u.command(t, codes, "sox", append(args, "-")...)
}
