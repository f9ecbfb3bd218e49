package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
)

// picture is RGB bytes, row by row.
type picture struct {
	width, height int
	rgb           []byte
}

func newPicture(width, height int) *picture {
	return &picture{width, height, make([]byte, 3*width*height)}
}

// readPhoto reads a PNG and averages squares of n×n pixels.
func readPhoto(path string, n int) (*picture, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w (capo doctor --install --for run brings it)", err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	size := img.Bounds().Size()
	if n < 1 || size.X/n < 3 || size.Y/n < 3 {
		return nil, fmt.Errorf("%s is %v: it cannot be made %d times smaller", path, size, n)
	}
	p := newPicture(size.X/n, size.Y/n)
	for y := range p.height {
		for x := range p.width {
			var sum [3]uint32
			for i := range n * n {
				r, g, b, _ := img.At(img.Bounds().Min.X+x*n+i%n, img.Bounds().Min.Y+y*n+i/n).RGBA()
				sum[0], sum[1], sum[2] = sum[0]+r>>8, sum[1]+g>>8, sum[2]+b>>8
			}
			for k, s := range sum {
				p.rgb[3*(y*p.width+x)+k] = byte(s / uint32(n*n))
			}
		}
	}
	return p, nil
}

// at is the offset of a pixel; outside, that of the nearest one inside.
func (p *picture) at(x, y int) int {
	return 3 * (min(max(y, 0), p.height-1)*p.width + min(max(x, 0), p.width-1))
}

// tile is a part of a picture.
type tile struct {
	x, y, width, height int
	rgb                 []byte // with a border of one pixel on the way to a node, without on the way back
	node                string
	tookMS              int
}

// cut makes tiles of at most size×size pixels, each with its border.
func cut(p *picture, size int) []tile {
	var tiles []tile
	for y := 0; y < p.height; y += size {
		for x := 0; x < p.width; x += size {
			t := tile{x: x, y: y, width: min(size, p.width-x), height: min(size, p.height-y)}
			for v := y - 1; v <= y+t.height; v++ {
				for u := x - 1; u <= x+t.width; u++ {
					i := p.at(u, v)
					t.rgb = append(t.rgb, p.rgb[i:i+3]...)
				}
			}
			tiles = append(tiles, t)
		}
	}
	return tiles
}

// paste puts a tile without border into its place.
func (p *picture) paste(t tile) {
	for row := range t.height {
		copy(p.rgb[3*((t.y+row)*p.width+t.x):], t.rgb[3*row*t.width:3*(row+1)*t.width])
	}
}

// differs is the offset of the first byte that is not the same, -1 if all are.
func (p *picture) differs(o *picture) int {
	for i := range p.rgb {
		if p.rgb[i] != o.rgb[i] {
			return i
		}
	}
	return -1
}

func (p *picture) image() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, p.width, p.height))
	for i := range p.width * p.height {
		img.SetRGBA(i%p.width, i/p.width, color.RGBA{p.rgb[3*i], p.rgb[3*i+1], p.rgb[3*i+2], 255})
	}
	return img
}

// drawAll is what tiles.ts does, written for whole pictures.
func drawAll(p *picture) *picture {
	gray := func(x, y int) int {
		i := p.at(x, y)
		return (77*int(p.rgb[i]) + 150*int(p.rgb[i+1]) + 29*int(p.rgb[i+2]) + 128) >> 8
	}
	abs := func(n int) int { return max(n, -n) }
	out := newPicture(p.width, p.height)
	for y := range p.height {
		for x := range p.width {
			gx := gray(x+1, y-1) + 2*gray(x+1, y) + gray(x+1, y+1) - gray(x-1, y-1) - 2*gray(x-1, y) - gray(x-1, y+1)
			gy := gray(x-1, y+1) + 2*gray(x, y+1) + gray(x+1, y+1) - gray(x-1, y-1) - 2*gray(x, y-1) - gray(x+1, y-1)
			light := 255 - min(255, abs(gx)+abs(gy))
			for k := range 3 {
				i := 3*(y*p.width+x) + k
				out.rgb[i] = byte(int(p.rgb[i]) * light >> 8)
			}
		}
	}
	return out
}
