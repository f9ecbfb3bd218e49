package cell

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the greatest payload of a frame to a cell. From a cell it is Config.Output and 64 KB.
//
// A frame is a header of 12 bytes and a payload; numbers are little endian:
//
//	0  4  length of the payload
//	4  1  version of the format: 1
//	5  1  kind
//	6  2  zero
//	8  4  number of the call that it belongs to
//
// Inside a payload a number is an unsigned varint, a text or a byte string is its length and its
// bytes, a map is the count of its entries and for each a key and a value.
//
//	kind            way     payload
//	 1 ready        child→  JSON {"missing":["…"]}: the confinement is in place
//	 2 log          child→  one byte level (0 debug … 3 error), then the text to the end
//	 3 call         child→  text binding, text method, count, for each argument a value
//	 4 result       child→  what the request asks for: load: JSON {"job":…,"handlers":[…]};
//	                        run: JSON; queue, scheduled: an outcome
//	 5 failure      child→  JSON {"kind":"…","message":"…","at":{"message","file","line","column","stack"}}
//	16 load         →child  text JSON {"file","global","limit","env"}, bytes script, bytes source map
//	17 kernels      →child  count, for each: text name, bytes text; before ready, where the setup says so
//	18 run          →child  JSON {"attempt","limit"}
//	19 queue        →child  a batch
//	20 reply        →child  a byte (0 failed, 1 done), then a value or the text of the error
//	21 interrupt    →child  empty: end the call under way
//	22 scheduled    →child  JSON {"attempt","limit","time","cron"}
//	23 task         →child  text name, text limit, bytes input; its result: bytes
//
// Value: one byte (0 undefined, 1 JSON, 2 bytes, 3 text), then bytes. Batch: text queue, text
// attempt, limit in ns, a byte (1: acknowledged as a whole), count, for each message: sequence, text
// key, time in ms since 1970, attempts, map headers, bytes body. Outcome: count, for each send: text stream
// ("" is env.out), text key, map headers, bytes body; then for each message a byte (0
// acknowledged, 1 retry) and, for a retry, the delay in ms.
const MaxFrame = 64 << 20

const (
	frameVersion = 1
	headerSize   = 12
)

const (
	kindReady     = 1
	kindLog       = 2
	kindCall      = 3
	kindResult    = 4
	kindFailure   = 5
	kindLoad      = 16
	kindKernels   = 17
	kindRun       = 18
	kindQueue     = 19
	kindReply     = 20
	kindInterrupt = 21
	kindScheduled = 22
	kindTask      = 23
)

// errFrame is what a broken frame gives.
var errFrame = errors.New("malformed frame")

type frame struct {
	kind    byte
	number  uint32
	payload []byte
}

// appendFrame adds header and payload to b.
func appendFrame(b []byte, f frame) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.payload)))
	b = append(b, frameVersion, f.kind, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, f.number)
	return append(b, f.payload...)
}

// readFrame reads one frame and refuses, before it allocates, a payload of more than limit bytes.
func readFrame(r io.Reader, limit int64) (frame, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	size := int64(binary.LittleEndian.Uint32(h[0:]))
	switch {
	case h[4] != frameVersion:
		return frame{}, fmt.Errorf("%w: version %d, not %d", errFrame, h[4], frameVersion)
	case h[6] != 0 || h[7] != 0:
		return frame{}, fmt.Errorf("%w: reserved bytes are set", errFrame)
	case size > limit:
		return frame{}, fmt.Errorf("%w: %d bytes, at most %d", errOversized, size, limit)
	}
	payload, err := readAll(r, int(size))
	if err != nil {
		return frame{}, fmt.Errorf("%w: truncated: %w", errFrame, err)
	}
	return frame{kind: h[5], number: binary.LittleEndian.Uint32(h[8:]), payload: payload}, nil
}

// errOversized is a frame that says to be larger than allowed.
var errOversized = errors.New("oversized frame")

// readAll reads n bytes, and does not trust n for more than a megabyte at a time.
func readAll(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	if n <= step {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	b := make([]byte, 0, step)
	for len(b) < n {
		from := len(b)
		more := min(n-from, max(step, from))
		b = append(b, make([]byte, more)...)
		if _, err := io.ReadFull(r, b[from:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}
