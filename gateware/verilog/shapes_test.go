package verilog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
)

// scramble makes a body that depends on all cells, each in its own way, so that a cell in a wrong place is seen.
func scramble(leaves, rows, cols int, extra string) string {
	var b strings.Builder
	b.WriteString("  v0 = const 0\n")
	n, sum := 1, 0
	emit := func(format string, args ...any) int {
		fmt.Fprintf(&b, "  v%d = "+format+"\n", append([]any{n}, args...)...)
		n++
		return n - 1
	}
	for l := range leaves {
		for r := range rows {
			for c := range cols {
				in := emit("in %d %d %d", l, r, c)
				k := emit("const %d", 1+(l*7+r*5+c*3)%11-2*((r+c)%3))
				m := emit("mul v%d v%d", in, k)
				if (r+c)%2 == 1 {
					t := emit("const %d", 37*r+11*c+5)
					x := emit("xor v%d v%d", m, t)
					m = x
				}
				sum = emit("add v%d v%d", sum, m)
			}
		}
	}
	for _, op := range strings.Fields(extra) {
		x := emit("%s", op)
		k := emit("const 3")
		m := emit("mul v%d v%d", x, k)
		sum = emit("add v%d v%d", sum, m)
	}
	w := emit("wraps v%d 16", sum)
	fmt.Fprintf(&b, "  give v%d\nend\n", w)
	return b.String()
}

func window(rows, cols, v, h int, edge string, maxWidth int, extra string) string {
	return fmt.Sprintf("kernel \"w\"\nstage window %d %d\n  in i8\n  out i16\n  hop %d %d\n  edge %s\n  maxwidth %d\n%s", rows, cols, v, h, edge, maxWidth, scramble(1, rows, cols, extra))
}

var anySizes = [][2]int{{1, 1}, {1, 7}, {7, 1}, {2, 3}, {3, 2}, {5, 5}, {2, 2}, {11, 4}, {1, 2}, {13, 3}, {8, 8}}

func TestWindowsAtAllEdges(t *testing.T) {
	s := newSimulation(t)
	part := sched.PartOf("up5k")
	for i, edge := range []string{"clamp", "zero", "mirror"} {
		for j, size := range [][2]int{{3, 3}, {1, 3}, {3, 1}, {5, 3}, {3, 5}, {1, 1}, {7, 7}, {1, 5}} {
			for k, hop := range [][2]int{{1, 1}, {2, 2}, {1, 3}, {4, 1}} {
				if (i+j+k)%2 == 1 && k > 0 || size[0] == 7 && k > 0 {
					continue
				}
				extra := []string{"", "x", "y", "x y"}[(i+j+k)%4]
				s.add(parse(t, window(size[0], size[1], hop[0], hop[1], edge, 16, extra)), part, []float64{0, 8, 100}[(i+j+k)%3], anySizes)
			}
		}
	}
	s.run()
}

func TestTaps(t *testing.T) {
	s := newSimulation(t)
	for i, n := range []int{1, 2, 5, 9} {
		for j, hop := range []int{1, 2, 3, 11} {
			text := fmt.Sprintf("kernel \"t\"\nstage taps 1 %d\n  in [i8, 2]\n  out i16\n  hop 1 %d\n%s", n, hop, scramble(2, 1, n, []string{"", "i"}[(i+j)%2]))
			s.add(parse(t, text), sched.PartOf("up5k"), []float64{0, 8, 100}[(i+j)%3], anySizes)
		}
	}
	s.run()
}

func TestFolds(t *testing.T) {
	s := newSimulation(t)
	for i, last := range []string{"", "  last\n"} {
		for j, body := range []string{
			"  v0 = state 0\n  v1 = in 0 0 0\n  v2 = add v0 v1\n  v3 = wrapu v2 32\n  give v3\n  next v3\nend\n",
			"  v0 = state 0\n  v1 = in 0 0 0\n  v2 = const 77\n  v3 = mul v1 v2\n  v4 = xor v0 v3\n  v5 = const 1\n  v6 = shl v4 v5\n  v7 = wrapu v6 32\n  v8 = const 31\n  v9 = shr v0 v8\n  v10 = or v7 v9\n  v11 = wrapu v10 32\n  v12 = i\n  v13 = add v11 v12\n  v14 = wrapu v13 32\n  give v14\n  next v11\nend\n",
		} {
			text := "kernel \"f\"\nstage fold 1 1\n  in u8\n  out u32\n  state u32\n  init 7\n" + last + body
			s.add(parse(t, text), sched.PartOf("up5k"), []float64{0, 10, 100}[(i+j)%3], anySizes)
		}
	}
	s.run()
}

