package ref

import (
	"fmt"
	"math"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/gateware/ir"
)

// wrapped is a number modulo 2^bits, as an integer typed array stores it.
func wrapped(v float64, w ir.Word) float64 {
	period := math.Ldexp(1, w.Bits)
	v = math.Mod(v, period)
	if v < 0 {
		v += period
	}
	if w.Signed && v >= period/2 {
		v -= period
	}
	return v
}

// clamped is the nearest number that a word holds, as a Uint8ClampedArray stores it.
func clamped(v float64, w ir.Word) float64 {
	lo, hi := w.Range()
	return math.Max(float64(lo), math.Min(float64(hi), v))
}

// storeWord is a result as its word holds it. What is not a whole number is an error: the compiler promised that it is.
func storeWord(v goja.Value, w ir.Word) (float64, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return 0, fmt.Errorf("the function gave %v for a %s", v, w)
	}
	f := v.ToFloat()
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("the function gave %v for a %s: no whole number within ±2^53", f, w)
	}
	if w.Clamp {
		return clamped(f, w), nil
	}
	return wrapped(f, w), nil
}

// store appends the words of a result of a type.
func (s *stage) store(words []float64, v goja.Value, t ir.Type) ([]float64, error) {
	if t.Word.Bits != 0 {
		f, err := storeWord(v, t.Word)
		return append(words, f), err
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, fmt.Errorf("the function gave %v for %s", v, t)
	}
	var err error
	if t.Elem != nil {
		if n := o.Get("length"); n == nil || n.ToInteger() != int64(t.N) {
			return nil, fmt.Errorf("the function gave %v elements for %s", n, t)
		}
		for i := range t.N {
			if words, err = s.store(words, o.Get(fmt.Sprint(i)), *t.Elem); err != nil {
				return nil, err
			}
		}
		return words, nil
	}
	for _, f := range t.Fields {
		if words, err = s.store(words, o.Get(f.Name), f.Type); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// value is a token, or a state, as JavaScript sees it.
func (s *stage) value(words []float64, t ir.Type) goja.Value {
	switch {
	case t.Word.Bits != 0:
		return s.rt.ToValue(int64(words[0]))
	case t.Elem != nil:
		n := t.Elem.Len()
		list := make([]any, t.N)
		for i := range list {
			list[i] = s.value(words[i*n:], *t.Elem)
		}
		return s.rt.NewArray(list...)
	}
	o := s.rt.NewObject()
	for _, f := range t.Fields {
		_ = o.Set(f.Name, s.value(words, f.Type)) // a plain object refuses nothing
		words = words[f.Type.Len():]
	}
	return o
}
