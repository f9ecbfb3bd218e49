package kernels

import (
	"encoding/binary"
	"math/rand/v2"
)

// inputs are the inputs of the goldens that no kernel gives: drawn here, in whole numbers, so that every machine draws the same.
func inputs() map[string]Frame {
	noise := rand.New(rand.NewPCG(5, 2026))
	colour := scene()
	all := map[string]Frame{
		"scene.ppm": colour, "scene.pgm": grayOf(colour), "mosaic.pgm": mosaicOf(colour),
		"noise.ppm": {37, harsh(noise, 37*23*3)}, "noise.pgm": {37, harsh(noise, 37*23)},
		"one.ppm": {1, []byte{10, 200, 77}}, "one.pgm": {1, []byte{141}},
		"row.pgm": {53, harsh(noise, 53)}, "column.pgm": {1, harsh(noise, 29)},
		"layers.bin": {0, harsh(noise, 401*7)}, "nibbles.bin": {0, harsh(noise, 601)},
		"stereo.bin": {0, harsh(noise, 301*4)}, "channels.bin": {0, harsh(noise, 301*6)},
		"check.bin": {0, []byte("123456789")}, "zero.bin": {0, []byte{0}},
		"sound.bin": {0, sound(noise)}, "click.bin": {0, click()},
	}
	var ramp8, ramp12, frequencies []byte
	for i := range 256 {
		ramp8 = append(ramp8, byte(i))
	}
	for i := range 701 {
		high := noise.IntN(16) << 12 // which a word of 12 bits must not see
		ramp12 = binary.LittleEndian.AppendUint16(ramp12, uint16(i*4095/700|high))
	}
	for range 128 * 8 {
		f := (noise.IntN(4096) - 2048) >> noise.IntN(9)
		frequencies = binary.LittleEndian.AppendUint16(frequencies, uint16(f))
	}
	all["ramp8.bin"], all["ramp12.bin"], all["frequencies.bin"] = Frame{0, ramp8}, Frame{0, ramp12}, Frame{0, frequencies}
	all["tiles.bin"] = Frame{0, tiles(all["scene.pgm"], noise)}
	return all
}

// harsh is noise in which the least and the greatest byte are frequent.
func harsh(noise *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(max(0, min(255, noise.IntN(360)-52)))
	}
	return b
}

// scene is a sun over hills, a fence before them, and a board of fine lines: 64 by 48 pixels.
func scene() Frame {
	const width, height = 64, 48
	f := Frame{Width: width}
	for y := range height {
		for x := range width {
			r, g, b := 90+2*y, 140+y, 230-y // sky
			if dx, dy := x-47, y-12; dx*dx+dy*dy < 64 {
				r, g, b = 255, 240-4*dy, 120
			}
			if hill := 30 + (x-20)*(x-20)/60; y > hill {
				r, g, b = 40+x/2, 110+3*(y-hill), 30+(x*y)%17
			}
			if y > 34 && y < 46 && x%9 < 2 {
				r, g, b = 120, 70, 40-x%2*20
			}
			if x > 3 && x < 20 && y > 6 && y < 22 {
				v := 255 * ((x + y*(x/8)) % 2)
				r, g, b = v, v, 255-(y-7)*16
			}
			f.Words = append(f.Words, byte(min(r, 255)), byte(min(g, 255)), byte(max(b, 0)))
		}
	}
	return f
}

func grayOf(colour Frame) Frame {
	f := Frame{Width: colour.Width}
	for p := colour.Words; len(p) > 0; p = p[3:] {
		f.Words = append(f.Words, byte((int(p[0])+2*int(p[1])+int(p[2]))/4))
	}
	return f
}

// mosaicOf is what a sensor under a mosaic of colours would see, RGGB.
func mosaicOf(colour Frame) Frame {
	f := Frame{Width: colour.Width}
	for i := range len(colour.Words) / 3 {
		x, y := i%colour.Width, i/colour.Width
		f.Words = append(f.Words, colour.Words[3*i+x%2+y%2])
	}
	return f
}

// tiles are tiles of 8 by 8 pixels, one after the other: some of a picture, and what strains a DCT most.
func tiles(picture Frame, noise *rand.Rand) []byte {
	var b []byte
	for tile := range 12 {
		x, y := tile%8*8, tile/8*24
		for row := range 8 {
			at := (y+row)*picture.Width + x
			b = append(b, picture.Words[at:at+8]...)
		}
	}
	for i := range 4 * 64 {
		v := [4]int{0, 255, (i ^ i>>3) & 1 * 255, noise.IntN(2) * 255}[i/64]
		b = append(b, byte(v))
	}
	return b
}

// sound is 1,201 samples: a tone that rises, noise, and a square wave as loud as can be.
func sound(noise *rand.Rand) []byte {
	var b []byte
	phase := 0
	for i := range 1201 {
		phase += 200 + 12*i
		p := int(int16(phase))
		v := p * (32768 - max(p, -p)) / 9000 // a parabola is nearly a sine
		switch {
		case i >= 700 && i < 900:
			v = noise.IntN(12000) - 6000
		case i >= 900 && i < 1100:
			v = 65535*(i/25%2) - 32768
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

// click is silence, a sample of each kind of greatest loudness, and a step.
func click() []byte {
	var b []byte
	for i := range 31 {
		v := 0
		switch {
		case i == 3 || i >= 22:
			v = 32767
		case i == 11:
			v = -32768
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}
