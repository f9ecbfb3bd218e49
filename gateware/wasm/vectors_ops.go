package wasm

import "github.com/capodekappa/capo/gateware/ir"

func pick(first bool, a, b opcode) opcode {
	if first {
		return a
	}
	return b
}

// compute makes a part of a value at its home's width.
func (m *vectors) compute(id ir.ID, v *ir.Value, width, part int) ref {
	ops := lanesOf(width)
	arg := func(n int) ref { return m.value(v.Args[n], width, part) }
	switch v.Op {
	case ir.In:
		return m.input(v, width, part)
	case ir.X, ir.Y, ir.I:
		return m.position(v.Op, width, part)
	case ir.Add:
		return m.g.binary(v128, ops.add, arg(0), arg(1))
	case ir.Sub:
		return m.g.binary(v128, ops.sub, arg(0), arg(1))
	case ir.Mul:
		return m.product(v, width, part)
	case ir.And:
		return m.g.binary(v128, opAnd, arg(0), arg(1))
	case ir.Or:
		return m.g.binary(v128, opOr, arg(0), arg(1))
	case ir.Xor:
		return m.g.binary(v128, opXor, arg(0), arg(1))
	case ir.Mux:
		n := node{op: opBitSelect, args: [3]ref{arg(1), arg(2), m.truth(v.Args[0], width, part)}}
		return m.g.add(v128, n)
	case ir.Min:
		_, signed := m.common(width, v.Operands()...)
		return m.g.binary(v128, pick(signed, ops.minS, ops.minU), arg(0), arg(1))
	case ir.Max:
		_, signed := m.common(width, v.Operands()...)
		return m.g.binary(v128, pick(signed, ops.maxS, ops.maxU), arg(0), arg(1))
	case ir.Abs:
		return m.g.unary(v128, ops.abs, arg(0))
	case ir.WrapU:
		if int(v.Imm) >= width {
			return arg(0)
		}
		return m.g.binary(v128, opAnd, arg(0), m.g.splat(width, 1<<v.Imm-1))
	case ir.WrapS:
		if int(v.Imm) >= width {
			return arg(0)
		}
		return m.extend(arg(0), width, int(v.Imm))
	case ir.Shl, ir.Shr:
		if c := &m.f.Values[v.Args[1]]; c.Op == ir.Const {
			return m.shifted(v, int(c.Imm), width, part)
		}
	}
	return m.each(id, v, width, part)
}

// extend keeps the low bits of each lane, the highest of which is a sign.
func (m *vectors) extend(a ref, width, bits int) ref {
	if width > 8 {
		a = m.by(lanesOf(width).shl, a, width-bits)
		return m.by(lanesOf(width).shrS, a, width-bits)
	}
	// Lanes of 8 bits have no quick shifts: (a & mask ^ sign) - sign.
	sign := m.g.splat(width, 1<<(bits-1))
	a = m.g.binary(v128, opAnd, a, m.g.splat(width, 1<<bits-1))
	return m.g.binary(v128, lanesOf(width).sub, m.g.binary(v128, opXor, a, sign), sign)
}

// by shifts by a constant.
func (m *vectors) by(op opcode, a ref, n int) ref {
	if n == 0 {
		return a
	}
	return m.g.binary(v128, op, a, m.g.number(32, int64(n)))
}

func (m *vectors) shifted(v *ir.Value, n, width, part int) ref {
	ops := lanesOf(width)
	a := m.value(v.Args[0], width, part)
	if v.Op == ir.Shl {
		switch {
		case n >= width:
			return m.g.splat(width, 0)
		case n == 1:
			return m.g.binary(v128, ops.add, a, a)
		case width == 16: // wazero makes four instructions of a shift, two of a product
			return m.g.binary(v128, ops.mul, a, m.g.splat(width, 1<<n))
		}
		return m.by(ops.shl, a, n)
	}
	if m.signed(v.Args[0], width) {
		return m.by(ops.shrS, a, min(n, width-1))
	}
	if n >= width {
		return m.g.splat(width, 0)
	}
	return m.by(ops.shrU, a, n)
}

// product multiplies. Products of 16 bits that need 32 are extended by the instruction.
func (m *vectors) product(v *ir.Value, width, part int) ref {
	a, b := m.value(v.Args[0], width, part), m.value(v.Args[1], width, part)
	return m.g.binary(v128, lanesOf(width).mul, a, b)
}

// position is X, Y or I of each lane.
func (m *vectors) position(op ir.Op, width, part int) ref {
	lanes := 128 / width
	local, step := argY, 0
	switch op {
	case ir.X:
		local, step = m.x, 1
	case ir.I:
		local, step = m.i, m.hop
	}
	splat := opSplat8 + map[int]opcode{8: 0, 16: 1, 32: 2}[width]
	first := m.g.unary(v128, splat, m.g.local(i32, local))
	if step == 0 {
		return first
	}
	return m.g.binary(v128, lanesOf(width).add, first, m.g.lanes(width, func(lane int) int64 {
		return int64(step * (m.shift*m.lanes + part*lanes + lane))
	}))
}