// block makes a block that gives a word for each of its words, or n words.
func block(rows, cols, maxWidth, n int, extra string) string {
	var b strings.Builder
	out := "i16"
	if n > 0 {
		out = fmt.Sprintf("[i16, %d]", n)
	}
	fmt.Fprintf(&b, "kernel \"b\"\nstage block %d %d\n  in u8\n  out %s\n  maxwidth %d\n", rows, cols, out, maxWidth)
	v, area := 0, rows*cols
	for i := range area {
		fmt.Fprintf(&b, "  v%d = in 0 %d %d\n", v, i/cols, i%cols)
		v++
	}
	zero := v
	fmt.Fprintf(&b, "  v%d = const 0\n", v)
	v++
	for _, op := range strings.Fields(extra) {
		fmt.Fprintf(&b, "  v%d = %s\n  v%d = add v%d v%d\n", v, op, v+1, zero, v)
		zero = v + 1
		v += 2
	}
	give := "  give"
	count := area
	if n > 0 {
		count = n
	}
	for i := range count {
		fmt.Fprintf(&b, "  v%d = const %d\n  v%d = mul v%d v%d\n  v%d = sub v%d v%d\n  v%d = add v%d v%d\n  v%d = wraps v%d 16\n",
			v, i+2, v+1, i%area, v, v+2, v+1, (i+1)%area, v+3, v+2, zero, v+4, v+3)
		give += fmt.Sprintf(" v%d", v+4)
		v += 5
	}
	return b.String() + give + "\nend\n"
}

func TestBlocks(t *testing.T) {
	s := newSimulation(t)
	part := sched.PartOf("up5k")
	for i, b := range [][4]int{{2, 2, 2, 0}, {2, 2, 8, 0}, {3, 2, 6, 0}, {1, 4, 4, 0}, {1, 4, 16, 0}, {2, 3, 3, 5}, {2, 3, 9, 5}, {1, 1, 1, 0}, {1, 1, 4, 2}, {4, 1, 3, 0}} {
		for j, extra := range []string{"", "x", "y", "x y"} {
			if (i+j)%2 == 1 {
				continue
			}
			r, c := b[0], b[1]
			sizes := [][2]int{{c, r}, {c, 4 * r}}
			for w := 2 * c; w <= b[2]; w += c {
				sizes = append(sizes, [2]int{w, r}, [2]int{w, 3 * r}, [2]int{c, 2 * r})
			}
			s.add(parse(t, block(r, c, b[2], b[3], extra)), part, []float64{0, 8, 100}[(i+j)%3], sizes)
		}
	}
	s.run()
}

// joined pipes kernels by their texts.
func joined(t *testing.T, texts ...string) *ir.Kernel {
	k := &ir.Kernel{Name: "p"}
	for _, text := range texts {
		k.Stages = append(k.Stages, parse(t, text).Stages...)
	}
	if err := k.Check(); err != nil {
		t.Fatal(err)
	}
	return k
}

// narrowed turns an i16 into an i8.
const narrowed = "kernel\nstage word 1 1\n  in i16\n  out i8\n  v0 = in 0 0 0\n  v1 = x\n  v2 = y\n  v3 = add v0 v1\n  v4 = add v3 v2\n  v5 = wraps v4 8\n  give v5\nend\n"

