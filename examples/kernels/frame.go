package kernels

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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

func parsePicture(data []byte) (Frame, error) {
	var kind, width, height, most int
	if _, err := fmt.Fscanf(bytes.NewReader(data), "P%d\n%d %d\n%d", &kind, &width, &height, &most); err != nil {
		return Frame{}, fmt.Errorf("its head: %w", err)
	}
	channels := map[int]int{5: 1, 6: 3}[kind]
	if channels == 0 || most != 255 || width <= 0 || height <= 0 || width > 1<<16 || height > 1<<16 {
		return Frame{}, fmt.Errorf("it is P%d, %d by %d, to %d; wanted is P5 or P6, to 255", kind, width, height, most)
	}
	size := width * height * channels
	if len(data) < size {
		return Frame{}, fmt.Errorf("it has %d bytes, %d by %d pixels need %d", len(data), width, height, size)
	}
	return Frame{width, data[len(data)-size:]}, nil
}
