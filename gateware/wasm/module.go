package wasm

import (
	"encoding/binary"
	"strconv"

	"github.com/capodekappa/capo/gateware/ir"
)

// module is what a kernel becomes.
type module struct {
	bytes    []byte
	reserved int   // bytes at the beginning of the memory: tables
	strips   []int // outputs that each stage computes together
}

// The arguments of a stage's function, all i32; see band.Call.
const (
	argIn = iota
	argOut
	argRows
	argN
	argInStride
	argOutStride
	argX
	argY
	argI
	argState
	arguments
)

// generate makes the module of a kernel: a function "0", "1", … for each stage.
func generate(k *ir.Kernel, c *config) (*module, error) {
	m := &module{reserved: 64}
	t := &tables{at: m.reserved}
	var bodies [][]byte
	for _, s := range k.Stages {
		body, strip, err := compileStage(s, t, c)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
		m.strips = append(m.strips, strip)
	}
	m.reserved = t.at
	m.bytes = encode(bodies, t)
	return m, nil
}

// tables are the constant tables in memory.
type tables struct {
	at   int
	data []segment
	seen map[string]int
}

type segment struct {
	at    int
	bytes []byte
}

// place puts a table into the memory, each entry in size bytes, and returns its address.
func (t *tables) place(entries []int64, size int) int {
	b := make([]byte, 0, len(entries)*size)
	for _, e := range entries {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], uint64(e))
		b = append(b, word[:size]...)
	}
	if at, ok := t.seen[string(b)]; ok {
		return at
	}
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	at := t.at
	t.seen[string(b)] = at
	t.data = append(t.data, segment{at, b})
	t.at = (at + len(b) + 63) &^ 63
	return at
}

// encode writes a module (WebAssembly Core 2.0, chapter 5): one type, the functions, a memory, exports, code, data.
func encode(bodies [][]byte, t *tables) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	signature := []byte{0x60, arguments}
	for range arguments {
		signature = append(signature, byte(i32))
	}
	out = section(out, 1, vector([][]byte{append(signature, 0)}))
	var types, exports, data [][]byte
	for i := range bodies {
		types = append(types, []byte{0})
		name := strconv.Itoa(i)
		exports = append(exports, append(append(unsigned(nil, uint64(len(name))), name...), unsigned([]byte{0}, uint64(i))...))
	}
	exports = append(exports, []byte("\x01m\x02\x00"))
	out = section(out, 3, vector(types))
	out = section(out, 5, vector([][]byte{unsigned([]byte{0}, uint64(t.at/page+1))}))
	out = section(out, 7, vector(exports))
	var sized [][]byte
	for _, b := range bodies {
		sized = append(sized, append(unsigned(nil, uint64(len(b))), b...))
	}
	out = section(out, 10, vector(sized))
	for _, s := range t.data {
		b := signed([]byte{0, 0x41}, int64(s.at))
		b = unsigned(append(b, 0x0b), uint64(len(s.bytes)))
		data = append(data, append(b, s.bytes...))
	}
	return section(out, 11, vector(data))
}

func section(out []byte, id byte, content []byte) []byte {
	out = unsigned(append(out, id), uint64(len(content)))
	return append(out, content...)
}

func vector(items [][]byte) []byte {
	out := unsigned(nil, uint64(len(items)))
	for _, i := range items {
		out = append(out, i...)
	}
	return out
}

// unsigned appends LEB128.
func unsigned(out []byte, v uint64) []byte { return binary.AppendUvarint(out, v) }

// signed appends signed LEB128.
func signed(out []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