func TestPipes(t *testing.T) {
	s := newSimulation(t)
	part := sched.PartOf("up5k")
	even := [][2]int{{4, 4}, {2, 2}, {8, 6}, {6, 8}, {2, 8}}
	win := func(r, c, v, h int, edge string) string { return window(r, c, v, h, edge, 64, "") }
	taps := func(n, hop int) string {
		return fmt.Sprintf("kernel\nstage taps 1 %d\n  in i8\n  out i16\n  hop 1 %d\n%s", n, hop, scramble(1, 1, n, ""))
	}
	signed := func(text string) string { return strings.Replace(text, "in u8", "in i8", 1) }
	for i, k := range []*ir.Kernel{
		joined(t, win(3, 3, 1, 1, "clamp"), narrowed, win(3, 3, 1, 1, "mirror"), narrowed, win(1, 3, 2, 2, "zero")),
		joined(t, win(3, 3, 2, 2, "clamp"), narrowed, win(3, 5, 1, 1, "mirror")),
		joined(t, taps(3, 1), narrowed, win(3, 1, 2, 1, "zero"), narrowed, taps(4, 2), narrowed, win(1, 3, 1, 1, "clamp")),
		joined(t, signed(block(2, 2, 8, 0, "")), narrowed, win(3, 3, 1, 1, "clamp")),
		joined(t, win(3, 3, 1, 1, "clamp"), narrowed, signed(block(2, 2, 8, 0, "x y")), narrowed, taps(2, 1)),
		joined(t, signed(block(2, 2, 8, 1, "")), strings.Replace(narrowed, "in i16", "in [i16, 1]", 1), win(3, 3, 1, 1, "clamp")),
		joined(t, signed(block(2, 2, 2, 0, "y")), narrowed, win(3, 3, 1, 1, "zero")),
		joined(t, signed(block(2, 2, 2, 1, "y")), strings.Replace(narrowed, "in i16", "in [i16, 1]", 1), win(3, 3, 1, 1, "zero")),
		joined(t, win(3, 3, 1, 1, "zero"), narrowed, signed(block(1, 2, 8, 0, "x y")), narrowed, win(3, 3, 3, 1, "clamp"), narrowed, narrowedAgain, narrowedAgain, narrowedAgain),
	} {
		sizes := even
		for _, st := range k.Stages {
			if st.Shape == ir.BlockShape && st.MaxWidth == 2 {
				sizes = [][2]int{{2, 2}, {2, 8}, {2, 4}}
			}
		}
		s.add(k, part, []float64{0, 8, 100}[i%3], sizes)
	}
	s.run()
}

const narrowedAgain = "kernel\nstage word 1 1\n  in i8\n  out i8\n  v0 = in 0 0 0\n  v1 = const -1\n  v2 = xor v0 v1\n  v3 = wraps v2 8\n  give v3\nend\n"

// TestRandomBodies runs every operation on words of many widths.
func TestRandomBodies(t *testing.T) {
	s := newSimulation(t)
	used := map[ir.Op]int{}
	for i := range 60 {
		k := randomKernel(t, rand.New(rand.NewPCG(uint64(i), 1)))
		for _, v := range k.Stages[0].Body.Values {
			used[v.Op]++
		}
		part := sched.PartOf([]string{"up5k", "generic"}[i%2])
		s.add(k, part, []float64{0, 5, 100}[i%3], [][2]int{{40, 2}, {1, 1}, {3, 1}})
	}
	s.run()
	for _, op := range ir.Ops() {
		if op != ir.State && used[op] == 0 {
			t.Errorf("%s is in no random kernel", op)
		}
	}
}

