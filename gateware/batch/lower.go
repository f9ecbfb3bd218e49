package batch

import (
	"math"
	"slices"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/opt"
)

// lowering turns a body into loops over columns.
type lowering struct {
	*program
	f      *ir.Func
	uses   []int32
	demand []uint8
	scalar []bool // of a fold: must be computed sample by sample
	code   []instr
	made   [2]map[ir.ID]reg
	kinds  []kind // of each register
	leaves []ir.Leaf
	at     []int // where a leaf is in its token
}

// compile makes the program of a stage.
func compile(s *ir.Stage) *program {
	l := &lowering{program: &program{stage: s}, f: s.Body, demand: opt.Demand(s), leaves: s.In.Leaves()}
	l.made = [2]map[ir.ID]reg{{}, {}}
	l.uses = uses(s.Body)
	l.at = offsets(l.leaves)
	l.steps()
	if s.Shape == ir.FoldShape && !l.lowerFold() {
		return &program{stage: s, strip: strip, inStep: l.inStep, outStep: l.outStep, plain: true}
	}
	l.results()
	if l.core != nil {
		l.after = l.code
		l.lastOnly = s.Last && !slices.ContainsFunc(l.after, func(i instr) bool { return i.code == load || i.code == position || i.code == delay })
	} else {
		l.before = l.code
	}
	l.allocate()
	return l.program
}

// uses counts how often each value is an operand or a result.
func uses(f *ir.Func) []int32 {
	n := make([]int32, len(f.Values))
	for i := range f.Values {
		for _, a := range f.Values[i].Operands() {
			n[a]++
		}
	}
	for _, id := range f.Outs {
		n[id]++
	}
	for _, id := range f.Next {
		n[id]++
	}
	return n
}

func offsets(leaves []ir.Leaf) []int {
	at := make([]int, len(leaves)+1)
	for i, l := range leaves {
		at[i+1] = at[i] + l.Word.Bytes()
	}
	return at
}

// steps sets how far outputs are apart.
func (l *lowering) steps() {
	s := l.stage
	l.inStep, l.outStep = s.In.Bytes(), s.Out.Bytes()
	switch s.Shape {
	case ir.TapsShape, ir.WindowShape:
		l.inStep *= s.HopCols
	case ir.BlockShape:
		l.inStep *= s.Cols
		if s.PerBlock() {
			l.outStep *= s.Cols
		}
	}
	if s.Shape == ir.FoldShape && s.Last {
		l.outStep = 0
	}
}

// results lists what is written where.
func (l *lowering) results() {
	leaves := l.stage.OutLeaves()
	offset, row := 0, 0
	for i, id := range l.f.Outs {
		k := l.home(id)
		l.outs = append(l.outs, result{kind: k, a: l.column(id, k), row: row, offset: offset, size: leaves[i].Word.Bytes()})
		offset += leaves[i].Word.Bytes()
		if l.stage.PerBlock() && offset == l.outStep {
			offset, row = 0, row+1
		}
	}
}

// wide tells whether a value needs an int64.
func (l *lowering) wide(id ir.ID) bool {
	v := &l.f.Values[id]
	return l.demand[id] > 32 && (v.Lo < math.MinInt32 || v.Hi > math.MaxInt32)
}

// home is the kind in which a value is computed: that of its operands, too, where the operation looks at all of them.
func (l *lowering) home(id ir.ID) kind {
	if l.wide(id) {
		return k64
	}
	v := &l.f.Values[id]
	for k, a := range v.Operands() {
		if looksAtAll(v.Op, k) && l.wide(a) {
			return k64
		}
	}
	return k32
}

// looksAtAll tells whether an operation's low bits depend on more than the low bits of operand k.
func looksAtAll(op ir.Op, k int) bool {
	switch op {
	case ir.Add, ir.Sub, ir.Mul, ir.And, ir.Or, ir.Xor, ir.WrapS, ir.WrapU, ir.Bound:
		return false
	case ir.Shl:
		return k == 1
	case ir.Mux:
		return k == 0
	}
	return true
}

// column returns the column of a value in a kind, and makes the code for it where there is none yet.
func (l *lowering) column(id ir.ID, k kind) reg {
	if r, ok := l.made[k][id]; ok {
		return r
	}
	v := &l.f.Values[id]
	home := l.home(id)
	var r reg
	switch {
	case v.Op == ir.Const:
		r = l.fresh(k)
		l.fixed = append(l.fixed, fixed{k, r, v.Imm})
	case v.Op == ir.Bound && home == k:
		r = l.column(v.Args[0], k)
	case home == k:
		r = l.compute(v, k)
	case k == k64:
		r = l.emit(instr{code: widen, kind: k, a: l.column(id, k32)})
	default:
		r = l.emit(instr{code: narrow, kind: k, a: l.column(id, k64)})
	}
	l.made[k][id] = r
	return r
}

// has tells whether there is a column of a value already.
func (l *lowering) has(id ir.ID, k kind) bool {
	_, ok := l.made[k][id]
	return ok
}

func (l *lowering) fresh(k kind) reg {
	l.kinds = append(l.kinds, k)
	return reg(len(l.kinds) - 1)
}

