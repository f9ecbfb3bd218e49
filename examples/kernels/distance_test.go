package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
)

// distance is how far apart two sequences of samples are.
type distance struct {
	samples, differing int
	most               float64 // greatest difference
	psnr               float64 // in dB; +Inf if nothing differs
}

// measure compares samples of 8 bits, or signed ones of 16, in rows of width; margin pixels at each side are left out. channels is the samples in a pixel.
func measure(a, b []byte, bits, width, channels, margin int) distance {
	d := distance{psnr: math.Inf(1)}
	x, y := numbers(a, bits), numbers(b, bits)
	row, height, sum := width*channels, 1, 0.0
	if row > 0 {
		height = len(x) / row
	} else {
		row = len(x)
	}
	for i := range min(len(x), len(y)) {
		column, line := i%row/channels, i/row
		if margin > 0 && (column < margin || column >= width-margin || line < margin || line >= height-margin) {
			continue
		}
		apart := math.Abs(x[i] - y[i])
		d.samples++
		if apart > 0 {
			d.differing++
		}
		d.most = max(d.most, apart)
		sum += apart * apart
	}
	if sum > 0 {
		peak := math.Pow(2, float64(bits)) - 1
		d.psnr = 10 * math.Log10(peak*peak*float64(d.samples)/sum)
	}
	return d
}

// numbers are the samples of bytes.
func numbers(b []byte, bits int) []float64 {
	var list []float64
	if bits == 8 {
		for _, v := range b {
			list = append(list, float64(v))
		}
		return list
	}
	for ; len(b) > 1; b = b[2:] {
		list = append(list, float64(int16(binary.LittleEndian.Uint16(b))))
	}
	return list
}

// share is the part of the samples that differ.
func (d distance) share() string {
	if d.differing == 0 {
		return "none"
	}
	percent := 100 * float64(d.differing) / float64(d.samples)
	switch {
	case percent < 0.01:
		return fmt.Sprintf("%d of %d", d.differing, d.samples)
	case percent < 1:
		return fmt.Sprintf("%.2f %%", percent)
	}
	return fmt.Sprintf("%.1f %%", percent)
}

func (d distance) ratio() string {
	if math.IsInf(d.psnr, 1) {
		return "∞"
	}
	return fmt.Sprintf("%.1f", d.psnr)
}

// halfband is the low pass of decimate, with all digits.
func halfband() []float64 {
	var h []float64
	for n := -7.0; n <= 7; n++ {
		ideal := 0.5
		if n != 0 {
			ideal = math.Sin(math.Pi*n/2) / (math.Pi * n)
		}
		h = append(h, ideal*(0.54+0.46*math.Cos(math.Pi*n/7)))
	}
	return h
}
