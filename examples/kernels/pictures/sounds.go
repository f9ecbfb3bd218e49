package main

import (
	"image"
	"math/rand/v2"

	"github.com/capodekappa/capo/examples/kernels"
)

const (
	rate    = 16000 // samples a second
	seconds = 0.03  // of waves
)

// sounds are waves and spectra before (gray) and after (red).
func sounds(l *library, speech []byte) []picture {
	speech = speech[:len(speech)&^3]
	plain := func() (kernels.Frame, error) { return kernels.Frame{Words: speech}, nil }
	change := func(file, kernel, shows string, after float64, in func() (kernels.Frame, error)) picture {
		return picture{kernel, shows, func() (image.Image, error) {
			before, err := in()
			if err != nil {
				return nil, err
			}
			f, err := l.call(file, kernel, before)
			if err != nil {
				return nil, err
			}
			was := trackOf(speech, rate, grayInk)
			return plot(was.loudest(seconds), seconds, was, trackOf(f.Words, after, redInk)), nil
		}}
	}
	return []picture{
		change("audio.ts", "fir", "smoothed", rate, plain),
		change("audio.ts", "decimate", "half the rate", rate/2, plain),
		change("audio.ts", "biquad", "a low pass at 1 kHz", rate, plain),
		change("audio.ts", "mix", "with noise mixed in", rate, func() (kernels.Frame, error) { return mixed(speech, nil), nil }),
		change("audio.ts", "mixer", "with a quarter of its strength, and noise", rate, func() (kernels.Frame, error) { return mixed(speech, []byte{32, 64}), nil }),
		change("adpcm.ts", "decode", "after 4 bits a sample", rate, func() (kernels.Frame, error) { return l.call("adpcm.ts", "encode", kernels.Frame{Words: speech}) }),
	}
}

// mixed puts noise beside each sample, and gains if there are any.
func mixed(speech, gains []byte) kernels.Frame {
	noise := rand.New(rand.NewPCG(3, 4))
	var f kernels.Frame
	for i := 0; i < len(speech); i += 2 {
		v := uint16(noise.IntN(2000) - 1000)
		f.Words = append(append(f.Words, speech[i], speech[i+1], byte(v), byte(v>>8)), gains...)
	}
	return f
}
