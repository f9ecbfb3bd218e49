package main

import (
	"encoding/binary"
	"image"
	"math/rand/v2"

	"github.com/capodekappa/capo/examples/kernels"
)

// picture is what is drawn of a kernel.
type picture struct {
	kernel, shows string
	draw          func() (image.Image, error)
}

// maker makes pictures with a library of kernels.
type maker struct {
	l     *library
	photo kernels.Frame
	gray  func() (kernels.Frame, error)
}

// all lists the pictures.
func all(l *library, photo kernels.Frame, speech []byte) []picture {
	m := maker{l: l, photo: photo}
	m.gray = func() (kernels.Frame, error) { return l.call("colour.ts", "gray", photo) }
	return append(append(m.points(), m.neighbourhoods()...), sounds(l, speech)...)
}

// change draws a frame before and after a kernel.
func (m maker) change(file, kernel, shows string, in func() (kernels.Frame, error), show, showAfter func(kernels.Frame) image.Image) picture {
	return picture{kernel, shows, func() (image.Image, error) {
		before, err := in()
		if err != nil {
			return nil, err
		}
		after, err := m.l.call(file, kernel, before)
		if err != nil {
			return nil, err
		}
		return beside(show(before), showAfter(after)), nil
	}}
}

func (m maker) colour() (kernels.Frame, error) { return m.photo, nil }

func (m maker) points() []picture {
	parts := func(f kernels.Frame) image.Image {
		return beside(grays(channel(f, 0)), grays(channel(f, 1)), grays(channel(f, 2)))
	}
	made := func(file, kernel string) func() (kernels.Frame, error) {
		return func() (kernels.Frame, error) { return m.l.call(file, kernel, m.photo) }
	}
	light := func() (kernels.Frame, error) {
		f, err := m.l.call("tone.ts", "srgbToLinear", m.photo)
		for i := 0; i+1 < len(f.Words); i += 2 {
			binary.LittleEndian.PutUint16(f.Words[i:], binary.LittleEndian.Uint16(f.Words[i:])>>4)
		}
		return f, err
	}
	bits := func(shift int) func(kernels.Frame) image.Image { // of words of 16 bits, as colours
		return func(f kernels.Frame) image.Image {
			high := kernels.Frame{Width: m.photo.Width}
			for i := 0; i+1 < len(f.Words); i += 2 {
				high.Words = append(high.Words, byte(binary.LittleEndian.Uint16(f.Words[i:])>>shift))
			}
			return colours(high)
		}
	}
	rgb := func(f kernels.Frame) image.Image { return colours(kernels.Frame{Width: m.photo.Width, Words: f.Words}) }
	return []picture{
		m.change("colour.ts", "gray", "brightness, BT.601", m.colour, colours, grays),
		m.change("colour.ts", "gray709", "brightness, BT.709", m.colour, colours, grays),
		m.change("colour.ts", "ycbcr601", "Y', Cb and Cr", m.colour, colours, parts),
		m.change("colour.ts", "rgb601", "and back", made("colour.ts", "ycbcr601"), parts, colours),
		m.change("colour.ts", "ycbcr709", "Y', Cb and Cr", m.colour, colours, parts),
		m.change("colour.ts", "rgb709", "and back", made("colour.ts", "ycbcr709"), parts, colours),
		m.change("tone.ts", "gamma", "brighter", m.gray, grays, grays),
		m.change("tone.ts", "threshold", "black and white", m.gray, grays, grays),
		m.change("tone.ts", "srgbToLinear", "light, shown as if it were sRGB", m.samples, rgb, bits(8)),
		m.change("tone.ts", "linearToSrgb", "and back, by way of 12 bits", light, bits(4), rgb),
		m.change("blend.ts", "over", "the picture, mirrored, over itself; transparent at the left", m.layers, ground, colours),
	}
}

// samples are the photograph's channels, one a word.
func (m maker) samples() (kernels.Frame, error) {
	return kernels.Frame{Width: 3 * m.photo.Width, Words: m.photo.Words}, nil
}

// layers are the photograph and its mirror image with transparency.
func (m maker) layers() (kernels.Frame, error) {
	f := kernels.Frame{Width: m.photo.Width}
	for i := 0; i < len(m.photo.Words); i += 3 {
		x := i / 3 % f.Width
		mirrored := m.photo.Words[i+3*(f.Width-1-2*x):]
		f.Words = append(f.Words, mirrored[0], mirrored[1], mirrored[2], byte(255*x/f.Width))
		f.Words = append(f.Words, m.photo.Words[i:i+3]...)
	}
	return f, nil
}

// ground is the lower layer.
func ground(f kernels.Frame) image.Image {
	g := kernels.Frame{Width: f.Width}
	for i := 0; i < len(f.Words); i += 7 {
		g.Words = append(g.Words, f.Words[i+4:i+7]...)
	}
	return colours(g)
}

func (m maker) neighbourhoods() []picture {
	spectrum := func(f kernels.Frame) image.Image { return grays(signed(f, 8)) }
	tiles := func(f kernels.Frame) image.Image { return grays(signed(untiled(f, m.photo.Width/8*8), 16)) }
	return []picture{
		m.change("convolve.ts", "sharpen", "sharper", m.gray, grays, grays),
		m.change("convolve.ts", "emboss", "embossed", m.gray, grays, grays),
		m.change("convolve.ts", "gauss", "blurred, one pixel of deviation", m.gray, grays, grays),
		m.change("edges.ts", "sobel", "edges", m.gray, grays, grays),
		m.change("edges.ts", "gradient", "edges, by length", m.gray, grays, grays),
		m.change("edges.ts", "edges", "edges of a colour picture, in one pass", m.colour, colours, grays),
		m.change("rank.ts", "median", "without its wrong pixels", m.peppered, grays, grays),
		m.change("rank.ts", "erode", "dark has grown", m.gray, grays, grays),
		m.change("rank.ts", "dilate", "light has grown", m.gray, grays, grays),
		m.change("scale.ts", "half", "half the size", m.gray, grays, grays),
		m.change("bayer.ts", "demosaic", "the mosaic, and the picture", m.mosaic, grays, colours),
		m.change("dct.ts", "dct", "frequencies of tiles of 8×8, eight times as strong", m.whole, grays, spectrum),
		m.change("dct.ts", "jpeg", "what JPEG stores at quality 50, sixteen times as strong", m.tiled, func(f kernels.Frame) image.Image { return grays(untiledBytes(f, m.photo.Width/8*8)) }, tiles),
	}
}

// peppered is the gray photograph with one pixel in twelve black or white.
func (m maker) peppered() (kernels.Frame, error) {
	f, err := m.gray()
	noise := rand.New(rand.NewPCG(1, 2))
	for range len(f.Words) / 12 {
		f.Words[noise.IntN(len(f.Words))] = byte(255 * noise.IntN(2))
	}
	return f, err
}

// mosaic is the photograph as a sensor under red, green and blue filters sees it.
func (m maker) mosaic() (kernels.Frame, error) {
	f := kernels.Frame{Width: m.photo.Width}
	for i := range len(m.photo.Words) / 3 {
		x, y := i%f.Width, i/f.Width
		f.Words = append(f.Words, m.photo.Words[3*i+x%2+y%2])
	}
	return f, nil
}
