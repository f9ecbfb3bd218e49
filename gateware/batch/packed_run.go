package batch

import (
	"github.com/capodekappa/capo/gateware/ir"
)

// packedWork is a strip of a call of a packed program.
type packedWork struct {
	*work
	*packed
	regs [][]uint64
	n    int // samples
}

func (w *packedWork) strip() {
	group := 128 / w.width
	words := (w.n + group - 1) / group * 2
	high := w.all(1 << (w.width - 1))
	for n := range w.packed.code {
		i := &w.packed.code[n]
		d := w.regs[i.d][:words]
		var a, b, c []uint64
		if i.a != none {
			a = w.regs[i.a][:words]
		}
		if i.b != none {
			b = w.regs[i.b][:words]
		}
		if i.c != none {
			c = w.regs[i.c][:words]
		}
		switch i.code {
		case pRead:
			w.read(d, i)
		case pPlace:
			w.place(d, i)
		case pZero:
			clear(d)
		case pLook:
			look16or32(d, a, i.table, uint(w.width))
		case pEach:
			w.each(d, a, b, c, i)
		case pMux:
			for n, x := range b {
				y := c[n]
				d[n] = y ^ (x^y)&(a[n]<<(uint(w.width)-1)<<1-a[n])
			}
		case pLt, pLe, pEq, pNe, pMin, pMax, pMinK, pMaxK, pClampK, pAbs:
			compared(i, d, a, b, high, uint(w.width))
		default:
			arithmetic(i, d, a, b, c)
		}
	}
	for i := range w.packed.outs {
		w.store(&w.packed.outs[i])
	}
}

// arithmetic is what lanes do without looking at each other.
func arithmetic(i *packedInstr, d, a, b, c []uint64) {
	d = d[:len(a)]
	k, k2, m0, m1, m2, n := i.k, i.k2, i.by[0], i.by[1], i.by[2], i.n&63
	if b != nil {
		b = b[:len(a)]
	}
	if c != nil {
		c = c[:len(a)]
	}
	switch i.code {
	case pAdd:
		for j, x := range a {
			d[j] = k + x + b[j]
		}
	case pAdd3:
		for j, x := range a {
			d[j] = k + x + b[j] + c[j]
		}
	case pSum:
		for j, x := range a {
			d[j] = k + x*m0
		}
	case pSum2:
		for j, x := range a {
			d[j] = k + x*m0 + b[j]*m1
		}
	case pSum3:
		for j, x := range a {
			d[j] = k + x*m0 + b[j]*m1 + c[j]*m2
		}
	case pShift:
		for j, x := range a {
			d[j] = (x + k) >> n & k2
		}
	case pMask:
		for j, x := range a {
			d[j] = (x + k) & k2
		}
	case pRebase:
		for j, x := range a {
			d[j] = x + k
		}
	case pAnd:
		for j, x := range a {
			d[j] = x & b[j]
		}
	case pOr:
		for j, x := range a {
			d[j] = x | b[j]
		}
	case pXor:
		for j, x := range a {
			d[j] = x ^ b[j]
		}
	}
}

// compared is what looks at which of two lanes is greater: with the highest bit set in one, it is left by a subtraction where the
// other is not greater. over is that bit as a mask of those below it.
func compared(i *packedInstr, d, a, b []uint64, high uint64, width uint) {
	d = d[:len(a)]
	if b != nil {
		b = b[:len(a)]
	}
	k, k2, top := i.k, i.k2, (width-1)&63
	switch i.code {
	case pLt:
		for j, x := range a {
			d[j] = (((x|high)-b[j])&high ^ high) >> top
		}
	case pLe:
		for j, x := range a {
			d[j] = ((b[j] | high) - x) & high >> top
		}
	case pEq:
		for j, x := range a {
			d[j] = ((x ^ b[j] | high) - high>>top ^ high) & high >> top
		}
	case pNe:
		for j, x := range a {
			d[j] = ((x ^ b[j] | high) - high>>top) & high >> top
		}
	case pMin:
		for j, x := range a {
			d[j] = x ^ (x^b[j])&over((x|high)-b[j], high, top)
		}
	case pMax:
		for j, x := range a {
			d[j] = b[j] ^ (x^b[j])&over((x|high)-b[j], high, top)
		}
	case pMinK:
		for j, x := range a {
			d[j] = x ^ (x^k)&over((x|high)-k, high, top)
		}
	case pMaxK:
		for j, x := range a {
			d[j] = k ^ (x^k)&over((x|high)-k, high, top)
		}
	case pClampK:
		for j, x := range a {
			x = k ^ (x^k)&over((x|high)-k, high, top)
			d[j] = x ^ (x^k2)&over((x|high)-k2, high, top)
		}
	case pAbs:
		for j, x := range a {
			x = (x | high) - k
			negative := x&high ^ high
			one := negative >> top
			d[j] = (x&^high ^ (negative - one)) + one
		}
	}
}

// over is all bits below the highest one where that is set.
func over(x, high uint64, top uint) uint64 {
	x &= high
	return x - x>>(top&63)
}

// look16or32 reads a table for each lane.
func look16or32(d, a []uint64, table []uint64, width uint) {
	entry := func(lane uint64) uint64 {
		if lane < uint64(len(table)) {
			return table[lane]
		}
		return 0
	}
	if width == 16 {
		for j, x := range a {
			d[j] = entry(x&0xffff) | entry(x>>16&0xffff)<<16 | entry(x>>32&0xffff)<<32 | entry(x>>48)<<48
		}
		return
	}
	for j, x := range a {
		d[j] = entry(x&0xffffffff) | entry(x>>32)<<32
	}
}

// each computes lane by lane.
func (w *packedWork) each(d, a, b, c []uint64, i *packedInstr) {
	width := uint(w.width)
	lane := uint64(1)<<width - 1
	at := func(column []uint64, j int, shift uint, base int64) int64 {
		if column == nil {
			return 0
		}
		return int64(column[j]>>shift&lane) + base
	}
	for j := range d {
		var out uint64
		for shift := uint(0); shift < 64; shift += width {
			x, y := at(a, j, shift, i.bases[0]), at(b, j, shift, i.bases[1])
			var v int64
			if i.op == ir.Mul {
				v = x * y
			} else {
				v = ir.Apply(i.op, i.imm, x, y, at(c, j, shift, i.bases[2]))
			}
			out |= (uint64(v-i.bases[3]) & lane) << shift
		}
		d[j] = out
	}
}

// place is X, Y or I of each lane, not beyond the greatest there is.
func (w *packedWork) place(d []uint64, i *packedInstr) {
	first, step := w.work.place(i.op)
	per := 64 / w.width
	for j := range d {
		var out uint64
		for n := range per {
			out |= uint64(min(first+int64(w.sample(j, n))*step, i.limit)) << (n * w.width)
		}
		d[j] = out
	}
}

// sample is which sample of the strip is in lane n of word j: two words that follow each other have those of even places and those
// of odd ones, so that words of half a lane are read and written two at a time.
func (w *packedWork) sample(j, n int) int { return j/2*(128/w.width) + j%2 + 2*n }
