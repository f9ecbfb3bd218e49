package cell

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFrameRoundTrip(t *testing.T) {
	want := frame{kind: kindQueue, number: 77, payload: bytes.Repeat([]byte("ab"), 3<<20)}
	got, err := readFrame(bytes.NewReader(appendFrame(nil, want)), MaxFrame)
	if err != nil || got.kind != want.kind || got.number != want.number || !bytes.Equal(got.payload, want.payload) {
		t.Errorf("got %d bytes, %v", len(got.payload), err)
	}
}

func TestReadFrameRefuses(t *testing.T) {
	good := appendFrame(nil, frame{kind: kindLog, payload: []byte("hello")})
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge, 1<<31)
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"half a header", good[:5], io.ErrUnexpectedEOF},
		{"half a payload", good[:14], errFrame},
		{"another version", change(4, 2), errFrame},
		{"reserved bytes", change(6, 1), errFrame},
		{"oversized", huge, errOversized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readFrame(bytes.NewReader(tt.in), 1<<20); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// A header that promises much and delivers little must not cost memory.
func TestReadFrameDoesNotTrustTheLength(t *testing.T) {
	b := make([]byte, headerSize+10)
	binary.LittleEndian.PutUint32(b, MaxFrame)
	b[4] = frameVersion
	n := testing.AllocsPerRun(1, func() {
		if _, err := readFrame(bytes.NewReader(b), MaxFrame); err == nil {
			t.Error("no error")
		}
	})
	before := heap()
	_, _ = readFrame(bytes.NewReader(b), MaxFrame)
	if grown := heap() - before; grown > 4<<20 || n > 20 {
		t.Errorf("%d MB, %.0f allocations", grown>>20, n)
	}
}

func sampleBatch() Batch {
	return Batch{Queue: "frames", AttemptID: "a", Limit: time.Second, Whole: true, Messages: []Message{
		{Seq: 1, Key: "k", Timestamp: time.UnixMilli(1234), Attempts: 2, Headers: map[string]string{"a": "b", "c": ""}, Body: []byte("body")},
		{Seq: 1 << 60, Timestamp: time.UnixMilli(0), Body: []byte{}},
	}}
}

func sampleOutcome() Outcome {
	return Outcome{
		Sends:    []Send{{Stream: "s", Key: "k", Headers: map[string]string{"x": "y"}, Body: []byte{0, 1}}, {Body: []byte{}}},
		Verdicts: []Verdict{{}, {Retry: true, Delay: 1500 * time.Millisecond}},
	}
}

func TestPayloadsRoundTrip(t *testing.T) {
	batch, err := parseBatch(appendBatch(nil, sampleBatch()))
	if d := cmp.Diff(sampleBatch(), batch); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	outcome, err := parseOutcome(appendOutcome(nil, sampleOutcome()), 2)
	if d := cmp.Diff(sampleOutcome(), outcome); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	batch, outcome := appendBatch(nil, sampleBatch()), appendOutcome(nil, sampleOutcome())
	for n := range batch {
		if _, err := parseBatch(batch[:n]); !errors.Is(err, errFrame) {
			t.Errorf("a batch cut at %d: %v", n, err)
		}
	}
	for n := range outcome {
		if _, err := parseOutcome(outcome[:n], 2); !errors.Is(err, errFrame) {
			t.Errorf("an outcome cut at %d: %v", n, err)
		}
	}
	if _, err := parseOutcome(append(outcome, 0), 2); !errors.Is(err, errFrame) {
		t.Errorf("bytes left over: %v", err)
	}
}

// The child's side.
func FuzzBatch(f *testing.F) {
	f.Add(appendBatch(nil, sampleBatch()))
	f.Add([]byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := parseBatch(p)
		if err != nil {
			return
		}
		again, err := parseBatch(appendBatch(nil, b))
		if err != nil || len(again.Messages) != len(b.Messages) {
			t.Errorf("not the same twice: %v", err)
		}
	})
}

// The parent's side.
func FuzzFromChild(f *testing.F) {
	f.Add(appendFrame(nil, frame{kind: kindResult, payload: appendOutcome(nil, sampleOutcome())}), uint8(2))
	f.Add(appendFrame(nil, frame{kind: kindCall, number: 1, payload: appendValue(append(appendBytes(appendBytes(nil, "b"), "m"), 1), Value{Text, []byte("x")})}), uint8(0))
	f.Fuzz(func(t *testing.T, p []byte, messages uint8) {
		r := bytes.NewReader(p)
		for {
			fr, err := readFrame(r, 1<<16)
			if err != nil {
				return
			}
			o, err := parseOutcome(fr.payload, int(messages))
			if err == nil && len(o.Verdicts) != int(messages) {
				t.Errorf("%d verdicts for %d messages", len(o.Verdicts), messages)
			}
			d := decoder{rest: fr.payload}
			d.text()
			for range d.count(2) {
				d.value()
			}
			_ = d.end()
		}
	})
}

func TestThrottle(t *testing.T) {
	now := time.Unix(0, 0)
	th := newThrottle(func() time.Time { return now }, budget{lines: 2, bytes: 10})
	got := []bool{}
	for _, n := range []int{4, 7, 4, 1} {
		ok, _ := th.admit(n)
		got = append(got, ok)
	}
	if d := cmp.Diff([]bool{true, false, true, false}, got); d != "" {
		t.Error(d)
	}
	now = now.Add(time.Second)
	ok, notice := th.admit(1)
	if !ok || notice != "2 lines (8 bytes) were dropped: a job may print 2 lines and 10 bytes a second" {
		t.Errorf("%v %q", ok, notice)
	}
}
