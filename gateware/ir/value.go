package ir

import "fmt"

// ID is a value's place in Func.Values.
type ID int32

// Op is what a value is made by.
type Op uint8

// The operations. Operands are a, b, c; bit operations take integers as two's complement of unlimited length.
const (
	Const    Op = iota // Imm
	In                 // a leaf of the input: Port
	State              // a leaf of a fold's state before this step: Port.Leaf
	X                  // the output's column; the tile's for a block
	Y                  // the output's row; the tile's for a block
	I                  // the index of the sample in its call
	Add                // a + b
	Sub                // a - b
	Mul                // a * b
	And                // a & b
	Or                 // a | b
	Xor                // a ^ b
	Shl                // a << b; b within 0..31
	Shr                // a >> b, keeping the sign; b within 0..63
	Lt                 // a < b: 1 or 0, as the three below
	Le                 // a <= b
	Eq                 // a == b
	Ne                 // a != b
	Mux                // a ? b : c; a is 0 or 1
	Min                // the lesser of a and b
	Max                // the greater of a and b
	Abs                // |a|
	Clz                // leading zeros of a as 32 bits; a within 0..2^32-1
	WrapS              // a modulo 2^Imm, within -2^(Imm-1)..2^(Imm-1)-1
	WrapU              // a modulo 2^Imm, within 0..2^Imm-1
	Bound              // a, known by a condition to be within Lo..Hi; anything where the condition does not hold
	Table              // Func.Tables[Imm][a]; anything where a is outside
	DivFloor           // a / Imm, rounded down
	DivTrunc           // a / Imm, rounded towards zero
	Rem                // a - Imm * DivTrunc(a, Imm): the sign of a
	opCount
)

// opInfo is how an operation is written and what it has.
type opInfo struct {
	name string
	args int
	imm  bool
}

var ops = [opCount]opInfo{
	Const: {"const", 0, true}, In: {"in", 0, false}, State: {"state", 0, false}, X: {"x", 0, false}, Y: {"y", 0, false},
	I: {"i", 0, false}, Add: {"add", 2, false}, Sub: {"sub", 2, false}, Mul: {"mul", 2, false}, And: {"and", 2, false},
	Or: {"or", 2, false}, Xor: {"xor", 2, false}, Shl: {"shl", 2, false}, Shr: {"shr", 2, false}, Lt: {"lt", 2, false},
	Le: {"le", 2, false}, Eq: {"eq", 2, false}, Ne: {"ne", 2, false}, Mux: {"mux", 3, false}, Min: {"min", 2, false},
	Max: {"max", 2, false}, Abs: {"abs", 1, false}, Clz: {"clz", 1, false}, WrapS: {"wraps", 1, true},
	WrapU: {"wrapu", 1, true}, Bound: {"bound", 1, false}, Table: {"table", 1, true}, DivFloor: {"divfloor", 1, true},
	DivTrunc: {"divtrunc", 1, true}, Rem: {"rem", 1, true},
}

// String is the operation's name in the text form.
func (op Op) String() string {
	if op < opCount {
		return ops[op].name
	}
	return fmt.Sprintf("op%d", op)
}

// Arity is the number of operands.
func (op Op) Arity() int { return ops[op].args }

// Ops lists all operations.
func Ops() []Op {
	all := make([]Op, opCount)
	for i := range all {
		all[i] = Op(i)
	}
	return all
}

// Port is a word of what the function gets. Row and Col are 0 for a word and a fold; Col is the tap (0 is the newest) for
// taps; for windows and blocks both count from the upper left.
type Port struct {
	Leaf, Row, Col int32
}

// Pos is where in the source an operation stands. It is no part of a kernel's meaning, text or digest.
type Pos struct {
	File      string
	Line, Col int
}

// String is file:line:column.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Value is a node.
type Value struct {
	Op     Op
	Args   [3]ID // the first Op.Arity() of them
	Imm    int64
	Port   Port
	Lo, Hi int64 // no run leaves this interval
	Pos    Pos
}

// Operands are the arguments that the operation has.
func (v *Value) Operands() []ID { return v.Args[:v.Op.Arity()] }

// Bits is the width that holds the value: as two's complement if it may be negative, else unsigned; at least 1.
func (v *Value) Bits() (bits int, signed bool) { return BitsOf(v.Lo, v.Hi) }

// BitsOf is the width that holds an interval.
func BitsOf(lo, hi int64) (bits int, signed bool) {
	bits = 1
	if lo >= 0 {
		for bits < 63 && hi>>bits != 0 {
			bits++
		}
		return bits, false
	}
	for bits < 64 && (lo < -1<<(bits-1) || hi > 1<<(bits-1)-1) {
		bits++
	}
	return bits, true
}

// Func is the body of a stage: one call of the user's function.
type Func struct {
	Values []Value
	Tables [][]int64
	Outs   []ID // the leaves of what is returned; for a block all of them, row by row. Each is within its type's range
	Next   []ID // a fold's new state, leaf by leaf
}
