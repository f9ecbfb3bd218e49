package ir

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Limits of shapes.
const (
	MaxTaps       = 1024
	MaxWindowSide = 63
	MaxWindow     = 1024 // cells
	MaxBlock      = 4096 // words
	MaxHop        = 4096
	MaxLine       = 1 << 16 // tokens in a row of windows, blocks, and where x is used
	MaxStages     = 64
	MaxCount      = 1<<31 - 1 // tokens in a call

	DefaultMaxWidth = 2048 // of windows
)

// Shape is what a call of the function sees of the stream.
type Shape uint8

// The shapes.
const (
	WordShape   Shape = iota // one token
	TapsShape                // the newest token and those before it
	WindowShape              // a neighbourhood of the frame
	FoldShape                // one token and the state
	BlockShape               // a tile
	shapeCount
)

var shapeNames = [shapeCount]string{"word", "taps", "window", "fold", "block"}

// String is the shape's name in the text form.
func (s Shape) String() string { return shapeNames[s] }

// Edge is what a window sees outside the frame.
type Edge uint8

// The edge rules. Mirror does not repeat the edge's pixel.
const (
	Clamp Edge = iota
	Zero
	Mirror
	edgeCount
)

var edgeNames = [edgeCount]string{"clamp", "zero", "mirror"}

// String is the rule's name, as the source writes it.
func (e Edge) String() string { return edgeNames[e] }

// Stage is one function and how it sits in the stream.
type Stage struct {
	Shape      Shape
	In, Out    Type
	Rows, Cols int  // window and block; taps are 1×N; else 1×1
	HopRows    int  // window; else 1
	HopCols    int  // window and taps; else 1
	Edge       Edge // window
	MaxWidth   int  // window and block: tokens in a row that the line buffers hold; else 0
	State      Type // fold
	Init       []int64
	Last       bool // a fold that gives one token, at the end of the call
	Body       *Func
}

// Kernel is a compiled kernel: one stage, or several that were piped.
type Kernel struct {
	Name   string
	Stages []*Stage
}

// In is the type of a token that comes in.
func (k *Kernel) In() Type { return k.Stages[0].In }

// Out is the type of a token that comes out.
func (k *Kernel) Out() Type { return k.Stages[len(k.Stages)-1].Out }

// Digest names what the kernel means: the SHA-256 of its text, in hex. The name is no part of it.
func (k *Kernel) Digest() string {
	anonymous := Kernel{Stages: k.Stages}
	sum := sha256.Sum256([]byte(anonymous.String()))
	return hex.EncodeToString(sum[:])
}

// Uses tells whether the body has a value of an operation.
func (s *Stage) Uses(op Op) bool {
	for i := range s.Body.Values {
		if s.Body.Values[i].Op == op {
			return true
		}
	}
	return false
}

// PerBlock tells whether a block gives a word for each of its words (else it gives one token).
func (s *Stage) PerBlock() bool { return s.Shape == BlockShape && s.Out.Elem == nil }

// OutLeaves lists what the body returns: a token's leaves, or those of all the block's tokens.
func (s *Stage) OutLeaves() []Leaf {
	leaves := s.Out.Leaves()
	if !s.PerBlock() {
		return leaves
	}
	var all []Leaf
	for range s.Rows * s.Cols {
		all = append(all, leaves...)
	}
	return all
}

// Check tells what is wrong with a kernel: a shape beyond the limits, stages that do not fit, a body that is not SSA,
// a result outside its type.
func (k *Kernel) Check() error {
	if len(k.Stages) == 0 || len(k.Stages) > MaxStages {
		return fmt.Errorf("a kernel has 1 to %d stages, not %d", MaxStages, len(k.Stages))
	}
	for i, s := range k.Stages {
		if err := s.Check(); err != nil {
			return fmt.Errorf("stage %d: %w", i, err)
		}
		if i > 0 {
			if err := Fits(k.Stages[i-1].Out, s.In); err != nil {
				return fmt.Errorf("stage %d: %w", i, err)
			}
		}
	}
	return nil
}

// Fits tells whether what one stage gives is what the next takes: the same words; whether they clamp does not matter.
func Fits(out, in Type) error {
	a, b := out.Leaves(), in.Leaves()
	if len(a) != len(b) {
		return fmt.Errorf("a token of %d words (%s) goes into one that takes %d (%s)", len(a), out, len(b), in)
	}
	for i := range a {
		if a[i].Word.Bits != b[i].Word.Bits || a[i].Word.Signed != b[i].Word.Signed {
			return fmt.Errorf("%s goes into %s", out, in)
		}
	}
	return nil
}
