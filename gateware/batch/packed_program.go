package batch

import "github.com/capodekappa/capo/gateware/ir"

// packed is a stage whose columns are uint64s, each with several samples in lanes of the same width. A lane holds a value minus its
// base, which is never negative, so that no operation carries into the next lane; adding a constant is adding to the base. Where
// lanes are compared, they leave their highest bit alone.
type packed struct {
	stage   *ir.Stage
	width   int // of a lane: 16 or 32
	code    []packedInstr
	outs    []packedResult
	columns int
	inStep  int
	outStep int
}

// packedCode is a loop over packed columns.
type packedCode uint8

const (
	pRead  packedCode = iota // words of the memory
	pPlace                   // X, Y or I
	pZero                    // a constant, which is all base
	pAdd                     // k + a + b
	pAdd3                    // k + a + b + c
	pSum                     // k + a*by[0]
	pSum2                    // k + a*by[0] + b*by[1]
	pSum3                    // k + a*by[0] + b*by[1] + c*by[2]
	pShift                   // (a + k) >> n, each lane by itself
	pMask                    // (a + k) & k2
	pAnd                     // a & b, and so on
	pOr
	pXor
	pRebase // a + k
	pMin    // of a and b, which have the same base
	pMax
	pMinK // of a and k
	pMaxK
	pClampK // within k..k2
	pAbs    // |a - k|
	pLt     // a < b
	pLe
	pEq
	pNe
	pMux  // a ? b : c
	pLook // table[a]
	pEach // an operation of ir, lane by lane
)

// packedInstr is one of them.
type packedInstr struct {
	code       packedCode
	d, a, b, c reg
	k, k2      uint64
	by         [3]uint64
	n          uint
	table      []uint64
	port       port
	op         ir.Op
	imm        int64
	bases      [4]int64 // of pEach: of a, b, c and the result
	limit      int64    // of pPlace: the greatest value
}

// packedResult is a word that is written: the lane plus k, as far as the word goes.
type packedResult struct {
	a      reg
	k      uint64
	row    int
	offset int
	size   int
}
