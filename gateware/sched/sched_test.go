package sched

import (
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
)

// value evaluates a node without states, for inputs by their name.
func value(g *Graph, id ID, in map[string]int64) int64 {
	n := &g.Nodes[id]
	switch n.Op {
	case Const:
		return n.Imm
	case Input:
		return in[g.Inputs[n.Imm].Name]
	}
	var v [3]int64
	for k, a := range n.Operands() {
		v[k] = value(g, a, in)
	}
	return g.apply(n, v[0], v[1], v[2])
}

func TestMultiplesAreExactAndShort(t *testing.T) {
	adders := map[int64]int{3: 1, 7: 1, 5: 1, 77: 3, 75: 2, 29: 2, 255: 1, 45: 2, 1025: 1}
	for c := int64(1); c < 1200; c += 2 {
		g := NewGraph()
		a := g.Input(In{Name: "a"}, -128, 127)
		id := g.odd(a, c)
		for _, x := range []int64{-128, -1, 0, 1, 127} {
			if got := value(g, id, map[string]int64{"a": x}); got != c*x {
				t.Fatalf("%d * %d is %d", c, x, got)
			}
		}
		if want, ok := adders[c]; ok && len(g.Nodes)-1 > want {
			t.Errorf("%d takes %d adders, %d are enough", c, len(g.Nodes)-1, want)
		}
		if n := &g.Nodes[id]; n.Lo != -128*c || n.Hi != 127*c {
			t.Errorf("%d * a is within %d..%d", c, n.Lo, n.Hi)
		}
	}
}

func TestQuotientsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		d := 1 + r.Int64N(1<<uint(r.IntN(20)))
		bits := uint(2 + r.IntN(45))
		lo, hi := -r.Int64N(1<<bits), r.Int64N(1<<bits)
		for _, op := range []ir.Op{ir.DivFloor, ir.DivTrunc, ir.Rem} {
			imm := d
			if r.IntN(2) == 0 {
				imm = -d
			}
			l := &lowering{Graph: NewGraph()}
			a := l.Input(In{Name: "a"}, lo, hi)
			v := &ir.Value{Op: op, Imm: imm, Lo: -(1 << 52), Hi: 1 << 52}
			id := l.divided(v, a)
			for _, x := range []int64{lo, hi, 0, lo + r.Int64N(hi-lo+1), hi - hi%d, max(lo, hi-hi%d-1)} {
				if got, want := value(l.Graph, id, map[string]int64{"a": x}), ir.Apply(op, imm, x, 0, 0); x >= lo && x <= hi && got != want {
					t.Fatalf("%s of %d by %d is %d, not %d", op, x, imm, got, want)
				}
			}
		}
	}
}

// kernel parses a kernel of one stage and lowers it.
func kernel(t *testing.T, text string) *Unit {
	t.Helper()
	k, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	u, err := Lower(k.Stages[0], Options{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const columns = `kernel
stage window 3 3
  in u8
  out i16
  edge clamp
  maxwidth 64
  v0 = in 0 0 0
  v1 = in 0 1 0
  v2 = in 0 2 0
  v3 = in 0 0 2
  v4 = in 0 1 2
  v5 = in 0 2 2
  v6 = add v0 v1
  v7 = add v6 v2
  v8 = add v3 v4
  v9 = add v8 v5
  v10 = sub v9 v7
  give v10
end
`

func TestSumsOfColumnsAreMadeOnce(t *testing.T) {
	adders := 0
	for _, n := range kernel(t, columns).Nodes {
		if n.Op == Add || n.Op == Sub {
			adders++
		}
	}
	if adders != 3 {
		t.Errorf("%d adders; two for a column's sum and one for the difference are enough", adders)
	}
}

// product is a sum of products: deep enough for several stages.
const product = `kernel
stage word 1 1
  in [u16, 4]
  out u32
  v0 = in 0 0 0
  v1 = in 1 0 0
  v2 = in 2 0 0
  v3 = in 3 0 0
  v4 = mul v0 v1
  v5 = mul v2 v3
  v6 = add v4 v5
  v7 = wrapu v6 32
  give v7
end
`

func TestStagesKeepToThePeriod(t *testing.T) {
	u := kernel(t, product)
	depth := 0
	for _, period := range []float64{200, 40, 25, 18} {
		p := PartOf("up5k")
		p.Period = period
		s := Place(u.Graph, p)
		if s.Worst > period {
			t.Errorf("%.1f ns are planned for %.1f", s.Worst, period)
		}
		if s.Depth < depth {
			t.Errorf("%d stages for %.1f ns, %d for less speed", s.Depth, period, depth)
		}
		depth = s.Depth
		for i := range u.Nodes {
			for _, a := range u.Nodes[i].Operands() {
				if u.Nodes[a].Op != Const && s.Stage[a] > s.Stage[i] {
					t.Errorf("n%d stands in stage %d before its operand in %d", i, s.Stage[i], s.Stage[a])
				}
			}
		}
	}
	if depth < 4 {
		t.Errorf("%d stages for 18 ns", depth)
	}
}

// late adds a wide multiple of a narrow word to what is there some stages later.
const late = `kernel
stage word 1 1
  in [u12, 4]
  out u32
  v0 = in 0 0 0
  v1 = in 1 0 0
  v2 = in 2 0 0
  v3 = mul v0 v1
  v4 = wrapu v3 12
  v5 = mul v4 v4
  v6 = const 99961
  v7 = mul v2 v6
  v8 = xor v5 v7
  v9 = wrapu v8 32
  give v9
end
`

func TestMovesSaveRegisters(t *testing.T) {
	u := kernel(t, late)
	p := PartOf("up5k")
	first := &Schedule{Part: p, Stage: make([]int, len(u.Nodes)), Sync: make([]bool, len(u.Nodes)), arrive: make([]arrival, len(u.Nodes)), users: make([][]ID, len(u.Nodes))}
	first.loops(u.Graph)
	for i := range u.Nodes {
		for _, a := range u.Nodes[i].Operands() {
			first.users[a] = append(first.users[a], ID(i))
		}
	}
	first.ends(u.Graph)
	first.early(u.Graph)
	first.finish(u.Graph)
	if s := Place(u.Graph, p); s.Bits >= first.Bits {
		t.Errorf("%d flip-flops as placed first, %d after moves", first.Bits, s.Bits)
	}
}

func TestALoopStandsInOneStage(t *testing.T) {
	u := kernel(t, `kernel
stage fold 1 1
  in u16
  out u32
  state u32
  init 0
  v0 = in 0 0 0
  v1 = mul v0 v0
  v2 = state 0
  v3 = add v2 v1
  v4 = wrapu v3 32
  give v4
  next v4
end
`)
	s := Place(u.Graph, PartOf("up5k"))
	f := u.States[0]
	if s.Stage[f.Node] != s.Stage[f.Next] || s.Stage[f.Node] == 0 {
		t.Errorf("the state stands in stage %d, what it becomes in %d", s.Stage[f.Node], s.Stage[f.Next])
	}
}

func TestPartOfFindsFamilies(t *testing.T) {
	for name, want := range map[string]string{
		"ice40up5k-sg48": "ice40up5k", "up5k": "ice40up5k", "ice40hx8k-ct256": "ice40hx", "lfe5u-25f-cabga381": "ecp5", "xc7z020": "generic", "": "generic",
	} {
		if got := PartOf(name).Name; got != want {
			t.Errorf("PartOf(%q) is %s, want %s", name, got, want)
		}
	}
}
