package ir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a body.
const (
	MaxValues       = 1 << 16
	MaxTableEntries = 1 << 16
	MaxTables       = 1 << 10
)

// Builder makes a body. Equal values are one, constants are folded, ranges are computed. It is not safe for
// concurrent use.
type Builder struct {
	stage  *Stage
	leaves []Leaf
	state  []Leaf
	f      Func
	known  map[key]ID
	tables map[string]int64
}

// key is what makes two values one.
type key struct {
	op     Op
	args   [3]ID
	imm    int64
	port   Port
	lo, hi int64 // of Bound
}

// IndexError says that a table's index is not provably inside.
type IndexError struct {
	Lo, Hi int64
	Len    int
}

// Error names the index's range and the table's length.
func (e *IndexError) Error() string {
	return fmt.Sprintf("the index is within %d..%d, the table has %d entries", e.Lo, e.Hi, e.Len)
}

// NewBuilder starts the body of a stage, whose other fields must be set.
func NewBuilder(s *Stage) *Builder {
	b := &Builder{stage: s, leaves: s.In.Leaves(), known: map[key]ID{}, tables: map[string]int64{}}
	if s.Shape == FoldShape {
		b.state = s.State.Leaves()
	}
	return b
}

// Value returns a node. It stays valid until the next one is made.
func (b *Builder) Value(id ID) *Value { return &b.f.Values[id] }

// Constant tells whether a value is known, and which it is.
func (b *Builder) Constant(id ID) (int64, bool) {
	v := b.Value(id)
	return v.Imm, v.Op == Const
}

// Const makes a constant within ±2^62.
func (b *Builder) Const(c int64) (ID, error) {
	if c < -Far || c > Far {
		return 0, ErrRange
	}
	return b.add(Value{Op: Const, Imm: c, Lo: c, Hi: c})
}

// In makes a word of the input. Errors: a port that the stage does not have.
func (b *Builder) In(p Port, pos Pos) (ID, error) {
	if p.Leaf < 0 || int(p.Leaf) >= len(b.leaves) || p.Row < 0 || int(p.Row) >= b.stage.Rows || p.Col < 0 || int(p.Col) >= b.stage.Cols {
		return 0, fmt.Errorf("there is no input %d at row %d, column %d", p.Leaf, p.Row, p.Col)
	}
	lo, hi := b.leaves[p.Leaf].Word.Range()
	return b.add(Value{Op: In, Port: p, Lo: lo, Hi: hi, Pos: pos})
}

// State makes a word of a fold's state.
func (b *Builder) State(leaf int, pos Pos) (ID, error) {
	if leaf < 0 || leaf >= len(b.state) {
		return 0, fmt.Errorf("there is no word %d of the state", leaf)
	}
	lo, hi := b.state[leaf].Word.Range()
	return b.add(Value{Op: State, Port: Port{Leaf: int32(leaf)}, Lo: lo, Hi: hi, Pos: pos})
}

// Position makes X, Y or I.
func (b *Builder) Position(op Op, pos Pos) (ID, error) {
	hi := int64(MaxCount)
	switch {
	case op == X && b.stage.Shape == BlockShape:
		hi = int64(b.stage.MaxWidth/b.stage.Cols) - 1
	case op == X && b.stage.MaxWidth > 0:
		hi = int64(b.stage.MaxWidth) - 1
	case op == X:
		hi = MaxLine - 1
	}
	return b.add(Value{Op: op, Hi: hi, Pos: pos})
}

// Bound makes a value that a condition holds within lo..hi.
func (b *Builder) Bound(a ID, lo, hi int64, pos Pos) (ID, error) {
	v := b.Value(a)
	lo, hi = max(lo, v.Lo), min(hi, v.Hi)
	switch {
	case lo == v.Lo && hi == v.Hi:
		return a, nil
	case lo >= hi: // known, or an arm that is never taken
		return b.Const(hi)
	case v.Op == Bound:
		a = v.Args[0]
	}
	return b.add(Value{Op: Bound, Args: [3]ID{a}, Lo: lo, Hi: hi, Pos: pos})
}

