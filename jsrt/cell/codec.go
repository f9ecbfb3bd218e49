package cell

import (
	"encoding/binary"
	"fmt"
	"sort"
	"time"
)

// Batch is what the handler `queue` gets.
type Batch struct {
	Queue     string        // batch.queue: the stream's name
	AttemptID string        // ctx.attemptId
	Limit     time.Duration // wall time; 0 is DefaultLimit
	Whole     bool          // acknowledged as a whole: ack() and retry() throw
	Messages  []Message
}

// Message is one record of a batch.
type Message struct {
	Seq       uint64
	Key       string
	Timestamp time.Time
	Attempts  int
	Headers   map[string]string
	Body      []byte
}

// Outcome is what a `queue` handler did, in order.
type Outcome struct {
	Sends    []Send
	Verdicts []Verdict // one for each message
}

// Send is a record that the handler sent.
type Send struct {
	Stream  string // "" is env.out; else the stream of a binding of kind BindStream
	Key     string
	Headers map[string]string
	Body    []byte
}

// Verdict says what becomes of a message: it is acknowledged, or retried after Delay.
type Verdict struct {
	Retry bool
	Delay time.Duration
}

// Value is an argument or a result of a call: exactly one of bytes, text, JSON, or nothing.
type Value struct {
	Kind ValueKind
	Data []byte
}

// ValueKind says how to read a Value.
type ValueKind byte

// The kinds of a Value.
const (
	Undefined ValueKind = iota
	JSON
	Bytes
	Text
)

func appendBytes[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendMap(b []byte, m map[string]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		b = appendBytes(appendBytes(b, k), m[k])
	}
	return b
}

func appendValue(b []byte, v Value) []byte { return appendBytes(append(b, byte(v.Kind)), v.Data) }

func appendBatch(b []byte, batch Batch) []byte {
	b = appendBytes(appendBytes(b, batch.Queue), batch.AttemptID)
	b = binary.AppendUvarint(b, uint64(batch.Limit))
	b = append(b, bit(batch.Whole))
	b = binary.AppendUvarint(b, uint64(len(batch.Messages)))
	for _, m := range batch.Messages {
		b = binary.AppendUvarint(b, m.Seq)
		b = appendBytes(b, m.Key)
		b = binary.AppendUvarint(b, uint64(max(m.Timestamp.UnixMilli(), 0)))
		b = binary.AppendUvarint(b, uint64(max(m.Attempts, 0)))
		b = appendBytes(appendMap(b, m.Headers), m.Body)
	}
	return b
}

func appendOutcome(b []byte, o Outcome) []byte {
	b = binary.AppendUvarint(b, uint64(len(o.Sends)))
	for _, s := range o.Sends {
		b = appendBytes(appendMap(appendBytes(appendBytes(b, s.Stream), s.Key), s.Headers), s.Body)
	}
	for _, v := range o.Verdicts {
		b = append(b, bit(v.Retry))
		if v.Retry {
			b = binary.AppendUvarint(b, uint64(max(v.Delay, 0)/time.Millisecond))
		}
	}
	return b
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// decoder reads a payload. After the first fault everything that it returns is zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errFrame, what)
	}
	d.rest = nil
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail("a number is cut off")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads a count of things that take at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.number()
	if n > uint64(len(d.rest)/size) {
		d.fail("a count exceeds what follows")
		return 0
	}
	return int(n)
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail("a byte is missing")
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

// bytes returns a part of the payload, not a copy; it can be appended to without harm.
func (d *decoder) bytes() []byte {
	n := d.count(1)
	v := d.rest[:n:n]
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string { return string(d.bytes()) }

func (d *decoder) headers() map[string]string {
	n := d.count(2)
	if n == 0 {
		return nil
	}
	m := make(map[string]string, min(n, 64))
	for range n {
		k := d.text()
		m[k] = d.text()
	}
	return m
}

func (d *decoder) value() Value {
	kind := ValueKind(d.byte())
	if kind > Text {
		d.fail("a value of an unknown kind")
	}
	return Value{kind, d.bytes()}
}

// end checks that nothing is left.
func (d *decoder) end() error {
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes are left over")
	}
	return d.err
}

func parseBatch(p []byte) (Batch, error) {
	d := decoder{rest: p}
	b := Batch{Queue: d.text(), AttemptID: d.text(), Limit: duration(d.number(), 1), Whole: d.byte() == 1}
	for range d.count(6) {
		m := Message{Seq: d.number(), Key: d.text()}
		m.Timestamp = time.UnixMilli(int64(min(d.number(), 1<<53)))
		m.Attempts = int(min(d.number(), 1<<31-1))
		m.Headers, m.Body = d.headers(), d.bytes()
		if d.err != nil {
			break
		}
		b.Messages = append(b.Messages, m)
	}
	return b, d.end()
}

func parseOutcome(p []byte, messages int) (Outcome, error) {
	d := decoder{rest: p}
	var o Outcome
	for range d.count(4) {
		s := Send{Stream: d.text(), Key: d.text(), Headers: d.headers(), Body: d.bytes()}
		if d.err != nil {
			break
		}
		o.Sends = append(o.Sends, s)
	}
	for range messages {
		v := Verdict{Retry: d.byte() == 1}
		if v.Retry {
			v.Delay = duration(d.number(), time.Millisecond)
		}
		if d.err != nil {
			break
		}
		o.Verdicts = append(o.Verdicts, v)
	}
	if err := d.end(); err != nil {
		return Outcome{}, err
	}
	return o, nil
}

// duration reads n units; what does not fit is a year.
func duration(n uint64, unit time.Duration) time.Duration {
	const longest = 365 * 24 * time.Hour
	return time.Duration(min(n, uint64(longest/unit))) * unit
}
