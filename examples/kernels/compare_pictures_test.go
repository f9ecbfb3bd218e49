package kernels

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"testing"
)

const (
	accurate = "flags=accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
	halves   = "sums that end in a half, and coefficients of other precision"
)

// pictureRows compare what is done to each pixel alone.
func pictureRows(t *testing.T, u usual, m material, l library) []comparison {
	both, top := m.layers()
	ycc601 := Frame{m.photo.Width, l.run(t, "colour.ts", "ycbcr601", m.photo)}
	ycc709 := Frame{m.photo.Width, l.run(t, "colour.ts", "ycbcr709", m.photo)}
	ff := func(from, filter, to string, more ...string) func(Frame) []byte {
		return func(in Frame) []byte { return u.ffmpeg(t, in, from, filter, to, more...) }
	}
	return []comparison{
		{"colour.ts", "gray", "ffmpeg `format=gray`", m.photo, ff("rgb24", "format=gray", "gray"), 8, 1, 0, 50, "coefficients in 256ths; ffmpeg's have 15 bits"},
		{"colour.ts", "gray709", "ffmpeg `scale=out_color_matrix=bt709,format=gray`", m.photo, ff("rgb24", "scale=out_color_matrix=bt709:out_range=full,format=gray", "gray"), 8, 1, 0, 45, "coefficients in 256ths"},
		{"colour.ts", "ycbcr601", "ffmpeg to `yuvj444p`, accurate_rnd", m.photo, ff("rgb24", "scale=out_color_matrix=bt601:out_range=full:"+accurate, "yuvj444p"), 8, 3, 0, 40, halves},
		{"colour.ts", "rgb601", "ffmpeg from `yuvj444p`, accurate_rnd", ycc601, ff("yuvj444p", "scale=in_color_matrix=bt601:in_range=full:"+accurate, "rgb24"), 8, 3, 0, 40, halves},
		{"colour.ts", "ycbcr709", "ffmpeg `scale=out_color_matrix=bt709`, accurate_rnd", m.photo, ff("rgb24", "scale=out_color_matrix=bt709:out_range=limited:"+accurate, "yuv444p"), 8, 3, 0, 40, halves},
		{"colour.ts", "rgb709", "ffmpeg `scale=in_color_matrix=bt709`, accurate_rnd", ycc709, ff("yuv444p", "scale=in_color_matrix=bt709:in_range=limited:"+accurate, "rgb24"), 8, 3, 0, 40, halves},
		{"colour.ts", "ycbcr709", "ffmpeg `zscale=matrix=709`", m.photo, ff("rgb24", "zscale=matrixin=gbr:matrix=709:rangein=full:range=limited", "yuv444p"), 8, 3, 0, 40, halves},
		{"tone.ts", "gamma", "ffmpeg `lut=gammaval(1/2.2)`", m.gray, ff("gray", "lut=c0=gammaval(1/2.2)", "gray"), 8, 1, 0, 40, "ffmpeg cuts fractions off"},
		{"tone.ts", "gamma", "vips gamma", m.gray, func(in Frame) []byte { return u.vips(t, in, ".pgm", "gamma", ".pgm", "--exponent", "2.2") }, 8, 1, 0, 40, "vips cuts fractions off"},
		{"tone.ts", "srgbToLinear", "vips colourspace scrgb", m.photo, func(in Frame) []byte { return scRGB(t, u, in) }, 16, 3, 0, 0, ""},
		{"tone.ts", "linearToSrgb", "vips colourspace srgb", ramp12(), func(in Frame) []byte { return fromSCRGB(t, u, in) }, 8, 1, 0, 40, "vips interpolates in a table"},
		{"tone.ts", "threshold", "ffmpeg `lut=if(gte(val,128),255,0)`", m.gray, ff("gray", "lut=c0='if(gte(val,128),255,0)'", "gray"), 8, 1, 0, 0, ""},
		{"tone.ts", "threshold", "vips relational_const moreeq 128", m.gray, func(in Frame) []byte { return u.vips(t, in, ".pgm", "relational_const", ".pgm", "moreeq", "128") }, 8, 1, 0, 0, ""},
		{"blend.ts", "over", "ffmpeg `overlay=format=rgb`", both, func(Frame) []byte { return overlay(t, u, m.photo, top) }, 8, 3, 0, 0, ""},
		{"bayer.ts", "demosaic", "ffmpeg from `bayer_rggb8`", mosaicOf(m.photo), ff("bayer_rggb8", "format=rgb24", "rgb24"), 8, 3, 0, 40, "ffmpeg cuts fractions of means off; at the edges of the slices that its threads take it copies pixels"},
		{"bayer.ts", "demosaic", "the same, one thread, without two pixels at each side", mosaicOf(m.photo), ff("bayer_rggb8", "format=rgb24", "rgb24", "-filter_threads", "1"), 8, 3, 2, 40, "ffmpeg cuts fractions of means off"},
	}
}

// scRGB is vips's light of a picture, 65535 where it says 1.
func scRGB(t *testing.T, u usual, in Frame) []byte {
	if err := WriteFrame(u.file("in.ppm"), in); err != nil {
		t.Fatal(err)
	}
	u.command(t, nil, "vips", "colourspace", u.file("in.ppm"), u.file("light.v"), "scrgb", "--source-space", "srgb")
	u.command(t, nil, "vips", "rawsave", u.file("light.v"), u.file("light.raw"))
	var out []byte
	for _, v := range floats(u.read(t, "light.raw")) {
		out = binary.LittleEndian.AppendUint16(out, uint16(math.Round(v*65535)))
	}
	return out
}

// fromSCRGB is vips's sRGB of light of 12 bits.
func fromSCRGB(t *testing.T, u usual, in Frame) []byte {
	var light []byte
	for _, v := range numbers(in.Words, 16) {
		for range 3 {
			light = binary.LittleEndian.AppendUint32(light, math.Float32bits(float32(v/4095)))
		}
	}
	if err := os.WriteFile(u.file("light.raw"), light, 0o666); err != nil {
		t.Fatal(err)
	}
	u.command(t, nil, "vips", "rawload", u.file("light.raw"), u.file("light.v"), "64", "64", "3", "--format", "float", "--interpretation", "scrgb")
	u.command(t, nil, "vips", "colourspace", u.file("light.v"), u.file("out.ppm"), "srgb")
	var out []byte
	for p := range slices.Chunk(u.read(t, "out.ppm"), 3) {
		out = append(out, p[0])
	}
	return out
}

func overlay(t *testing.T, u usual, ground, top Frame) []byte {
	if err := os.WriteFile(u.file("top.rgba"), top.Words, 0o666); err != nil {
		t.Fatal(err)
	}
	return u.command(t, ground.Words, "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "640x480", "-i", "-",
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", "640x480", "-i", u.file("top.rgba"), "-filter_complex", "overlay=format=rgb", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
}
