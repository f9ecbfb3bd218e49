package kernels

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
)

// filterRows compare what looks at a pixel's neighbours, or at tiles.
func filterRows(t *testing.T, u usual, m material) []comparison {
	ff := func(filter string) func(Frame) []byte {
		return func(in Frame) []byte { return u.ffmpeg(t, in, "gray", filter, "gray") }
	}
	vips := func(operation string, args ...string) func(Frame) []byte {
		return func(in Frame) []byte { return u.vips(t, in, ".pgm", operation, ".pgm", args...) }
	}
	conv := func(side, divisor int, weights string) func(Frame) []byte {
		return func(in Frame) []byte {
			return u.vips(t, in, ".pgm", "conv", ".pgm", u.matrix(t, side, divisor, weights), "--precision", "integer", "--vips-novector")
		}
	}
	const (
		binomial = "1 4 6 4 1 4 16 24 16 4 6 24 36 24 6 4 16 24 16 4 1 4 6 4 1"
		inside   = ", without the edge"
		mirrors  = "ffmpeg mirrors at the left and the top, repeats at the right and the bottom"
	)
	g := m.gray
	row := func(file, kernel, tool string, theirs func(Frame) []byte, margin int, least float64, why string) comparison {
		return comparison{file, kernel, tool, g, theirs, 8, 1, margin, least, why}
	}
	return []comparison{
		row("convolve.ts", "sharpen", "ffmpeg `convolution`", ff("convolution='0 -1 0 -1 5 -1 0 -1 0'"), 0, 50, mirrors),
		row("convolve.ts", "sharpen", "ffmpeg `convolution`"+inside, ff("convolution='0 -1 0 -1 5 -1 0 -1 0'"), 1, 0, ""),
		row("convolve.ts", "sharpen", "vips conv", conv(3, 1, "0 -1 0 -1 5 -1 0 -1 0"), 0, 0, ""),
		row("convolve.ts", "emboss", "ffmpeg `convolution`"+inside, ff("convolution='-2 -1 0 -1 1 1 0 1 2'"), 1, 0, ""),
		row("convolve.ts", "emboss", "vips conv", conv(3, 1, "-2 -1 0 -1 1 1 0 1 2"), 0, 0, ""),
		row("convolve.ts", "gauss", "ffmpeg `convolution`, 5×5, 0rdiv=1/256"+inside, ff("convolution='"+binomial+"':0rdiv=1/256"), 2, 0, ""),
		row("convolve.ts", "gauss", "vips conv", conv(5, 256, binomial), 0, 0, ""),
		row("convolve.ts", "gauss", "vips gaussblur 1", vips("gaussblur", "1"), 0, 30, "its weights are of the bell curve, these of Pascal's triangle"),
		row("convolve.ts", "gauss", "ffmpeg `gblur=sigma=1`", ff("gblur=sigma=1"), 0, 30, "it approximates the bell curve by recursion"),
		row("edges.ts", "sobel", "ffmpeg `sobel`", ff("sobel"), 0, 15, "sum of the differences beside the length of the gradient"),
		row("edges.ts", "sobel", "vips sobel", vips("sobel"), 0, 10, "vips halves the differences, cuts them off at 8 bits, and doubles them again"),
		row("edges.ts", "gradient", "ffmpeg `sobel`", ff("sobel"), 0, 40, mirrors),
		row("edges.ts", "gradient", "ffmpeg `sobel`"+inside, ff("sobel"), 1, 0, ""),
		row("rank.ts", "median", "ffmpeg `median=radius=1`", ff("median=radius=1"), 0, 0, ""),
		row("rank.ts", "median", "vips rank 3 3 4", vips("rank", "3", "3", "4"), 0, 0, ""),
		row("rank.ts", "erode", "ffmpeg `erosion`", ff("erosion"), 0, 0, ""),
		row("rank.ts", "erode", "vips rank 3 3 0", vips("rank", "3", "3", "0"), 0, 0, ""),
		row("rank.ts", "dilate", "ffmpeg `dilation`", ff("dilation"), 0, 0, ""),
		row("rank.ts", "dilate", "vips rank 3 3 8", vips("rank", "3", "3", "8"), 0, 0, ""),
		row("scale.ts", "half", "vips shrink 2 2", vips("shrink", "2", "2"), 0, 40, "vips rounds twice: after rows and after columns"),
		row("scale.ts", "half", "ffmpeg `scale=iw/2:ih/2:flags=area`", ff("scale=iw/2:ih/2:flags=area+accurate_rnd+bitexact"), 0, 0, ""),
		{"dct.ts", "jpeg", "libjpeg-turbo, quality 50, islow", tiled(g), jpegTiles(t, u, g, "islow"), 16, 1, 0, 90, "here frequencies are rounded before they are quantised, and cosines have 10 binary digits; there 13, and one rounding less"},
		{"dct.ts", "jpeg", "libjpeg-turbo, quality 50, float", tiled(g), jpegTiles(t, u, g, "float"), 16, 1, 0, 90, "as above"},
	}
}

// tiled is a picture as tiles of 8 by 8 pixels, one after the other.
func tiled(f Frame) Frame {
	out := Frame{Width: 8}
	for rows := range slices.Chunk(f.Words, 8*f.Width) {
		for x := 0; x < f.Width; x += 8 {
			for line := range slices.Chunk(rows, f.Width) {
				out.Words = append(out.Words, line[x:x+8]...)
			}
		}
	}
	return out
}

func jpegTiles(t *testing.T, u usual, g Frame, dct string) func(Frame) []byte {
	return func(Frame) []byte { return u.command(t, g.Words, u.libjpeg, strconv.Itoa(g.Width), dct) }
}

func TestTilesHoldThePicture(t *testing.T) {
	f := Frame{16, make([]byte, 16*16)}
	for i := range f.Words {
		f.Words[i] = byte(i)
	}
	got := tiled(f).Words
	if want := []byte{8, 9, 10, 11, 12, 13, 14, 15, 24}; !bytes.Equal(got[64:73], want) {
		t.Errorf("the second tile begins with %v, want %v", got[64:73], want)
	}
}
