package batch

import (
	"math/bits"

	"github.com/capodekappa/capo/gateware/ir"
)

// lane is what a column is made of.
type lane interface{ int32 | int64 }

func set[T lane](d []T, v T) {
	for i := range d {
		d[i] = v
	}
}

// execute runs one instruction whose result is of kind T.
func execute[T lane](w *work, i *instr, regs [][]T) {
	d := regs[i.d][w.from:w.n]
	var a, b []T
	if i.a != none && i.code != widen && i.code != narrow {
		a = regs[i.a][w.from:w.n]
	}
	if i.b != none {
		b = regs[i.b][w.from:w.n]
	}
	imm := T(i.imm)
	switch i.code {
	case load:
		read(d, w.mem[w.address(&i.port):], &i.port)
	case position:
		first, step := w.place(i.op)
		for n := range d {
			d[n] = T(first + int64(n)*step)
		}
	case delay:
		copy(d[1:], a)
		d[0] = T(w.state(int(i.imm)))
	case widen:
		convert(d, w.small[i.a][w.from:])
	case narrow:
		convert(d, w.large[i.a][w.from:])
	case code(ir.Mux):
		choose(d, a, b, regs[i.c][w.from:])
	case code(ir.Table):
		look(d, a, i.table)
	case code(ir.Clz):
		for n, x := range a {
			d[n] = T(bits.LeadingZeros32(uint32(x)))
		}
	case code(ir.WrapS):
		shift := 32 - i.imm
		if i.kind == k64 {
			shift += 32
		}
		for n, x := range a {
			d[n] = x << (uint(shift) & 63) >> (uint(shift) & 63)
		}
	case code(ir.DivFloor), code(ir.DivTrunc), code(ir.Rem):
		for n, x := range a {
			d[n] = T(ir.Apply(opOf(i.code), i.imm, int64(x), 0, 0))
		}
	case addImm, mulImm, andImm, shlImm, shrImm, minImm, maxImm, ltImm, gtImm, eqImm:
		withNumber(i.code, d, a, imm)
	case mulAdd:
		b = b[:len(a)]
		for n, x := range a {
			d[n] = x*imm + b[n]
		}
	case clamp:
		most := T(i.imm2)
		for n, x := range a {
			d[n] = max(imm, min(most, x))
		}
	case code(ir.Abs):
		for n, x := range a {
			d[n] = max(x, -x)
		}
	default:
		withColumn(i.code, d, a, b)
	}
}

// convert changes the lane; a narrower one keeps the low bits.
func convert[T, F lane](d []T, a []F) {
	a = a[:len(d)]
	for n, x := range a {
		d[n] = T(x)
	}
}

func choose[T lane](d, condition, a, b []T) {
	condition, a, b = condition[:len(d)], a[:len(d)], b[:len(d)]
	for n, x := range a {
		if condition[n] == 0 {
			x = b[n]
		}
		d[n] = x
	}
}

// look reads a table; an index outside, in an arm that is not taken, reads anything.
func look[T lane](d, a []T, table []int64) {
	for n, x := range a {
		v := int64(0)
		if uint64(x) < uint64(len(table)) {
			v = table[x]
		}
		d[n] = T(v)
	}
}

// withNumber is the operations with a number. Shifts are within 0..63.
func withNumber[T lane](c code, d, a []T, imm T) {
	switch c {
	case addImm:
		for n, x := range a {
			d[n] = x + imm
		}
	case mulImm:
		for n, x := range a {
			d[n] = x * imm
		}
	case andImm:
		for n, x := range a {
			d[n] = x & imm
		}
	case shlImm:
		for n, x := range a {
			d[n] = x << (uint(imm) & 63)
		}
	case shrImm:
		for n, x := range a {
			d[n] = x >> (uint(imm) & 63)
		}
	case minImm:
		for n, x := range a {
			d[n] = min(x, imm)
		}
	case maxImm:
		for n, x := range a {
			d[n] = max(x, imm)
		}
	default:
		compareNumber(c, d, a, imm)
	}
}

func compareNumber[T lane](c code, d, a []T, imm T) {
	switch c {
	case ltImm:
		for n, x := range a {
			d[n] = truth[T](x < imm)
		}
	case gtImm:
		for n, x := range a {
			d[n] = truth[T](x > imm)
		}
	case eqImm:
		for n, x := range a {
			d[n] = truth[T](x == imm)
		}
	}
}

func truth[T lane](b bool) T {
	var t T
	if b {
		t = 1
	}
	return t
}

// withColumn is the operations with two columns.
func withColumn[T lane](c code, d, a, b []T) {
	d, b = d[:len(a)], b[:len(a)]
	switch opOf(c) {
	case ir.Add:
		for n, x := range a {
			d[n] = x + b[n]
		}
	case ir.Sub:
		for n, x := range a {
			d[n] = x - b[n]
		}
	case ir.Mul:
		for n, x := range a {
			d[n] = x * b[n]
		}
	case ir.And:
		for n, x := range a {
			d[n] = x & b[n]
		}
	case ir.Or:
		for n, x := range a {
			d[n] = x | b[n]
		}
	case ir.Xor:
		for n, x := range a {
			d[n] = x ^ b[n]
		}
	case ir.Shl:
		for n, x := range a {
			d[n] = x << (uint64(b[n]) & 63)
		}
	case ir.Shr:
		for n, x := range a {
			d[n] = x >> (uint64(b[n]) & 63)
		}
	case ir.Min:
		for n, x := range a {
			d[n] = min(x, b[n])
		}
	case ir.Max:
		for n, x := range a {
			d[n] = max(x, b[n])
		}
	default:
		compareColumn(opOf(c), d, a, b)
	}
}

func compareColumn[T lane](op ir.Op, d, a, b []T) {
	d, b = d[:len(a)], b[:len(a)]
	switch op {
	case ir.Lt:
		for n, x := range a {
			d[n] = truth[T](x < b[n])
		}
	case ir.Le:
		for n, x := range a {
			d[n] = truth[T](x <= b[n])
		}
	case ir.Eq:
		for n, x := range a {
			d[n] = truth[T](x == b[n])
		}
	case ir.Ne:
		for n, x := range a {
			d[n] = truth[T](x != b[n])
		}
	}
}
