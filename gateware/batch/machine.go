package batch

import (
	"context"
	"encoding/binary"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/ir"
)

// machine has the columns of all programs.
type machine struct {
	programs []*program
	mem      []byte
	sets     []columns // of each program
	numbers  numbers   // of a core
}

// columns are the registers of a program.
type columns struct {
	small [][]int32
	large [][]int64
	lanes [][]uint64 // of a packed program, instead of the others
}

func newMachine(programs []*program) *machine {
	m := &machine{programs: programs, sets: make([]columns, len(programs))}
	for i, p := range programs {
		if p.packed != nil {
			for range p.packed.columns {
				m.sets[i].lanes = append(m.sets[i].lanes, make([]uint64, packedStrip*p.packed.width/64))
			}
			continue
		}
		c := columns{make([][]int32, p.columns[k32]), make([][]int64, p.columns[k64]), nil}
		for r := range c.small {
			c.small[r] = make([]int32, p.strip)
		}
		for r := range c.large {
			c.large[r] = make([]int64, p.strip)
		}
		for _, f := range p.fixed {
			if f.kind == k32 {
				set(c.small[f.at], int32(f.value))
			} else {
				set(c.large[f.at], f.value)
			}
		}
		m.sets[i] = c
	}
	return m
}

// Memory is for band.
func (m *machine) Memory(size int) ([]byte, error) {
	if len(m.mem) < size {
		m.mem = make([]byte, size)
	}
	return m.mem, nil
}

// Reserved is for band: nothing.
func (m *machine) Reserved() int { return 0 }

// Strip is for band: no output more than asked for is written.
func (m *machine) Strip(int) int { return 1 }

// Run is for band.
func (m *machine) Run(ctx context.Context, c *band.Call) error {
	p := m.programs[c.Stage]
	w := work{machine: m, program: p, call: c, columns: &m.sets[c.Stage]}
	step := p.strip
	if p.packed != nil {
		step = packedStrip
	}
	for row := range c.Rows {
		for x := 0; x < c.N; x += step {
			if err := ctx.Err(); err != nil {
				return err
			}
			w.row, w.x, w.n = row, x, min(step, c.N-x)
			if p.packed != nil {
				(&packedWork{work: &w, packed: p.packed, regs: w.lanes, n: w.n}).strip()
			} else {
				w.strip()
			}
		}
	}
	return nil
}

// work is a strip of a call.
type work struct {
	*machine
	*program
	*columns
	call      *band.Call
	row, x, n int
	from      int // the first sample of the strip that is computed: the last one where nobody needs the others
}

func (w *work) strip() {
	if w.plain {
		w.evaluate()
		return
	}
	w.run(w.before)
	if w.core != nil {
		w.runCore()
		if w.lastOnly {
			w.from = w.n - 1
		}
		w.run(w.after)
		w.from = 0
	}
	for i := range w.states {
		w.keep(&w.states[i])
	}
	for i := range w.outs {
		w.store(&w.outs[i])
	}
}

func (w *work) run(list []instr) {
	for n := range list {
		i := &list[n]
		if i.kind == k32 {
			execute(w, i, w.small)
		} else {
			execute(w, i, w.large)
		}
	}
}

// address is where the words of a port begin.
func (w *work) address(p *port) int {
	c, s := w.call, w.stage
	switch s.Shape {
	case ir.WindowShape:
		row := int(binary.LittleEndian.Uint32(w.mem[c.In+4*(w.row*s.Rows+p.row):]))
		return row + (c.X+w.x)*p.stride + p.offset
	case ir.BlockShape:
		return c.In + p.row*c.InStride + w.x*p.stride + p.offset
	}
	return c.In + w.row*c.InStride + w.x*p.stride + p.offset
}

// place is X, Y or I of the first sample, and how far the next one is.
func (w *work) place(op ir.Op) (first, step int64) {
	switch op {
	case ir.X:
		return int64(w.call.X + w.x), 1
	case ir.Y:
		return int64(w.call.Y + w.row), 0
	}
	hop := w.stage.HopCols
	return int64(w.call.I + w.x*hop), int64(hop)
}

// state is a word of the state.
func (w *work) state(leaf int) int64 {
	return int64(binary.LittleEndian.Uint64(w.mem[w.call.State+8*leaf:]))
}

func (w *work) setState(leaf int, v int64) {
	binary.LittleEndian.PutUint64(w.mem[w.call.State+8*leaf:], uint64(v))
}

func (w *work) keep(k *keep) {
	if k.kind == k32 {
		w.setState(k.leaf, int64(w.small[k.a][w.n-1]))
	} else {
		w.setState(k.leaf, w.large[k.a][w.n-1])
	}
}
