package batch

import "encoding/binary"

// read decodes the words of a port from where the first one is.
func read[T lane](d []T, src []byte, p *port) {
	switch {
	case p.size == 1 && p.stride == 1:
		src = src[:len(d)]
		for i, x := range src {
			d[i] = T(x)
		}
	case p.size == 1:
		for i, at := 0, 0; i < len(d) && at < len(src); i, at = i+1, at+p.stride {
			d[i] = T(src[at])
		}
	case p.size == 2:
		for i, at := 0, 0; i < len(d) && at+2 <= len(src); i, at = i+1, at+p.stride {
			d[i] = T(binary.LittleEndian.Uint16(src[at : at+2]))
		}
	default:
		for i, at := 0, 0; i < len(d) && at+4 <= len(src); i, at = i+1, at+p.stride {
			d[i] = T(binary.LittleEndian.Uint32(src[at : at+4]))
		}
	}
	wrap(d, p)
}

// wrap makes the word's range of what was read.
func wrap[T lane](d []T, p *port) {
	var zero T
	width := 64
	if any(zero) == any(int32(0)) {
		width = 32
	}
	switch shift := uint(width - p.bits); {
	case p.signed && p.bits < width:
		for i, x := range d {
			d[i] = x << (shift & 63) >> (shift & 63)
		}
	case !p.signed && p.bits < 8*p.size:
		mask := T(1)<<(uint(p.bits)&63) - 1
		for i, x := range d {
			d[i] = x & mask
		}
	}
}

// store writes a word of the results.
func (w *work) store(r *result) {
	at := w.call.Out + w.row*w.call.OutStride + w.x*w.outStep + r.offset
	if w.stage.PerBlock() {
		at = w.call.Out + r.row*w.call.OutStride + w.x*w.outStep + r.offset
	}
	if w.outStep == 0 {
		at = w.call.Out + r.offset
	}
	if r.kind == k32 {
		write(w.mem[at:], w.small[r.a][:w.n], r.size, w.outStep)
	} else {
		write(w.mem[at:], w.large[r.a][:w.n], r.size, w.outStep)
	}
}

// write encodes a column.
func write[T lane](dst []byte, a []T, size, step int) {
	if step == 0 {
		a = a[len(a)-1:]
	}
	switch {
	case size == 1 && step == 1:
		dst = dst[:len(a)]
		for i, x := range a {
			dst[i] = byte(x)
		}
	case size == 1:
		for i, at := 0, 0; i < len(a) && at < len(dst); i, at = i+1, at+step {
			dst[at] = byte(a[i])
		}
	case size == 2:
		for i, at := 0, 0; i < len(a) && at+2 <= len(dst); i, at = i+1, at+step {
			binary.LittleEndian.PutUint16(dst[at:at+2], uint16(a[i]))
		}
	default:
		for i, at := 0, 0; i < len(a) && at+4 <= len(dst); i, at = i+1, at+step {
			binary.LittleEndian.PutUint32(dst[at:at+4], uint32(a[i]))
		}
	}
}
