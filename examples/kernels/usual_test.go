package kernels

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/test/need"
)

// usual runs the programs that people use for what the kernels do.
type usual struct {
	dir     string // for files
	libjpeg string // a program with that library
}

func newUsual(t *testing.T) usual {
	t.Helper()
	for _, program := range []string{"ffmpeg", "vips", "sox", "python3"} {
		need.Command(t, program)
	}
	need.File(t, "/usr/include/jpeglib.h", "libjpeg-dev")
	u := usual{dir: t.TempDir()}
	u.libjpeg = filepath.Join(u.dir, "libjpeg")
	u.command(t, nil, need.Command(t, "gcc"), "-std=c11", "-O1", "-Wall", "-Werror", "-o", u.libjpeg, "usual/libjpeg.c", "-ljpeg", "-lm")
	return u
}

// command runs a program with an input, and gives its output.
func (u usual) command(t *testing.T, in []byte, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return out
}

// ffmpeg gives a frame of one pixel format to a filter and takes another format out of it.
func (u usual) ffmpeg(t *testing.T, in Frame, from, filter, to string, more ...string) []byte {
	t.Helper()
	channels := map[string]int{"gray": 1, "bayer_rggb8": 1, "rgb24": 3}[from]
	words := in.Words
	if from == "yuv444p" || from == "yuvj444p" {
		channels, words = 3, planes(words)
	}
	size := fmt.Sprintf("%dx%d", in.Width, len(words)/in.Width/channels)
	args := []string{"-v", "error", "-f", "rawvideo", "-pix_fmt", from, "-s", size, "-i", "-"}
	args = append(append(args, more...), "-vf", filter, "-f", "rawvideo", "-pix_fmt", to, "-")
	out := u.command(t, words, "ffmpeg", args...)
	if to == "yuv444p" || to == "yuvj444p" {
		return pixels(out)
	}
	return out
}

// planes puts all of each channel together, as pixels takes them apart.
func planes(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for c := range 3 {
		for i := c; i < len(p); i += 3 {
			out = append(out, p[i])
		}
	}
	return out
}

func pixels(p []byte) []byte {
	n := len(p) / 3
	out := make([]byte, 0, len(p))
	for i := range n {
		out = append(out, p[i], p[n+i], p[2*n+i])
	}
	return out
}

// file is a path in the folder for files.
func (u usual) file(name string) string { return filepath.Join(u.dir, name) }

// vips gives a picture to an operation and takes one of kind ext out of it.
func (u usual) vips(t *testing.T, in Frame, inExt, operation, outExt string, args ...string) []byte {
	t.Helper()
	if err := WriteFrame(u.file("in"+inExt), in); err != nil {
		t.Fatal(err)
	}
	u.command(t, nil, "vips", append([]string{operation, u.file("in" + inExt), u.file("out" + outExt)}, args...)...)
	return u.read(t, "out"+outExt)
}

func (u usual) read(t *testing.T, name string) []byte {
	t.Helper()
	f, err := ReadFrame(u.file(name))
	if err != nil {
		t.Fatal(err)
	}
	return f.Words
}

// matrix writes a matrix of weights as libvips reads it.
func (u usual) matrix(t *testing.T, side, divisor int, weights string) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "%d %d %d 0\n", side, side, divisor)
	for row := range slices.Chunk(strings.Fields(weights), side) {
		fmt.Fprintln(&text, strings.Join(row, " "))
	}
	path := u.file("weights.mat")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

var samples16 = []string{"-t", "raw", "-r", "16000", "-e", "signed-integer", "-b", "16", "-c", "1"}

// sox gives samples of 16 bits at 16 kHz to effects, without dither.
func (u usual) sox(t *testing.T, in []byte, effects ...string) []byte {
	t.Helper()
	args := append([]string{"-D", "-V1"}, samples16...)
	args = append(append(args, "-"), samples16...)
	return u.command(t, in, "sox", append(append(args, "-"), effects...)...)
}

// nibbles packs codes of 4 bits in twos, the first low or high.
func nibbles(codes []byte, firstLow bool) []byte {
	var out []byte
	for i := 0; i+1 < len(codes); i += 2 {
		low, high := codes[i], codes[i+1]
		if !firstLow {
			low, high = high, low
		}
		out = append(out, low|high<<4)
	}
	return out
}

// imaWAV is a file of IMA ADPCM that is one block, beginning with the sample 0 and the first step.
func imaWAV(codes []byte) []byte {
	le := binary.LittleEndian
	data := append([]byte{0, 0, 0, 0}, nibbles(codes, true)...)
	format := le.AppendUint16(nil, 0x11)
	format = le.AppendUint16(format, 1)
	format = le.AppendUint32(format, 16000)
	format = le.AppendUint32(format, 8000)
	format = le.AppendUint16(format, uint16(len(data)))
	format = le.AppendUint16(format, 4)
	format = le.AppendUint16(format, 2)
	format = le.AppendUint16(format, uint16(2*(len(data)-4)+1))
	chunk := func(name string, b []byte) []byte { return append(le.AppendUint32([]byte(name), uint32(len(b))), b...) }
	return chunk("RIFF", append(append([]byte("WAVE"), chunk("fmt ", format)...), chunk("data", data)...))
}

// imaCAF is a file of IMA ADPCM as QuickTime has it: packets of 64 codes, each after the place in the table and the highest 9 bits of the last sample, from
// which ffmpeg goes on with all bits if they fit. samples are what the codes stand for.
func imaCAF(codes, samples []byte) []byte {
	be := binary.BigEndian
	chunk := func(name string, b []byte) []byte { return append(be.AppendUint64([]byte(name), uint64(len(b))), b...) }
	description := be.AppendUint64(nil, math.Float64bits(16000))
	description = append(description, "ima4"...)
	for _, v := range []uint32{0, 34, 64, 1, 0} {
		description = be.AppendUint32(description, v)
	}
	data, at, last := make([]byte, 4), 0, 0
	for i, packet := range slices.Collect(slices.Chunk(codes, 64)) {
		data = be.AppendUint16(data, uint16(last&^127|at))
		data = append(data, nibbles(packet, true)...)
		for _, code := range packet {
			at = max(0, min(88, at+[8]int{-1, -1, -1, -1, 2, 4, 6, 8}[code&7]))
		}
		last = int(binary.LittleEndian.Uint16(samples[128*i+126:]))
	}
	return append(append([]byte("caff\x00\x01\x00\x00"), chunk("desc", description)...), chunk("data", data)...)
}
