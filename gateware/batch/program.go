package batch

import "github.com/capodekappa/capo/gateware/ir"

// kind is the lane of a column.
type kind uint8

const (
	k32 kind = iota // int32: the value, or what is left of it modulo 2^32 where nobody looks at more
	k64             // int64
)

// code is what an instruction does; those of ir stand for themselves. d is the result; a, b, c are operands.
type code uint8

const (
	widen    = code(iota + 64) // int32 to int64
	narrow                     // int64 to int32
	addImm                     // a + imm
	mulImm                     // a * imm
	mulAdd                     // a*imm + b
	andImm                     // a & imm
	shlImm                     // a << imm
	shrImm                     // a >> imm
	minImm                     // the lesser of a and imm
	maxImm                     // the greater of a and imm
	ltImm                      // a < imm
	gtImm                      // a > imm
	eqImm                      // a == imm
	clamp                      // within imm..imm2
	load                       // words of the memory
	position                   // X, Y or I
	delay                      // a, one sample later; before it the state's word imm
)

// reg is a column: first one of its own for each result, then one of the machine's.
type reg int32

const none = reg(-1)

// instr is a loop over columns of one kind; only widen and narrow read the other kind.
type instr struct {
	code       code
	kind       kind
	d, a, b, c reg
	imm, imm2  int64
	table      []int64
	port       port
	op         ir.Op // of position
}

// port is where the words of a column are in the memory.
type port struct {
	row    int // of a window or a block
	offset int // bytes from the address of the first output
	stride int // bytes from one output to the next
	size   int // 1, 2 or 4
	signed bool
	bits   int // of the word; the wire may have more
}

// fixed is a column that never changes.
type fixed struct {
	kind  kind
	at    reg
	value int64
}

// result is a word that is written.
type result struct {
	kind   kind
	a      reg
	row    int // of a block
	offset int // bytes from the address of the first output
	size   int
}

// keep is a word of a fold's state that is the last one of a column.
type keep struct {
	leaf int
	kind kind
	a    reg
}

// program is a compiled stage: loops over columns; in a fold, between before and after, the loop over samples.
type program struct {
	stage  *ir.Stage
	plain  bool    // a fold that is too large: ir evaluates it
	packed *packed // instead of all that follows, if it is not nil
	before []instr
	core   *core
	after  []instr
	// lastOnly: after is needed for a strip's last sample only
	lastOnly bool
	fixed    []fixed
	outs     []result
	states   []keep
	columns  [2]int // registers of each kind
	strip    int    // samples in a column
	inStep   int    // bytes from one output's words to the next one's
	outStep  int
}

// opOf is the operation that a code stands for.
func opOf(c code) ir.Op { return ir.Op(c) }
