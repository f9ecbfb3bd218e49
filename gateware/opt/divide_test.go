package opt_test

import (
	"math/rand/v2"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/opt"
)

// division is a word kernel that divides its input.
func division(t *testing.T, w ir.Word, op ir.Op, by int64) *ir.Stage {
	t.Helper()
	s := &ir.Stage{Shape: ir.WordShape, In: ir.WordType(w), Out: ir.WordType(ir.Word{Bits: 32, Signed: true}), Rows: 1, Cols: 1, HopRows: 1, HopCols: 1}
	b := ir.NewBuilder(s)
	in, err := b.In(ir.Port{}, ir.Pos{})
	if err != nil {
		t.Fatal(err)
	}
	q, err := b.OpImm(op, by, ir.Pos{}, in)
	if err != nil {
		t.Fatal(err)
	}
	if q, err = b.OpImm(ir.WrapS, 32, ir.Pos{}, q); err != nil {
		t.Fatal(err)
	}
	s.Body = b.Finish([]ir.ID{q}, nil)
	return s
}

var divisors = []int64{1, -1, 2, -2, 3, -3, 5, 6, 7, -10, 11, -100, 127, 128, 255, 257, 641, 1000, 32767, 32768, 65535, 65537, 1 << 20, 1<<31 - 1, -1 << 31}

// check compares both stages on a word.
func check(t *testing.T, before, after *ir.Stage, word int64) {
	t.Helper()
	call := ir.Call{In: func(ir.Port) int64 { return word }}
	want, _ := before.Body.Eval(call, nil)
	got, _ := after.Body.Eval(call, nil)
	if got[0] != want[0] {
		t.Fatalf("%d becomes %d, not %d, by\n%s", word, got[0], want[0], (&ir.Kernel{Stages: []*ir.Stage{after}}).String())
	}
}

func TestDivisionsOfSixteenBitsAreRightForEachWord(t *testing.T) {
	for _, op := range []ir.Op{ir.DivFloor, ir.DivTrunc, ir.Rem} {
		for _, by := range divisors[:18] {
			for _, signed := range []bool{false, true} {
				w := ir.Word{Bits: 16, Signed: signed}
				before := division(t, w, op, by)
				after := *before
				if err := opt.Divide(&after); err != nil {
					t.Fatal(err)
				}
				for _, gone := range []ir.Op{ir.DivFloor, ir.DivTrunc, ir.Rem} {
					if after.Uses(gone) {
						t.Errorf("%s by %d is still there", op, by)
					}
				}
				lo, hi := w.Range()
				for word := lo; word <= hi; word++ {
					check(t, before, &after, word)
				}
			}
		}
	}
}

func TestDivisionsOfThirtyTwoBitsAreRightAtMultiples(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, op := range []ir.Op{ir.DivFloor, ir.DivTrunc, ir.Rem} {
		for _, by := range divisors {
			w := ir.Word{Bits: 32, Signed: r.IntN(2) == 0}
			before := division(t, w, op, by)
			after := *before
			if err := opt.Divide(&after); err != nil {
				t.Fatal(err)
			}
			lo, hi := w.Range()
			words := []int64{lo, lo + 1, hi - 1, hi, 0, 1}
			for range 2000 {
				multiple := r.Int64N(hi/max(by, -by)+1) * by
				words = append(words, multiple, multiple-1, multiple+1, -multiple, lo+r.Int64N(hi-lo))
			}
			for _, word := range words {
				if word >= lo && word <= hi {
					check(t, before, &after, word)
				}
			}
		}
	}
}
