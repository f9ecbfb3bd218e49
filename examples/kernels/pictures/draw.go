package main

import (
	"image"
	"image/color"
	"image/draw"

	"github.com/capodekappa/capo/examples/kernels"
)

// shrink makes a colour picture n times smaller, by means of squares.
func shrink(f kernels.Frame, n int) kernels.Frame {
	height := len(f.Words) / f.Width / 3
	small := kernels.Frame{Width: f.Width / n}
	for y := range height / n {
		for x := range small.Width {
			for c := range 3 {
				sum := 0
				for i := range n * n {
					sum += int(f.Words[((y*n+i/n)*f.Width+x*n+i%n)*3+c])
				}
				small.Words = append(small.Words, byte(sum/n/n))
			}
		}
	}
	return small
}

// colours shows words as RGB.
func colours(f kernels.Frame) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, f.Width, len(f.Words)/f.Width/3))
	for i := range len(f.Words) / 3 {
		p := f.Words[3*i:]
		img.SetRGBA(i%f.Width, i/f.Width, color.RGBA{p[0], p[1], p[2], 255})
	}
	return img
}

// grays shows words of 8 bits as brightness.
func grays(f kernels.Frame) image.Image {
	return &image.Gray{Pix: f.Words, Stride: f.Width, Rect: image.Rect(0, 0, f.Width, len(f.Words)/f.Width)}
}

// channel is one of the channels of RGB or Y'CbCr, gray.
func channel(f kernels.Frame, n int) kernels.Frame {
	one := kernels.Frame{Width: f.Width}
	for i := n; i < len(f.Words); i += 3 {
		one.Words = append(one.Words, f.Words[i])
	}
	return one
}

// signed shows signed words of 16 bits: zero is gray, and gain makes them stronger.
func signed(f kernels.Frame, gain int) kernels.Frame {
	g := kernels.Frame{Width: f.Width}
	for i := 0; i < len(f.Words); i += 2 {
		v := int(int16(uint16(f.Words[i]) | uint16(f.Words[i+1])<<8))
		g.Words = append(g.Words, byte(max(0, min(255, 128+gain*v))))
	}
	return g
}

// beside puts pictures next to each other on white.
func beside(images ...image.Image) image.Image {
	const gap = 8
	width, height := -gap, 0
	for _, img := range images {
		width += img.Bounds().Dx() + gap
		height = max(height, img.Bounds().Dy())
	}
	all := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(all, all.Rect, image.White, image.Point{}, draw.Src)
	x := 0
	for _, img := range images {
		draw.Draw(all, img.Bounds().Add(image.Pt(x, 0)), img, image.Point{}, draw.Src)
		x += img.Bounds().Dx() + gap
	}
	return all
}
