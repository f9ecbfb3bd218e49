package wasm

// opcode is an instruction; those of SIMD have the prefix 0xfd, here as the ninth bit and above.
type opcode uint16

const simd = opcode(0x200)

// Instructions without lanes.
const (
	opLoop        = opcode(0x03)
	opEnd         = opcode(0x0b)
	opBrIf        = opcode(0x0d)
	opDrop        = opcode(0x1a)
	opSelect      = opcode(0x1b)
	opGet         = opcode(0x20)
	opSet         = opcode(0x21)
	opTee         = opcode(0x22)
	opI32Load     = opcode(0x28)
	opI64Load     = opcode(0x29)
	opI32Load8S   = opcode(0x2c)
	opI32Load8U   = opcode(0x2d)
	opI32Load16S  = opcode(0x2e)
	opI32Load16U  = opcode(0x2f)
	opI32Store    = opcode(0x36)
	opI64Store    = opcode(0x37)
	opI32Store8   = opcode(0x3a)
	opI32Store16  = opcode(0x3b)
	opI32Const    = opcode(0x41)
	opI64Const    = opcode(0x42)
	opI32Eqz      = opcode(0x45)
	opI32GtS      = opcode(0x4a)
	opI64Eqz      = opcode(0x50)
	opI32Clz      = opcode(0x67)
	opI32Add      = opcode(0x6a)
	opI32Sub      = opcode(0x6b)
	opI32Mul      = opcode(0x6c)
	opI32DivS     = opcode(0x6d)
	opI32DivU     = opcode(0x6e)
	opI32Shl      = opcode(0x74)
	opI64DivS     = opcode(0x7f)
	opI64RemS     = opcode(0x81)
	opI32Wrap     = opcode(0xa7)
	opI64ExtendS  = opcode(0xac)
	opI64ExtendU  = opcode(0xad)
	opI32Extend8  = opcode(0xc0)
	opI32Extend16 = opcode(0xc1)
)

// Instructions with lanes.
const (
	opLoad       = simd | 0x00
	opLoadExt    = simd | 0x01 // 8x8_s, 8x8_u, 16x4_s, …
	opStore      = simd | 0x0b
	opConst      = simd | 0x0c
	opShuffle    = simd | 0x0d
	opSplat8     = simd | 0x0f // 16, 32, 64 follow
	opAnd        = simd | 0x4e
	opAndNot     = simd | 0x4f
	opOr         = simd | 0x50
	opXor        = simd | 0x51
	opBitSelect  = simd | 0x52
	opLoadLane   = simd | 0x54 // 8, 16, 32, 64
	opStoreLane  = simd | 0x58
	opLoad32Zero = simd | 0x5c
	opLoad64Zero = simd | 0x5d
	opDot        = simd | 0xba
)

// laneOps are the instructions for a width of lanes. extract and replace take a lane; ge and the like are made of these.
type laneOps struct {
	extractS, extractU, replace opcode
	eq, ne, ltS, ltU, leS, leU  opcode
	abs, shl, shrS, shrU        opcode
	add, sub, mul               opcode
	minS, minU, maxS, maxU      opcode
	narrowS, narrowU            opcode // to this width, from twice of it
	lowS, highS, lowU, highU    opcode // to this width, from half of it
}

// lanesOf returns the instructions for lanes of 8, 16 or 32 bits.
func lanesOf(width int) *laneOps {
	switch width {
	case 8:
		return &laneOps{simd | 0x15, simd | 0x16, simd | 0x17, simd | 0x23, simd | 0x24, simd | 0x25, simd | 0x26, simd | 0x29, simd | 0x2a,
			simd | 0x60, simd | 0x6b, simd | 0x6c, simd | 0x6d, simd | 0x6e, simd | 0x71, 0, simd | 0x76, simd | 0x77, simd | 0x78, simd | 0x79,
			simd | 0x65, simd | 0x66, 0, 0, 0, 0}
	case 16:
		return &laneOps{simd | 0x18, simd | 0x19, simd | 0x1a, simd | 0x2d, simd | 0x2e, simd | 0x2f, simd | 0x30, simd | 0x33, simd | 0x34,
			simd | 0x80, simd | 0x8b, simd | 0x8c, simd | 0x8d, simd | 0x8e, simd | 0x91, simd | 0x95, simd | 0x96, simd | 0x97, simd | 0x98, simd | 0x99,
			simd | 0x85, simd | 0x86, simd | 0x87, simd | 0x88, simd | 0x89, simd | 0x8a}
	}
	return &laneOps{simd | 0x1b, simd | 0x1b, simd | 0x1c, simd | 0x37, simd | 0x38, simd | 0x39, simd | 0x3a, simd | 0x3d, simd | 0x3e,
		simd | 0xa0, simd | 0xab, simd | 0xac, simd | 0xad, simd | 0xae, simd | 0xb1, simd | 0xb5, simd | 0xb6, simd | 0xb7, simd | 0xb8, simd | 0xb9,
		0, 0, simd | 0xa7, simd | 0xa8, simd | 0xa9, simd | 0xaa}
}

// wordOps are the instructions for a number.
type wordOps struct {
	load, store                     opcode
	eqz, eq, ne, ltS, ltU, leS, leU opcode
	add, sub, mul, divS, remS       opcode
	and, or, xor, shl, shrS, shrU   opcode
}

// wordsOf returns the instructions for numbers of 32 or 64 bits.
func wordsOf(width int) *wordOps {
	if width == 32 {
		return &wordOps{opI32Load, opI32Store, opI32Eqz, 0x46, 0x47, 0x48, 0x49, 0x4c, 0x4d, opI32Add, opI32Sub, opI32Mul, opI32DivS, 0x6f,
			0x71, 0x72, 0x73, opI32Shl, 0x75, 0x76}
	}
	return &wordOps{opI64Load, opI64Store, opI64Eqz, 0x51, 0x52, 0x53, 0x54, 0x57, 0x58, 0x7c, 0x7d, 0x7e, opI64DivS, opI64RemS,
		0x83, 0x84, 0x85, 0x86, 0x87, 0x88}
}
