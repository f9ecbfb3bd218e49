package main

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/cmplx"
)

const (
	plotWidth, plotHeight = 800, 240
	spectrumWindow        = 512
	spectrumDepth         = 100 // dB
)

var (
	grayInk = color.RGBA{170, 170, 170, 255}
	redInk  = color.RGBA{200, 60, 30, 255}
	axis    = color.RGBA{220, 220, 235, 255}
)

// track is samples and how many there are in a second.
type track struct {
	samples []float64
	rate    float64
	ink     color.RGBA
}

func trackOf(b []byte, rate float64, ink color.RGBA) track {
	t := track{rate: rate, ink: ink}
	for ; len(b) > 1; b = b[2:] {
		t.samples = append(t.samples, float64(int16(binary.LittleEndian.Uint16(b))))
	}
	return t
}

// plot shows waves above, from one moment on for some seconds, and below the spectra of the whole, up to 8 kHz, 100 dB high.
func plot(from, seconds float64, tracks ...track) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, plotWidth, 2*plotHeight))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	for x := range plotWidth {
		img.SetRGBA(x, plotHeight/2, axis)
		for y := range 5 {
			img.SetRGBA(x, plotHeight+y*plotHeight/5, axis)
		}
	}
	for y := range plotHeight {
		for khz := 1; khz < 8; khz++ {
			img.SetRGBA(khz*plotWidth/8, plotHeight+y, axis)
		}
	}
	most := 1.0
	for _, t := range tracks {
		for _, v := range t.cut(from, seconds) {
			most = max(most, math.Abs(v))
		}
	}
	for _, t := range tracks {
		wave(img, t, from, seconds, most)
		spectrum(img, t)
	}
	return img
}

// cut is the track's samples from a moment on for some seconds.
func (t track) cut(from, seconds float64) []float64 {
	first := int(from * t.rate)
	return t.samples[first:][:int(seconds*t.rate)]
}

// loudest is when the loudest part of so many seconds begins.
func (t track) loudest(seconds float64) float64 {
	best, at := 0.0, 0.0
	for from := 0.0; int((from+seconds)*t.rate) < len(t.samples); from += seconds {
		power := 0.0
		for _, v := range t.cut(from, seconds) {
			power += v * v
		}
		if power > best {
			best, at = power, from
		}
	}
	return at
}

func wave(img *image.RGBA, t track, from, seconds, most float64) {
	samples := t.cut(from, seconds)
	count := len(samples)
	y := func(i int) float64 { return plotHeight/2 - samples[i]/most*(plotHeight/2-4) }
	for i := range count - 1 {
		line(img, float64(i)*plotWidth/float64(count), y(i), float64(i+1)*plotWidth/float64(count), y(i+1), t.ink)
	}
}

// spectrum is the mean power of windows by frequency.
func spectrum(img *image.RGBA, t track) {
	power := make([]float64, spectrumWindow/2)
	for at := 0; at+spectrumWindow <= len(t.samples); at += spectrumWindow {
		for f := range power {
			var sum complex128
			for i, v := range t.samples[at : at+spectrumWindow] {
				hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/spectrumWindow)
				sum += complex(v*hann, 0) * cmplx.Rect(1, -2*math.Pi*float64(f*i%spectrumWindow)/spectrumWindow)
			}
			power[f] += real(sum)*real(sum) + imag(sum)*imag(sum)
		}
	}
	point := func(f int) (x, y float64) {
		hz := float64(f) * t.rate / spectrumWindow
		windows := float64(len(t.samples) / spectrumWindow)
		level := 10*math.Log10(power[f]/windows+1) - 30
		return hz / 8000 * plotWidth, plotHeight + plotHeight*(1-level/spectrumDepth)
	}
	for f := range len(power) - 1 {
		x, y := point(f)
		nextX, nextY := point(f + 1)
		line(img, x, y, nextX, nextY, t.ink)
	}
}

func line(img *image.RGBA, x0, y0, x1, y1 float64, ink color.RGBA) {
	steps := int(max(math.Abs(x1-x0), math.Abs(y1-y0))) + 1
	for i := range steps + 1 {
		part := float64(i) / float64(steps)
		img.SetRGBA(int(x0+part*(x1-x0)), int(y0+part*(y1-y0)), ink)
	}
}
