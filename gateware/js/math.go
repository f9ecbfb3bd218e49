package js

import (
	"fmt"
	"math"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

// builtinFunc is a function of the language as a kernel has it.
type builtinFunc func(e *eval, args []value, at file.Idx) value

// builtins are the functions that take values known only at run time, and those that make arrays.
func builtins() map[string]builtinFunc {
	return map[string]builtinFunc{
		"Math.abs": mathAbs, "Math.min": mathMin, "Math.max": mathMax, "Math.imul": mathImul, "Math.clz32": mathClz,
		"Math.floor": mathFloor, "Math.trunc": mathTrunc, "Math.round": mathRound, "Math.ceil": mathCeil, "Math.sign": mathSign,
		"Math.pow": mathPow, "Number": toNumber, "Boolean": toBoolean, "Array": makeArray, "Array.of": arrayOf, "Array.from": arrayFrom,
		"Array.isArray": isArray, "Object.keys": objectKeys, "Object.values": objectValues, "Object.entries": objectEntries,
		"Object.freeze": freeze,
	}
}

// mathNames are functions of what is known.
var mathNames = func() map[string]bool {
	names := map[string]bool{}
	for _, n := range []string{"sqrt", "cbrt", "hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
		"exp", "expm1", "log", "log2", "log10", "log1p", "fround"} {
		names["Math."+n] = true
	}
	return names
}()

// constantsOf are the language's numbers.
var constantsOf = map[string]float64{
	"Math.PI": math.Pi, "Math.E": math.E, "Math.LN2": math.Ln2, "Math.LN10": math.Ln10, "Math.LOG2E": math.Log2E, "Math.LOG10E": math.Log10E,
	"Math.SQRT2": math.Sqrt2, "Math.SQRT1_2": math.Sqrt2 / 2, "Number.MAX_SAFE_INTEGER": 1<<53 - 1, "Number.MIN_SAFE_INTEGER": 1 - 1<<53,
	"Number.POSITIVE_INFINITY": math.Inf(1), "Number.NEGATIVE_INFINITY": math.Inf(-1), "Number.NaN": math.NaN(), "Number.EPSILON": 0x1p-52,
}

// constantMath calls a function that gives fractions, on what is known: in goja, so that its digits are the meaning's.
func (e *eval) constantMath(name string, args []value, at file.Idx) value {
	rt := goja.New()
	list := make([]goja.Value, len(args))
	for i, a := range args {
		f, ok := constantNumber(a)
		if !ok {
			if e.err == nil {
				e.refuse(at, name+" of a value that is known only at run time", "its result is a fraction", "use a table of constants made by Math.round("+name+"(…)), or whole-number steps")
			}
			return failed{}
		}
		list[i] = rt.ToValue(f)
	}
	f, ok := goja.AssertFunction(rt.Get("Math").ToObject(rt).Get(name[len("Math."):]))
	if !ok {
		e.refuseBuiltin(name, at)
		return failed{}
	}
	v, err := f(goja.Undefined(), list...)
	if err != nil {
		e.refuse(at, fmt.Sprintf("%s: %v", name, err), "", "")
		return failed{}
	}
	return num(v.ToFloat())
}

func mathAbs(e *eval, args []value, at file.Idx) value {
	v := argument(args, 0)
	if f, ok := constantNumber(v); ok {
		return num(math.Abs(f))
	}
	return e.op(ir.Abs, at, e.id(v, at))
}

func mathMin(e *eval, args []value, at file.Idx) value {
	return e.extreme(ir.Min, math.Inf(1), args, at)
}
func mathMax(e *eval, args []value, at file.Idx) value {
	return e.extreme(ir.Max, math.Inf(-1), args, at)
}

// extreme is the least or greatest of all; none is what does not matter.
func (e *eval) extreme(op ir.Op, none float64, args []value, at file.Idx) value {
	known := none
	var ids []ir.ID
	for _, a := range args {
		if f, ok := constantNumber(a); !ok {
			ids = append(ids, e.id(a, at))
		} else if math.IsNaN(f) {
			known = f
		} else if op == ir.Min {
			known = math.Min(known, f)
		} else {
			known = math.Max(known, f)
		}
	}
	if len(ids) == 0 || math.IsNaN(known) {
		return num(known)
	}
	if known != none {
		ids = append(ids, e.id(num(known), at))
	}
	v := e.known(dyn{id: ids[0]})
	for _, id := range ids[1:] {
		v = e.op(op, at, e.id(v, at), id)
	}
	return v
}

func mathImul(e *eval, args []value, at file.Idx) value {
	return e.imul(e.int32(argument(args, 0), at), e.int32(argument(args, 1), at), at)
}

func mathClz(e *eval, args []value, at file.Idx) value {
	return e.op(ir.Clz, at, e.uint32(argument(args, 0), at))
}

func mathPow(e *eval, args []value, at file.Idx) value {
	a, b := argument(args, 0), argument(args, 1)
	if x, y, ok := numbers(a, b); ok {
		return num(power(x, y))
	}
	return e.power(a, b, at)
}

func mathFloor(e *eval, args []value, at file.Idx) value {
	return e.round(args, math.Floor, at, func(q quotient) value { return e.opImm(ir.DivFloor, q.by, at, q.a) })
}

func mathTrunc(e *eval, args []value, at file.Idx) value {
	return e.round(args, math.Trunc, at, func(q quotient) value { return e.opImm(ir.DivTrunc, q.by, at, q.a) })
}

// mathCeil is -floor(a / -by).
func mathCeil(e *eval, args []value, at file.Idx) value {
	return e.round(args, math.Ceil, at, func(q quotient) value {
		return e.op(ir.Sub, at, e.constant(0), e.raw(ir.DivFloor, -q.by, at, q.a))
	})
}

// mathRound is floor((2a + by) / 2by): halves go up. Beyond 2^51 a / by has no halves.
func mathRound(e *eval, args []value, at file.Idx) value {
	roundHalf := func(f float64) float64 {
		if down := math.Floor(f); f-down >= 0.5 {
			return down + 1
		} else {
			return down
		}
	}
	return e.round(args, roundHalf, at, func(q quotient) value {
		if s := e.span(q.a); s.lo <= -1<<51 || s.hi >= 1<<51 {
			e.refuse(at, fmt.Sprintf("Math.round of a quotient of %d..%d", s.lo, s.hi), "it is exact only within ±2^51", "narrow the dividend")
			return failed{}
		}
		if q.by < 0 {
			q = quotient{e.raw(ir.Sub, 0, at, e.constant(0), q.a), -q.by}
		}
		twice := e.raw(ir.Mul, 0, at, q.a, e.constant(2))
		return e.opImm(ir.DivFloor, 2*q.by, at, e.raw(ir.Add, 0, at, twice, e.constant(q.by)))
	})
}

func (e *eval) round(args []value, constant func(float64) float64, at file.Idx, fraction func(quotient) value) value {
	v := argument(args, 0)
	if f, ok := constantNumber(v); ok {
		return num(constant(f))
	}
	if q, ok := v.(quotient); ok {
		q.a = e.use(q.a)
		return fraction(q)
	}
	return e.known(dyn{id: e.id(v, at)})
}

func mathSign(e *eval, args []value, at file.Idx) value {
	v := argument(args, 0)
	if f, ok := constantNumber(v); ok {
		switch {
		case f > 0:
			return num(1)
		case f < 0:
			return num(-1)
		}
		return num(f)
	}
	id, zero := e.id(v, at), e.constant(0)
	return e.op(ir.Sub, at, e.raw(ir.Lt, 0, at, zero, id), e.raw(ir.Lt, 0, at, id, zero))
}

func toNumber(e *eval, args []value, at file.Idx) value {
	if len(args) == 0 {
		return num(0)
	}
	if f, ok := constantNumber(args[0]); ok {
		return num(f)
	}
	return e.known(dyn{id: e.id(args[0], at)})
}

func toBoolean(e *eval, args []value, at file.Idx) value { return e.truthOf(argument(args, 0), at) }
