package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// kernelInput is the words of a call, and how many of them are a row; 0 is not said.
type kernelInput struct {
	name  string
	words []byte
	width int
	pixel int // bytes, where it is a picture
}

// maxInput bounds an input of `kernel run` and a golden.
const maxInput = 1 << 30

// readInput reads a file, or standard input for "-". A netpbm picture (.pgm, .ppm, .pnm; binary, 8 bits) is taken as its pixels.
func (a *app) readInput(path string) (kernelInput, error) {
	in := kernelInput{name: path}
	var from io.Reader = a.In
	if path == "-" {
		in.name = "standard input"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return in, err
		}
		defer f.Close()
		from = f
	}
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return in, fmt.Errorf("read %s: %w", in.name, err)
	}
	if len(data) > maxInput {
		return in, fmt.Errorf("read %s: it has more than %d bytes", in.name, maxInput)
	}
	in.words = data
	if !isPicture(path) {
		return in, nil
	}
	if in.words, in.width, in.pixel, err = parsePicture(data); err != nil {
		return in, fmt.Errorf("read the picture %s: %w", path, err)
	}
	return in, nil
}

func isPicture(path string) bool {
	return slices.Contains([]string{".pgm", ".ppm", ".pnm"}, filepath.Ext(path))
}

// netpbmHead is the magic number, width, height and greatest value; comments may stand between them. One white space ends it.
var netpbmHead = regexp.MustCompile(`^P([56])(?:\s|#[^\n]*\n)+(\d{1,5})(?:\s|#[^\n]*\n)+(\d{1,5})(?:\s|#[^\n]*\n)+255\s`)

// parsePicture gives a picture's pixels, how many are a row, and the bytes of one.
func parsePicture(data []byte) (pixels []byte, width, pixel int, err error) {
	head := netpbmHead.FindSubmatch(data)
	if head == nil {
		return nil, 0, 0, errors.New("it is not a binary netpbm picture of 8 bits (P5 or P6)")
	}
	width, _ = strconv.Atoi(string(head[2]))
	height, _ := strconv.Atoi(string(head[3]))
	pixel = 1
	if head[1][0] == '6' {
		pixel = 3
	}
	size := width * height * pixel
	if pixels = data[len(head[0]):]; size == 0 || len(pixels) < size {
		return nil, 0, 0, fmt.Errorf("it has %d bytes of pixels; %d by %d of them need %d", len(pixels), width, height, size)
	}
	return pixels[:size], width, pixel, nil
}

// asPicture puts the head of a netpbm picture before a frame whose tokens are pixels: one or three words of 8 bits.
func asPicture(out []byte, t ir.Type, size frame.Size) ([]byte, error) {
	leaves := t.Leaves()
	if t.Bytes() != len(leaves) || len(leaves) != 1 && len(leaves) != 3 {
		return nil, fmt.Errorf("a picture has pixels of one or three bytes; the kernel gives %s: leave the extension .pgm, .ppm or .pnm away", t)
	}
	kind := 5
	if len(leaves) == 3 {
		kind = 6
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "P%d\n%d %d\n255\n", kind, size.Width, size.Rows)
	b.Write(out)
	return b.Bytes(), nil
}
