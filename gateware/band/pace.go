package band

import (
	"time"

	"github.com/capodekappa/capo/gateware/ir"
)

// aim is how long a call is to last. A call of WebAssembly cannot be interrupted and keeps Go's garbage collector waiting:
// docs/decisions/kernels.md has the reasons.
const aim = 500 * time.Microsecond

// pace learns how many outputs are computed within aim.
type pace struct{ each float64 } // ns for an output

// newPace begins with a guess that is too slow: 2 ns for each value.
func newPace(s *ir.Stage) pace {
	entries := len(s.Body.Values) + len(s.Body.Outs)
	return pace{each: 2 * float64(entries+4)}
}

// outputs is how many may be computed in a call, at least 1.
func (p *pace) outputs() int {
	n := int(float64(aim) / p.each)
	if n > 64 {
		n &^= 63
	}
	return min(max(n, 1), 1<<20)
}

func (p *pace) begin() time.Time { return time.Now() }

// end takes note of a call. What is slower than known counts little: it may be another program's doing.
func (p *pace) end(began time.Time, outputs int) {
	each := float64(time.Since(began)) / float64(outputs)
	p.each = max(min(each, p.each*1.25), 0.01)
}
