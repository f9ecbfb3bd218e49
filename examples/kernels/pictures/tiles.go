package main

import "github.com/capodekappa/capo/examples/kernels"

const side = 8 // of a tile

// whole is the gray photograph without what is no whole tile.
func (m maker) whole() (kernels.Frame, error) {
	g, err := m.gray()
	if err != nil {
		return g, err
	}
	f := kernels.Frame{Width: g.Width / side * side}
	for y := range len(g.Words) / g.Width / side * side {
		f.Words = append(f.Words, g.Words[y*g.Width:][:f.Width]...)
	}
	return f, nil
}

// tiled is the same as tiles that follow each other.
func (m maker) tiled() (kernels.Frame, error) {
	f, err := m.whole()
	if err != nil {
		return f, err
	}
	t := kernels.Frame{Width: side, Words: make([]byte, len(f.Words))}
	for i := range t.Words {
		t.Words[i] = f.Words[place(i, f.Width)]
	}
	return t, nil
}

// place is where a word of tiles that follow each other lies in a picture.
func place(i, width int) int {
	tile, row, column := i/(side*side), i/side%side, i%side
	across := width / side
	return (tile/across*side+row)*width + tile%across*side + column
}

func untiledBytes(t kernels.Frame, width int) kernels.Frame {
	f := kernels.Frame{Width: width, Words: make([]byte, len(t.Words))}
	for i, v := range t.Words {
		f.Words[place(i, width)] = v
	}
	return f
}

// untiled is untiledBytes for words of 16 bits.
func untiled(t kernels.Frame, width int) kernels.Frame {
	f := kernels.Frame{Width: width, Words: make([]byte, len(t.Words))}
	for i := range len(t.Words) / 2 {
		copy(f.Words[2*place(i, width):], t.Words[2*i:2*i+2])
	}
	return f
}
