package batch

import "encoding/binary"

const (
	bytesOf16 = 0x00ff00ff00ff00ff // the low halves of lanes of 16 bits
	wordsOf32 = 0x0000ffff0000ffff // and of 32 bits
)

// read decodes words. A signed one becomes what is left of its least value: its sign is flipped.
func (w *packedWork) read(d []uint64, i *packedInstr) {
	p := &i.port
	src := w.mem[w.address(p):]
	if 16*p.size == w.width && p.stride == p.size && p.bits == 8*p.size && len(src) >= 4*len(d) {
		readHalves(d, src, i.k, uint(w.width))
		return
	}
	group := 128 / w.width
	if len(src) < (len(d)/2*group)*p.stride+8 {
		w.readEach(d, src, p)
	} else if w.width == 16 {
		read16(d, src, p)
	} else {
		read32(d, src, p)
	}
	if p.bits < 8*p.size || p.signed {
		k, k2 := i.k, i.k2
		for j, x := range d {
			d[j] = x&k2 ^ k
		}
	}
}

// readHalves decodes words of half a lane that follow each other.
func readHalves(d []uint64, src []byte, k uint64, width uint) {
	mask, half := uint64(bytesOf16), width/2&63
	if width == 32 {
		mask = wordsOf32
	}
	for len(d) >= 8 && len(src) >= 32 {
		to, from := (*[8]uint64)(d), (*[32]byte)(src)
		x := binary.LittleEndian.Uint64(from[0:8])
		to[0], to[1] = x&mask^k, x>>half&mask^k
		x = binary.LittleEndian.Uint64(from[8:16])
		to[2], to[3] = x&mask^k, x>>half&mask^k
		x = binary.LittleEndian.Uint64(from[16:24])
		to[4], to[5] = x&mask^k, x>>half&mask^k
		x = binary.LittleEndian.Uint64(from[24:32])
		to[6], to[7] = x&mask^k, x>>half&mask^k
		d, src = d[8:], src[32:]
	}
	for len(d) >= 2 && len(src) >= 8 {
		x := binary.LittleEndian.Uint64(src)
		d[0], d[1] = x&mask^k, x>>half&mask^k
		d, src = d[2:], src[8:]
	}
}

func read16(d []uint64, src []byte, p *port) {
	for s := p.stride; len(d) >= 2; d = d[2:] {
		from := src[:7*s+p.size]
		if p.size == 1 {
			d[0] = uint64(from[0]) | uint64(from[2*s])<<16 | uint64(from[4*s])<<32 | uint64(from[6*s])<<48
			d[1] = uint64(from[s]) | uint64(from[3*s])<<16 | uint64(from[5*s])<<32 | uint64(from[7*s])<<48
		} else {
			d[0] = pair(from) | pair(from[2*s:])<<16 | pair(from[4*s:])<<32 | pair(from[6*s:])<<48
			d[1] = pair(from[s:]) | pair(from[3*s:])<<16 | pair(from[5*s:])<<32 | pair(from[7*s:])<<48
		}
		src = src[8*s:]
	}
}

func pair(b []byte) uint64 { return uint64(b[0]) | uint64(b[1])<<8 }

func four(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b)) }

func read32(d []uint64, src []byte, p *port) {
	s := p.stride
	for ; len(d) >= 2; d = d[2:] {
		from := src[:3*s+p.size]
		switch p.size {
		case 1:
			d[0] = uint64(from[0]) | uint64(from[2*s])<<32
			d[1] = uint64(from[s]) | uint64(from[3*s])<<32
		case 2:
			d[0] = pair(from) | pair(from[2*s:])<<32
			d[1] = pair(from[s:]) | pair(from[3*s:])<<32
		default:
			d[0] = four(from) | four(from[2*s:])<<32
			d[1] = four(from[s:]) | four(from[3*s:])<<32
		}
		src = src[4*s:]
	}
}

// readEach decodes words one by one, as many as there are.
func (w *packedWork) readEach(d []uint64, src []byte, p *port) {
	var word [4]byte
	for j := range d {
		var out uint64
		for n := range 64 / w.width {
			at := w.sample(j, n) * p.stride
			if at+p.size > len(src) {
				break
			}
			copy(word[:], src[at:at+p.size])
			out |= uint64(binary.LittleEndian.Uint32(word[:])) << (n * w.width)
		}
		d[j] = out
	}
}

// store writes a word of the results.
func (w *packedWork) store(r *packedResult) {
	c := w.call
	at := c.Out + w.row*c.OutStride + w.x*w.packed.outStep + r.offset
	if w.packed.stage.PerBlock() {
		at = c.Out + r.row*c.OutStride + w.x*w.packed.outStep + r.offset
	}
	dst, a := w.mem[at:], w.regs[r.a]
	step, group := w.packed.outStep, 128/w.width
	n := 0
	if step == r.size && 16*r.size == w.width {
		n = w.n / group * group
		storeHalves(dst, a[:n/group*2], r.k, uint(w.width))
	}
	k := r.k & (1<<w.width - 1)
	for ; n < w.n; n++ {
		in := n % group
		x := a[n/group*2+in&1]>>(in>>1*w.width) + k
		at := n * step
		switch r.size {
		case 1:
			dst[at] = byte(x)
		case 2:
			binary.LittleEndian.PutUint16(dst[at:at+2], uint16(x))
		default:
			binary.LittleEndian.PutUint32(dst[at:at+4], uint32(x))
		}
	}
}

// storeHalves writes words of half a lane that follow each other.
func storeHalves(dst []byte, a []uint64, k uint64, width uint) {
	mask, half := uint64(bytesOf16), width/2&63
	if width == 32 {
		mask = wordsOf32
	}
	for len(a) >= 2 && len(dst) >= 8 {
		even, odd := (a[0]&mask+k)&mask, (a[1]&mask+k)&mask
		binary.LittleEndian.PutUint64(dst, even|odd<<half)
		a, dst = a[2:], dst[8:]
	}
}
