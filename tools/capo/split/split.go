// Package split cuts what a person puts into a stream into records: lines, the frames of a YUV4MPEG2
// or Motion JPEG stream, or pieces of a size.
package split

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Func reads r to its end and hands each record to fn. The record's bytes are good until fn
// returns.
type Func func(r io.Reader, fn func(record []byte) error) error

// MaxRecord is the largest record that is cut, in bytes.
const MaxRecord = 64 << 20

// ErrTooLarge: a record over [MaxRecord].
var ErrTooLarge = fmt.Errorf("a record is over %d bytes", MaxRecord)

// By gives the way that a name stands for: "" (all is one record), lines, y4m, mjpeg, or a number of
// bytes.
func By(name string) (Func, error) {
	switch name {
	case "":
		return whole, nil
	case "lines":
		return lines, nil
	case "y4m":
		return y4m, nil
	case "mjpeg":
		return mjpeg, nil
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > MaxRecord {
		return nil, fmt.Errorf("split %q: want lines, y4m, mjpeg, or a number of bytes up to %d", name, MaxRecord)
	}
	return func(r io.Reader, fn func([]byte) error) error { return pieces(r, n, fn) }, nil
}

func whole(r io.Reader, fn func([]byte) error) error {
	data, err := io.ReadAll(io.LimitReader(r, MaxRecord+1))
	if err != nil {
		return err
	}
	if len(data) > MaxRecord {
		return ErrTooLarge
	}
	return fn(data)
}

func pieces(r io.Reader, n int, fn func([]byte) error) error {
	buf := make([]byte, n)
	for {
		got, err := io.ReadFull(r, buf)
		if got > 0 {
			if err := fn(buf[:got]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func lines(r io.Reader, fn func([]byte) error) error { return scan(r, bufio.ScanLines, fn) }

func scan(r io.Reader, cut bufio.SplitFunc, fn func([]byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), MaxRecord)
	s.Split(cut)
	for s.Scan() {
		if err := fn(s.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return ErrTooLarge
	}
	return s.Err()
}

// mjpeg cuts at the end of each JPEG (ITU-T T.81, annex B: SOI is FF D8, EOI is FF D9). Inside entropy-coded
// data FF is always followed by 00 or a restart marker, so EOI is found by its bytes; segments
// are stepped over by their lengths, as a thumbnail in one has an EOI of its own.
func mjpeg(r io.Reader, fn func([]byte) error) error {
	return scan(r, func(data []byte, atEnd bool) (int, []byte, error) {
		start := bytes.Index(data, []byte{0xFF, 0xD8})
		if start < 0 {
			if atEnd {
				return len(data), nil, nil
			}
			return max(len(data)-1, 0), nil, nil
		}
		if end := endOfJPEG(data[start:]); end > 0 {
			return start + end, data[start : start+end], nil
		}
		if atEnd {
			return 0, nil, fmt.Errorf("the last JPEG is cut off after %d bytes", len(data)-start)
		}
		return start, nil, nil
	}, fn)
}

// endOfJPEG is the length of the JPEG that b begins with, 0 if it is not whole.
func endOfJPEG(b []byte) int {
	for i := 2; i+1 < len(b); {
		if b[i] != 0xFF { // entropy-coded data
			i++
			continue
		}
		switch marker := b[i+1]; {
		case marker == 0xD9:
			return i + 2
		case marker == 0xFF:
			i++
		case marker == 0x00, marker >= 0xD0 && marker <= 0xD8, marker == 0x01:
			i += 2
		case i+4 > len(b):
			return 0
		default:
			i += 2 + int(b[i+2])<<8 + int(b[i+3])
		}
	}
	return 0
}

// y4m cuts a YUV4MPEG2 stream into its frames' bytes, without their FRAME lines (format: yuv4mpeg(5) of
// mjpegtools).
func y4m(r io.Reader, fn func([]byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	head, err := in.ReadString('\n')
	if err != nil || !strings.HasPrefix(head, "YUV4MPEG2 ") {
		return errors.New("it does not begin as YUV4MPEG2 does")
	}
	size, err := frameSize(head)
	if err != nil {
		return err
	}
	frame := make([]byte, size)
	for n := 0; ; n++ {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil || !strings.HasPrefix(line, "FRAME") {
			return fmt.Errorf("frame %d does not begin with FRAME", n)
		}
		if _, err := io.ReadFull(in, frame); err != nil {
			return fmt.Errorf("frame %d is cut off: %w", n, err)
		}
		if err := fn(frame); err != nil {
			return err
		}
	}
}

// frameSize is the bytes of a frame with this header.
func frameSize(head string) (int, error) {
	w, h, chroma := 0, 0, "420"
	for field := range strings.FieldsSeq(head) {
		switch field[0] {
		case 'W':
			w, _ = strconv.Atoi(field[1:])
		case 'H':
			h, _ = strconv.Atoi(field[1:])
		case 'C':
			chroma = field[1:]
		}
	}
	if w < 1 || h < 1 || w > 1<<15 || h > 1<<15 {
		return 0, fmt.Errorf("YUV4MPEG2 header %.80q has no usable size", head)
	}
	half := func(n int) int { return (n + 1) / 2 }
	size := w * h
	switch {
	case strings.Contains(chroma, "p1"):
		return 0, fmt.Errorf("YUV4MPEG2 with %s: more than 8 bits a sample are not cut", chroma)
	case strings.HasPrefix(chroma, "420"):
		size += 2 * half(w) * half(h)
	case strings.HasPrefix(chroma, "422"):
		size += 2 * half(w) * h
	case strings.HasPrefix(chroma, "444"):
		size *= 3
	case !strings.HasPrefix(chroma, "mono"):
		return 0, fmt.Errorf("YUV4MPEG2 with chroma %q is not known", chroma)
	}
	if size > MaxRecord {
		return 0, ErrTooLarge
	}
	return size, nil
}