// randomKernel is a word, taps or window kernel with a random body.
func randomKernel(t testing.TB, r *rand.Rand) *ir.Kernel {
	t.Helper()
	word := func() ir.Word {
		w := ir.Word{Bits: 2 + r.IntN(31), Signed: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			w.Bits = 2 + r.IntN(8)
		}
		return w
	}
	s := &ir.Stage{Rows: 1, Cols: 1, HopRows: 1, HopCols: 1}
	fields := []ir.Field{{Name: "a", Type: ir.WordType(word())}, {Name: "b", Type: ir.WordType(word())}, {Name: "c", Type: ir.WordType(word())}}
	s.In = ir.Type{Fields: fields}
	switch r.IntN(3) {
	case 0:
		s.Shape, s.Cols = ir.TapsShape, 1+r.IntN(5)
	case 1:
		s.Shape, s.Rows, s.Cols, s.MaxWidth, s.Edge = ir.WindowShape, 1+2*r.IntN(2), 1+2*r.IntN(2), 64, ir.Edge(r.IntN(3))
	}
	b := ir.NewBuilder(s)
	var ids []ir.ID
	add := func(id ir.ID, err error) {
		if err == nil {
			ids = append(ids, id)
		}
	}
	for range 5 {
		add(b.In(ir.Port{Leaf: int32(r.IntN(3)), Row: int32(r.IntN(s.Rows)), Col: int32(r.IntN(s.Cols))}, ir.Pos{}))
	}
	add(b.Const(int64(r.IntN(2000)) - 1000))
	add(b.Const(int64(1 + r.IntN(7))))
	if s.Shape == ir.TapsShape || s.Shape == ir.WordShape {
		add(b.Position(ir.I, ir.Pos{}))
	}
	if s.Shape != ir.TapsShape {
		add(b.Position(ir.X, ir.Pos{}))
		add(b.Position(ir.Y, ir.Pos{}))
	}
	pick := func() ir.ID {
		if r.IntN(3) > 0 {
			return ids[len(ids)-1-r.IntN(min(len(ids), 4))]
		}
		return ids[r.IntN(len(ids))]
	}
	ops := ir.Ops()
	for range 12 + r.IntN(20) {
		op := ops[int(ir.Add)+r.IntN(len(ops)-int(ir.Add))]
		x := pick()
		switch op {
		case ir.Table:
			table := make([]int64, 16+r.IntN(200))
			for i := range table {
				table[i] = int64(r.IntN(5000)) - 2000
			}
			low, err := b.OpImm(ir.WrapU, 4, ir.Pos{}, x)
			if err == nil {
				add(b.Table(table, low, ir.Pos{}))
			}
		case ir.Bound:
			v := *b.Value(x)
			if v.Hi-v.Lo > 10 {
				c, _ := b.Const(v.Lo + (v.Hi-v.Lo)/2)
				if less, err := b.Op(ir.Lt, ir.Pos{}, x, c); err == nil {
					low, _ := b.Bound(x, v.Lo, v.Lo+(v.Hi-v.Lo)/2-1, ir.Pos{})
					add(b.Op(ir.Mux, ir.Pos{}, less, low, pick()))
				}
			}
		case ir.Mux:
			if c, err := b.Op(ir.Lt, ir.Pos{}, pick(), pick()); err == nil {
				add(b.Op(op, ir.Pos{}, c, x, pick()))
			}
		case ir.Shl, ir.Shr:
			if low, err := b.OpImm(ir.WrapU, int64(1+r.IntN(4)), ir.Pos{}, pick()); err == nil {
				add(b.Op(op, ir.Pos{}, x, low))
			}
		case ir.Clz:
			if low, err := b.OpImm(ir.WrapU, 32, ir.Pos{}, x); err == nil {
				add(b.Op(op, ir.Pos{}, low))
			}
		case ir.DivFloor, ir.DivTrunc, ir.Rem:
			d := int64(r.IntN(300) - 150)
			if d != 0 {
				add(b.OpImm(op, d, ir.Pos{}, x))
			}
		case ir.WrapS, ir.WrapU:
			add(b.OpImm(op, int64(2+r.IntN(20)), ir.Pos{}, x))
		default:
			args := []ir.ID{x, pick(), pick()}[:op.Arity()]
			add(b.Op(op, ir.Pos{}, args...))
		}
	}
	all := ids[0]
	for _, id := range ids {
		if next, err := b.Op(ir.Xor, ir.Pos{}, all, id); err == nil {
			all = next
		}
	}
	out, err := b.OpImm(ir.WrapU, 32, ir.Pos{}, all)
	if err != nil {
		t.Fatal(err)
	}
	s.Out = ir.WordType(ir.Word{Bits: 32})
	s.Body = b.Finish([]ir.ID{out}, nil)
	return &ir.Kernel{Name: "random", Stages: []*ir.Stage{s}}
}
