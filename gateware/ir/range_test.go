package ir

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// edges are the numbers where ranges go wrong.
var edges = []int64{0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 100, 127, 128, 255, 256, 1023, 32767, 32768, 65535, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<53 - 1}

func someInt(r *rand.Rand) int64 {
	v := edges[r.IntN(len(edges))]
	if r.IntN(3) == 0 {
		v = r.Int64N(v + 1)
	}
	if r.IntN(2) == 0 {
		v = -v
	}
	return v
}

func someSpan(r *rand.Rand, lo, hi int64) span {
	s := hull(someInt(r), someInt(r))
	if r.IntN(3) == 0 {
		s.hi = s.lo + r.Int64N(10)
	}
	return span{min(max(s.lo, lo), hi), max(min(s.hi, hi), lo)}
}

func pickFrom(r *rand.Rand, s span) int64 {
	switch r.IntN(4) {
	case 0:
		return s.lo
	case 1:
		return s.hi
	}
	return s.lo + r.Int64N(s.hi-s.lo+1)
}

// TestNoResultLeavesItsRange tries every operation with operands at the ends of random intervals and between.
func TestNoResultLeavesItsRange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tried := map[Op]int{}
	for range 200_000 {
		op := Add + Op(r.IntN(int(opCount-Add)))
		if op == Bound || op == Table {
			continue
		}
		a, b, c := someSpan(r, -1<<53, 1<<53), someSpan(r, -1<<53, 1<<53), someSpan(r, -1<<53, 1<<53)
		imm := int64(1 + r.IntN(53))
		switch op {
		case Shl, Shr:
			b = someSpan(r, 0, 31)
		case Mux:
			a = someSpan(r, 0, 1)
		case Clz:
			a = someSpan(r, 0, 1<<32-1)
		case DivFloor, DivTrunc, Rem:
			if imm = someInt(r); imm == 0 {
				imm = -3
			}
		}
		got, err := rangeOf(op, imm, a, b, c)
		if errors.Is(err, ErrRange) && (op == Mul || op == Shl) {
			continue
		}
		if err != nil {
			t.Fatalf("%s imm %d of %v %v %v: %v", op, imm, a, b, c, err)
		}
		tried[op]++
		for range 8 {
			x, y, z := pickFrom(r, a), pickFrom(r, b), pickFrom(r, c)
			if v := Apply(op, imm, x, y, z); v < got.lo || v > got.hi {
				t.Fatalf("%s imm %d of %d %d %d is %d, outside %v (operands within %v %v %v)", op, imm, x, y, z, v, got, a, b, c)
			}
		}
	}
	for op := Add; op < opCount; op++ {
		if op != Bound && op != Table && tried[op] < 100 {
			t.Errorf("%s was tried %d times", op, tried[op])
		}
	}
}

// TestRangesAreExact looks through all pairs of small intervals: the ends are reached, where the operation is monotonic.
func TestRangesAreExact(t *testing.T) {
	exact := map[Op]int64{Add: 0, Sub: 0, Mul: 0, Min: 0, Max: 0, Abs: 0, Lt: 0, Le: 0, Eq: 0, Ne: 0, DivFloor: 3, DivTrunc: -3, Rem: 4, WrapS: 3, Shr: 0}
	for op, imm := range exact {
		for _, a := range []span{{0, 5}, {-5, -2}, {-3, 4}, {2, 2}, {4, 9}} {
			for _, b := range []span{{0, 3}, {1, 1}, {2, 6}} {
				got, err := rangeOf(op, imm, a, b, span{})
				if err != nil {
					t.Fatal(op, err)
				}
				real := span{Far, -Far}
				for x := a.lo; x <= a.hi; x++ {
					for y := b.lo; y <= b.hi; y++ {
						v := Apply(op, imm, x, y, 0)
						real = span{min(real.lo, v), max(real.hi, v)}
					}
				}
				wide := (op == WrapS || op == Rem) && real.lo >= got.lo && real.hi <= got.hi
				if got != real && !wide {
					t.Errorf("%s imm %d of %v, %v: %v, really %v", op, imm, a, b, got, real)
				}
			}
		}
	}
}

func TestBitsOf(t *testing.T) {
	for _, tt := range []struct {
		lo, hi int64
		bits   int
		signed bool
	}{{0, 0, 1, false}, {0, 1, 1, false}, {0, 255, 8, false}, {0, 256, 9, false}, {-1, 0, 1, true}, {-1, 1, 2, true}, {-128, 127, 8, true}, {-129, 0, 9, true}, {-Far, Far, 63, true}} {
		if bits, signed := BitsOf(tt.lo, tt.hi); bits != tt.bits || signed != tt.signed {
			t.Errorf("BitsOf(%d, %d) = %d, %v, want %d, %v", tt.lo, tt.hi, bits, signed, tt.bits, tt.signed)
		}
	}
}
