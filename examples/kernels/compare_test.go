package kernels

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/capodekappa/capo/test/need"
)

// document is where the table of distances is; -update writes it behind its heading.
const (
	document = "../../docs/kernels-library.md"
	heading  = "## Distances\n"
)

// preface tells what the table is.
const preface = `
How far the kernels are from the tools that people use for the same, and why: ` + "`go test ./examples/kernels -run Distance -update`" + ` writes this table (Debian 12's ffmpeg 5.1.9, libvips 8.14.1,
libjpeg-turbo 2.1.5, sox 14.4.2). Pictures are 640 by 480 pixels of a photograph (flower.pnm of Debian's libjxl-testdata) and what is made of it, sound is speech at 16 kHz (goforward.raw of pocketsphinx-testdata).
The peak of the PSNR is 255, or 65535 where samples have 16 bits.
`

// material is what the kernels and the usual tools are given.
type material struct {
	photo  Frame  // 640 by 480 pixels of a photograph
	gray   Frame  // the same, gray
	speech []byte // samples of 16 bits at 16 kHz, 64 of silence first; a multiple of 64
}

// comparison is a row of the table.
type comparison struct {
	file, kernel string
	tool         string // and its options, for the table
	in           Frame
	theirs       func(in Frame) []byte
	bits         int     // of a sample: 8 or 16
	channels     int     // of a pixel of the output; 0 is 1
	margin       int     // pixels at each side that are left out
	least        float64 // the least PSNR in dB that is no surprise; 0 wants equality
	why          string
}

func loadMaterial(t *testing.T, l library) material {
	t.Helper()
	flower, err := ReadFrame(need.File(t, "/usr/share/libjxl-testdata/jxl/flower/flower.pnm", "libjxl-testdata"))
	if err != nil {
		t.Fatal(err)
	}
	speech, err := os.ReadFile(need.File(t, "/usr/share/pocketsphinx/test/data/goforward.raw", "pocketsphinx-testdata"))
	if err != nil {
		t.Fatal(err)
	}
	m := material{photo: crop(flower, 3, 900, 600, 640, 480), speech: append(make([]byte, 128), speech...)[:len(speech)&^127]}
	m.gray = Frame{m.photo.Width, l.run(t, "colour.ts", "gray", m.photo)}
	return m
}

// crop cuts a part out of a picture.
func crop(f Frame, channels, x, y, width, height int) Frame {
	part := Frame{Width: width}
	for line := range height {
		at := ((y+line)*f.Width + x) * channels
		part.Words = append(part.Words, f.Words[at:at+width*channels]...)
	}
	return part
}

func TestDistanceToTheUsualTools(t *testing.T) {
	l, u := newLibrary(t), newUsual(t)
	m := loadMaterial(t, l)
	var table strings.Builder
	table.WriteString(preface + "\n| kernel | beside | samples that differ | greatest difference | PSNR, dB | why |\n|---|---|---|---|---|---|\n")
	rows := append(append(pictureRows(t, u, m, l), filterRows(t, u, m)...), soundRows(t, u, m, l)...)
	for _, r := range rows {
		ours, theirs := l.run(t, r.file, r.kernel, r.in), r.theirs(r.in)
		if r.kernel == "encode" { // codes are as good as what they are decoded to
			ours = l.run(t, r.file, "decode", Frame{0, ours})
		}
		if len(ours) != len(theirs) {
			t.Errorf("%s gives %d bytes, %s %d", r.kernel, len(ours), r.tool, len(theirs))
		}
		width := r.in.Width
		if r.kernel == "half" {
			width = (width + 1) / 2
		}
		d := measure(ours, theirs, r.bits, width, max(r.channels, 1), r.margin)
		line := fmt.Sprintf("| `%s` | %s | %s | %g | %s | %s |\n", r.kernel, r.tool, d.share(), d.most, d.ratio(), r.why)
		t.Log(strings.TrimSpace(line))
		table.WriteString(line)
		if d.samples == 0 || r.least == 0 && d.differing > 0 || d.psnr < r.least {
			t.Errorf("%s beside %s: %+v, wanted %g dB", r.kernel, r.tool, d, r.least)
		}
	}
	if *update {
		writeTable(t, table.String())
	}
}

func writeTable(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := bytes.Cut(text, []byte(heading))
	if !ok {
		t.Fatalf("%s has no heading %q", document, heading)
	}
	_, rest, more := bytes.Cut(after, []byte("\n## "))
	text = append(append(before, heading...), table...)
	if more {
		text = append(append(text, "\n## "...), rest...)
	}
	if err := os.WriteFile(document, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

func (m material) left() []byte  { return m.speech[:len(m.speech)/2] }
func (m material) right() []byte { return m.speech[len(m.speech)/2:] }

// stereo puts the second half of the speech beside the first.
func (m material) stereo() Frame {
	var f Frame
	a, b := m.left(), m.right()
	for i := 0; i < len(a); i += 2 {
		f.Words = append(f.Words, a[i], a[i+1], b[i], b[i+1])
	}
	return f
}

// gained has its gains beside each pair of samples: 3/4 and 1/2.
func (m material) gained() Frame {
	var f Frame
	for pair := range slices.Chunk(m.stereo().Words, 4) {
		f.Words = append(append(f.Words, pair...), 96, 64)
	}
	return f
}

// layers lays the photograph, mirrored, transparent from left to right, over itself.
func (m material) layers() (both, top Frame) {
	both.Width, top.Width = m.photo.Width, m.photo.Width
	for i := 0; i < len(m.photo.Words); i += 3 {
		p := m.photo.Words[len(m.photo.Words)-i-3:][:3]
		alpha := byte(i / 3 % m.photo.Width / 4)
		top.Words = append(top.Words, p[0], p[1], p[2], alpha)
		both.Words = append(append(both.Words, p[0], p[1], p[2], alpha), m.photo.Words[i:i+3]...)
	}
	return both, top
}

// ramp12 is every word of 12 bits.
func ramp12() Frame {
	f := Frame{Width: 64}
	for v := range 4096 {
		f.Words = binary.LittleEndian.AppendUint16(f.Words, uint16(v))
	}
	return f
}

func floats(b []byte) []float64 {
	var list []float64
	for ; len(b) > 3; b = b[4:] {
		list = append(list, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	}
	return list
}