// Table makes an entry of a constant table. Errors: *IndexError; entries beyond ±2^62, too many of them.
func (b *Builder) Table(entries []int64, index ID, pos Pos) (ID, error) {
	v := b.Value(index)
	if v.Lo < 0 || v.Hi >= int64(len(entries)) {
		return 0, &IndexError{v.Lo, v.Hi, len(entries)}
	}
	s := hull(entries[v.Lo : v.Hi+1]...)
	if s.lo < -Far || s.hi > Far {
		return 0, ErrRange
	}
	if s.constant() {
		return b.Const(s.lo)
	}
	n, err := b.table(entries)
	if err != nil {
		return 0, err
	}
	return b.add(Value{Op: Table, Args: [3]ID{index}, Imm: n, Lo: s.lo, Hi: s.hi, Pos: pos})
}

func (b *Builder) table(entries []int64) (int64, error) {
	if len(entries) > MaxTableEntries {
		return 0, fmt.Errorf("a table has at most %d entries; this one has %d", MaxTableEntries, len(entries))
	}
	var text strings.Builder
	for _, e := range entries {
		text.WriteString(strconv.FormatInt(e, 36))
		text.WriteByte(' ')
	}
	n, ok := b.tables[text.String()]
	if !ok {
		if len(b.f.Tables) == MaxTables {
			return 0, fmt.Errorf("a kernel has at most %d tables", MaxTables)
		}
		n = int64(len(b.f.Tables))
		b.f.Tables = append(b.f.Tables, slices.Clone(entries))
		b.tables[text.String()] = n
	}
	return n, nil
}

// Op makes an operation without an immediate. Errors: ErrRange, an operand outside what it takes.
func (b *Builder) Op(op Op, pos Pos, args ...ID) (ID, error) { return b.OpImm(op, 0, pos, args...) }

// OpImm makes an operation: a wrap's width, a divisor. Ports, bounds and tables have methods of their own.
func (b *Builder) OpImm(op Op, imm int64, pos Pos, args ...ID) (ID, error) {
	if op < Add || op >= opCount || op == Bound || op == Table || len(args) != op.Arity() {
		return 0, fmt.Errorf("%s cannot be made of %d values", op, len(args))
	}
	v := Value{Op: op, Imm: imm, Pos: pos}
	copy(v.Args[:], args)
	if op.commutes() && b.after(v.Args[0], v.Args[1]) {
		v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
	}
	var s [3]span
	for i, a := range v.Operands() {
		s[i] = span{b.f.Values[a].Lo, b.f.Values[a].Hi}
	}
	got, err := rangeOf(op, imm, s[0], s[1], s[2])
	if err != nil {
		return 0, err
	}
	if got.constant() {
		return b.Const(got.lo)
	}
	v.Lo, v.Hi = got.lo, got.hi
	if same, ok := b.simpler(&v, s); ok {
		return same, nil
	}
	return b.add(v)
}

// after orders the operands of what commutes: a constant stands last.
func (b *Builder) after(x, y ID) bool {
	_, cx := b.Constant(x)
	_, cy := b.Constant(y)
	if cx != cy {
		return cx
	}
	return x > y
}

// commutes tells whether a op b is b op a.
func (op Op) commutes() bool {
	switch op {
	case Add, Mul, And, Or, Xor, Eq, Ne, Min, Max:
		return true
	}
	return false
}

func (b *Builder) add(v Value) (ID, error) {
	k := key{op: v.Op, args: v.Args, imm: v.Imm, port: v.Port}
	if v.Op == Bound {
		k.lo, k.hi = v.Lo, v.Hi
	}
	if id, ok := b.known[k]; ok {
		return id, nil
	}
	if len(b.f.Values) >= MaxValues {
		return 0, fmt.Errorf("the kernel has more than %d values after its loops and helpers were unrolled", MaxValues)
	}
	id := ID(len(b.f.Values))
	b.f.Values = append(b.f.Values, v)
	b.known[k] = id
	return id, nil
}