func (l *lowering) emit(i instr) reg {
	i.d = l.fresh(i.kind)
	l.code = append(l.code, i)
	return i.d
}

// compute makes the code of a value.
func (l *lowering) compute(v *ir.Value, k kind) reg {
	switch v.Op {
	case ir.In:
		return l.emit(instr{code: load, kind: k, port: l.port(v.Port)})
	case ir.X, ir.Y, ir.I:
		return l.emit(instr{code: position, kind: k, op: v.Op})
	case ir.State:
		return l.emit(instr{code: delay, kind: k, a: l.column(l.f.Next[v.Port.Leaf], k), imm: int64(v.Port.Leaf)})
	case ir.WrapS, ir.WrapU:
		if k == k32 && v.Imm >= 32 {
			return l.column(v.Args[0], k)
		}
		if v.Op == ir.WrapU {
			return l.emit(instr{code: andImm, kind: k, a: l.column(v.Args[0], k), imm: 1<<v.Imm - 1})
		}
	case ir.Table:
		return l.emit(instr{code: code(v.Op), kind: k, a: l.column(v.Args[0], k), table: l.f.Tables[v.Imm]})
	}
	if i, ok := l.immediate(v, k); ok {
		return l.emit(i)
	}
	i := instr{code: code(v.Op), kind: k, imm: v.Imm, a: none, b: none, c: none}
	for n, a := range v.Operands() {
		*[]*reg{&i.a, &i.b, &i.c}[n] = l.column(a, k)
	}
	return l.emit(i)
}

// immediate finds the forms with a constant, which stands last where operands may change places.
func (l *lowering) immediate(v *ir.Value, k kind) (instr, bool) {
	if v.Op.Arity() != 2 {
		return instr{}, false
	}
	if i, ok := l.product(v, k); ok {
		return i, true
	}
	i := instr{kind: k, b: none, c: none}
	x, y := v.Args[0], v.Args[1]
	if c := &l.f.Values[x]; v.Op == ir.Lt && c.Op == ir.Const {
		i.code, i.imm, i.a = gtImm, c.Imm, l.column(y, k)
		return i, true
	}
	c := &l.f.Values[y]
	if c.Op != ir.Const {
		return i, false
	}
	i.imm = c.Imm
	switch v.Op {
	case ir.Add:
		i.code = addImm
	case ir.Sub:
		i.code, i.imm = addImm, -c.Imm
	case ir.Mul:
		i.code = mulImm
	case ir.And:
		i.code = andImm
	case ir.Shl:
		i.code = shlImm
	case ir.Shr:
		i.code = shrImm
	case ir.Lt:
		i.code = ltImm
	case ir.Eq:
		i.code = eqImm
	case ir.Min, ir.Max:
		i.code = minImm
		if v.Op == ir.Max {
			i.code = maxImm
		}
		return l.clamp(i, x, k), true
	default:
		return i, false
	}
	i.a = l.column(x, k)
	return i, true
}

// product joins a sum with a product by a constant that only it uses.
func (l *lowering) product(v *ir.Value, k kind) (instr, bool) {
	if v.Op != ir.Add {
		return instr{}, false
	}
	for n, id := range v.Operands() {
		p := &l.f.Values[id]
		other := v.Args[1-n]
		if p.Op != ir.Mul || l.uses[id] != 1 || l.f.Values[other].Op == ir.Const || l.home(id) != k || l.has(id, k) {
			continue
		}
		if c := &l.f.Values[p.Args[1]]; c.Op == ir.Const {
			return instr{code: mulAdd, kind: k, a: l.column(p.Args[0], k), b: l.column(other, k), c: none, imm: c.Imm}, true
		}
	}
	return instr{}, false
}

// clamp joins a bound with the opposite one below it.
func (l *lowering) clamp(i instr, x ir.ID, k kind) instr {
	inner := &l.f.Values[x]
	if (inner.Op == ir.Min || inner.Op == ir.Max) && (inner.Op == ir.Max) != (i.code == maxImm) && l.uses[x] == 1 && l.home(x) == k && !l.has(x, k) {
		if c := &l.f.Values[inner.Args[1]]; c.Op == ir.Const {
			outer := i.imm
			i.imm, i.imm2 = c.Imm, outer
			if i.code == maxImm {
				i.imm, i.imm2 = outer, c.Imm
			}
			if i.imm <= i.imm2 {
				i.code, i.a = clamp, l.column(inner.Args[0], k)
				return i
			}
			i.imm = outer
		}
	}
	i.a = l.column(x, k)
	return i
}

// port says where the words of an input are.
func (l *lowering) port(p ir.Port) port {
	s := l.stage
	w := l.leaves[p.Leaf].Word
	out := port{row: int(p.Row), offset: l.at[p.Leaf], stride: l.inStep, size: w.Bytes(), signed: w.Signed, bits: w.Bits}
	switch s.Shape {
	case ir.TapsShape:
		out.offset -= int(p.Col) * s.In.Bytes()
	default:
		out.offset += int(p.Col) * s.In.Bytes()
	}
	return out
}
