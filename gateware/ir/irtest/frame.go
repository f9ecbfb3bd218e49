package irtest

import (
	"math/rand/v2"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// Frame makes a random frame that a kernel takes: often of an awkward size, sometimes empty; often of noise, sometimes of
// extreme words. ok is false where no such frame was found, as for a pipe of blocks that never fit.
func Frame(r *rand.Rand, k *ir.Kernel, most int) (in []byte, width int, ok bool) {
	for range 60 {
		width, rows := side(r, most), side(r, 12)
		first := k.Stages[0]
		if first.Shape == ir.BlockShape {
			width = first.Cols * (1 + r.IntN(first.MaxWidth/first.Cols))
			rows = first.Rows * (1 + r.IntN(6))
		}
		if r.IntN(40) == 0 {
			rows = 0
		}
		bytes := width * rows * k.In().Bytes()
		if r.IntN(10) == 0 {
			width = 0
		}
		if _, err := frame.New(k, bytes, width); err == nil {
			return fill(r, make([]byte, bytes)), width, true
		}
	}
	return nil, 0, false
}

func side(r *rand.Rand, most int) int {
	awkward := []int{1, 1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 64, 97, 127, 257, 1021}
	if n := awkward[r.IntN(len(awkward))]; n <= most {
		return n
	}
	return 1 + r.IntN(most)
}

func fill(r *rand.Rand, in []byte) []byte {
	extreme := r.IntN(4) == 0
	for i := range in {
		in[i] = byte(r.Uint32())
		if extreme {
			in[i] = []byte{0, 0xff, 0x7f, 0x80}[r.IntN(4)]
		}
	}
	return in
}
