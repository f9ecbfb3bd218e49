package spi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Link is what a host must know to talk to a core behind the wrapper. It is part of the artefact's manifest.
type Link struct {
	InBytes  int     `json:"in_bytes"`
	OutBytes int     `json:"out_bytes"`
	Period   int     `json:"period_slots"`  // byte slots of a period: max(in, out)
	Latency  int     `json:"latency_slots"` // from a token's first byte in to the first byte of the output that it completes
	Stages   []Stage `json:"stages"`
}

// clocks is the sum of the stages' latencies.
func (l *Link) clocks() int {
	n := 0
	for _, s := range l.Stages {
		n += s.Latency
	}
	return n
}

// Check says what is wrong with a link, which may have been read from a file.
func (l *Link) Check() error {
	if l.InBytes < 1 || l.InBytes > maxToken || l.OutBytes < 1 || l.OutBytes > maxToken {
		return fmt.Errorf("tokens of %d and %d bytes", l.InBytes, l.OutBytes)
	}
	if len(l.Stages) < 1 || len(l.Stages) > maxStages {
		return fmt.Errorf("%d stages", len(l.Stages))
	}
	for i, s := range l.Stages {
		if err := s.check(); err != nil {
			return fmt.Errorf("stage %d: %w", i+1, err)
		}
	}
	if want := l.InBytes + (l.clocks()+1+7)/8; l.Latency != want || l.Period != max(l.InBytes, l.OutBytes) {
		return fmt.Errorf("a period of %d slots and a latency of %d do not fit tokens and stages (%d and %d)", l.Period, l.Latency, max(l.InBytes, l.OutBytes), want)
	}
	return nil
}

// ErrGeometry: a call's geometry cannot be said in the header.
var ErrGeometry = errors.New("a frame over SPI has at most 65536 columns and 65536 rows")

// rows is the number of rows of a frame of these bytes; width 0 means one row.
func (l *Link) geometry(bytes, width int) (w, rows int, err error) {
	if bytes%l.InBytes != 0 {
		return 0, 0, fmt.Errorf("%d bytes are not whole words of %d", bytes, l.InBytes)
	}
	tokens := bytes / l.InBytes
	if tokens == 0 {
		return width, 0, nil
	}
	if width == 0 {
		width = tokens
	}
	if width < 0 || tokens%width != 0 {
		return 0, 0, fmt.Errorf("%d words are not whole rows of %d", tokens, width)
	}
	if rows = tokens / width; width > MaxSide || rows > MaxSide {
		return 0, 0, fmt.Errorf("%d by %d: %w", width, rows, ErrGeometry)
	}
	return width, rows, nil
}

// Encode is what the host sends for a frame: the header, the tokens, and zeros until the last output came. A frame
// without tokens is no transfer.
func (l *Link) Encode(in []byte, width int) ([]byte, error) {
	width, rows, err := l.geometry(len(in), width)
	if err != nil || rows == 0 {
		return nil, err
	}
	tokens := width * rows
	slots := HeaderBytes + l.Period*tokens
	if periods := l.schedule(width, rows); len(periods) > 0 {
		slots = max(slots, l.slot(periods[len(periods)-1])+l.OutBytes)
	}
	out := make([]byte, slots)
	binary.LittleEndian.PutUint16(out, uint16(width-1))
	binary.LittleEndian.PutUint16(out[2:], uint16(rows-1))
	for k := range tokens {
		copy(out[HeaderBytes+k*l.Period:], in[k*l.InBytes:(k+1)*l.InBytes])
	}
	return out, nil
}

// Decode takes the output tokens from what the host received during the transfer that Encode made for the same frame.
func (l *Link) Decode(received []byte, width, rows int) ([]byte, error) {
	if width*rows == 0 {
		return nil, nil
	}
	if width < 0 || rows < 0 || width > MaxSide || rows > MaxSide {
		return nil, fmt.Errorf("%d by %d: %w", width, rows, ErrGeometry)
	}
	periods := l.schedule(width, rows)
	out := make([]byte, 0, len(periods)*l.OutBytes)
	for _, q := range periods {
		at := l.slot(q)
		if at+l.OutBytes > len(received) {
			return nil, fmt.Errorf("the transfer ended after %d bytes, a frame of %d by %d takes %d or more", len(received), width, rows, at+l.OutBytes)
		}
		out = append(out, received[at:at+l.OutBytes]...)
	}
	return out, nil
}

// slot is the byte slot where an output that comes with period q begins.
func (l *Link) slot(q int) int { return HeaderBytes + l.Latency + q*l.Period }

// Schedule lists, for each output token of a frame, the period that it comes with: q means that its first byte is in slot
// HeaderBytes + q×Period + Latency of the transfer, counted from 0. Errors: [ErrGeometry].
func (l *Link) Schedule(width, rows int) ([]int, error) {
	if width < 1 || rows < 1 || width > MaxSide || rows > MaxSide {
		return nil, fmt.Errorf("%d by %d: %w", width, rows, ErrGeometry)
	}
	return l.schedule(width, rows), nil
}

// Slots tells of which byte slots of a frame's transfer the host looks at what it receives.
func (l *Link) Slots(width, rows int) (map[int]bool, error) {
	periods, err := l.Schedule(width, rows)
	if err != nil {
		return nil, err
	}
	slots := make(map[int]bool, len(periods)*l.OutBytes)
	for _, q := range periods {
		for i := range l.OutBytes {
			slots[l.slot(q)+i] = true
		}
	}
	return slots, nil
}
