package kernels

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// Frame is the words of a call, and how many of them are a row; 0 is not said.
type Frame struct {
	Width int
	Words []byte
}

// ReadFrame reads a picture (.ppm or .pgm, also .pnm) or a file of words. Errors: what is not a binary netpbm picture of 8 bits, or is cut short.
func ReadFrame(path string) (Frame, error) {
	data, err := os.ReadFile(path)
	if err != nil || !isPicture(path) {
		return Frame{Words: data}, err
	}
	f, err := parsePicture(data)
	if err != nil {
		return Frame{}, fmt.Errorf("read the picture %s: %w", path, err)
	}
	return f, nil
}

// WriteFrame writes what ReadFrame reads. A picture needs its width.
func WriteFrame(path string, f Frame) error {
	data := f.Words
	if isPicture(path) {
		kind, channels := 5, 1
		if filepath.Ext(path) == ".ppm" {
			kind, channels = 6, 3
		}
		if f.Width <= 0 || len(f.Words)%(f.Width*channels) != 0 {
			return fmt.Errorf("write the picture %s: %d bytes are not rows of %d", path, len(f.Words), f.Width)
		}
		data = fmt.Appendf(nil, "P%d\n%d %d\n255\n", kind, f.Width, len(f.Words)/f.Width/channels)
		data = append(data, f.Words...)
	}
	return os.WriteFile(path, data, 0o666)
}

func isPicture(path string) bool {
	switch filepath.Ext(path) {
	case ".ppm", ".pgm", ".pnm":
		return true
	}
	return false
}

// pictureHead is the magic number, width, height and greatest value; comments may stand between them. One white space ends it.
var pictureHead = regexp.MustCompile(`^P([56])(?:\s|#[^\n]*\n)+(\d{1,5})(?:\s|#[^\n]*\n)+(\d{1,5})(?:\s|#[^\n]*\n)+255\s`)

func parsePicture(data []byte) (Frame, error) {
	head := pictureHead.FindSubmatch(data)
	if head == nil {
		return Frame{}, errors.New("it is not a binary netpbm picture of 8 bits, P5 or P6")
	}
	width, _ := strconv.Atoi(string(head[2]))
	height, _ := strconv.Atoi(string(head[3]))
	size, pixels := width*height, data[len(head[0]):]
	if head[1][0] == '6' {
		size *= 3
	}
	if size == 0 || len(pixels) < size {
		return Frame{}, fmt.Errorf("it has %d bytes, %d by %d pixels need %d", len(pixels), width, height, size)
	}
	return Frame{width, pixels[:size]}, nil
}
