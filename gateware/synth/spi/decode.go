package spi

import (
	"errors"
	"fmt"
)

// ErrAnswer: what came back is not what the wrapper sends.
var ErrAnswer = errors.New("the answer is not that of this kernel")

// Decode takes the output tokens from what the host received during the transfer that Encode made for a frame. Errors:
// [ErrAnswer].
func (l *Link) Decode(received []byte, f Frame) ([]byte, error) {
	slots, err := l.Slots(received, f)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(slots)*l.OutBytes)
	for _, at := range slots {
		out = append(out, received[at:at+l.OutBytes]...)
	}
	return out, nil
}

// Slots finds in which byte slots the output tokens of a frame begin.
func (l *Link) Slots(received []byte, f Frame) ([]int, error) {
	n := l.Outputs(f)
	var slots []int
	switch l.Framing {
	case Plain:
		for k := range n {
			slots = append(slots, HeaderBytes+k*l.Period+l.Latency)
		}
	case Marked:
		first, err := l.marked(received, HeaderBytes+l.Period)
		if err != nil {
			return nil, err
		}
		for k := range n {
			slots = append(slots, first+k*l.Period)
		}
	case Flagged:
		for at := HeaderBytes; len(slots) < n; {
			next, err := l.marked(received, at+l.Period)
			if err != nil {
				return nil, fmt.Errorf("after %d output words of %d: %w", len(slots), n, err)
			}
			slots = append(slots, next)
			at = next
		}
	}
	if n > 0 && slots[n-1]+l.OutBytes > len(received) {
		return nil, fmt.Errorf("%w: it ends after %d bytes, %d are wanted", ErrAnswer, len(received), slots[n-1]+l.OutBytes)
	}
	return slots, nil
}

// marked finds the first period from a slot on that has a mark before it.
func (l *Link) marked(received []byte, from int) (int, error) {
	for at := from; at <= len(received); at += l.Period {
		switch received[at-1] {
		case mark:
			return at, nil
		case 0:
		default:
			return 0, fmt.Errorf("%w: byte %d is %#02x where 0 or 1 must be", ErrAnswer, at-1, received[at-1])
		}
	}
	return 0, fmt.Errorf("%w: no output came in %d bytes", ErrAnswer, len(received))
}
