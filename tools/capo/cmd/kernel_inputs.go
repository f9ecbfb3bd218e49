package cmd

import (
	"fmt"
	"math/rand/v2"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// proofInput is a frame that a kernel is given, and the answer that somebody else computed, if there is one.
type proofInput struct {
	name  string
	words []byte
	width int
	want  []byte // nil: not known
}

// proofInputs lists what a kernel is proved with.
func proofInputs(k *ir.Kernel, golden []proofInput, noise int) []proofInput {
	all := append([]proofInput{}, golden...)
	token := k.In().Bytes()
	source := rand.NewChaCha8([32]byte{'c', 'a', 'p', 'o'})
	draw := func(n int) []byte {
		b := make([]byte, n)
		_, _ = source.Read(b) // never fails
		return b
	}
	for _, size := range []frame.Size{{Width: 1, Rows: 1}, {Width: 7, Rows: 1}, {Width: 1, Rows: 5}, {Width: 2, Rows: 2}, {Width: 5, Rows: 3}} {
		if _, err := frame.New(k, size.Tokens()*token, size.Width); err == nil {
			all = append(all, proofInput{fmt.Sprintf("%d × %d words", size.Width, size.Rows), draw(size.Tokens() * token), size.Width, nil})
		}
	}
	if size, ok := noiseSize(k, noise); ok {
		all = append(all, proofInput{fmt.Sprintf("noise of %d bytes, %d words in a row", size.Tokens()*token, size.Width), draw(size.Tokens() * token), size.Width, nil})
	}
	return all
}

// noiseSize is the largest frame of at most so many bytes that a kernel takes, in rows of a width that is prime where it may be.
func noiseSize(k *ir.Kernel, most int) (frame.Size, bool) {
	tokens := most / k.In().Bytes()
	widths := []int{61, 64, 48, 7, 1}
	for _, s := range k.Stages {
		if s.Shape == ir.BlockShape {
			widths = append(widths, s.Cols)
		}
	}
	best := frame.Size{}
	for _, width := range widths {
		for multiple := 1; multiple <= 64; multiple *= 2 {
			size := frame.Size{Width: width, Rows: tokens / width / multiple * multiple}
			if size.Rows == 0 || size.Tokens() <= best.Tokens()*9/8 {
				continue
			}
			if _, err := frame.New(k, size.Tokens()*k.In().Bytes(), width); err == nil {
				best = size
			}
		}
	}
	return best, best.Rows > 0
}

// shorten takes the first rows of an input, so that it has at most so many bytes, and still fits.
func shorten(k *ir.Kernel, in proofInput, most int) (proofInput, bool) {
	if len(in.words) <= most {
		return in, true
	}
	row := max(in.width, 1) * k.In().Bytes()
	if in.width == 0 { // one row, or tiles
		row = k.In().Bytes()
	}
	for rows := most / row; rows > 0; rows-- {
		if _, err := frame.New(k, rows*row, in.width); err == nil {
			return proofInput{in.name + ", its beginning", in.words[:rows*row], in.width, nil}, true
		}
	}
	return in, false
}
