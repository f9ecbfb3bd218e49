package cell

import "slices"

// Strength says how well a host confines its cells.
type Strength struct {
	Missing []string `json:"missing"` // what the host lacks; empty when the cell is fully confined
}

// String is "full" or "weak", as `capo nodes` shows it.
func (s Strength) String() string {
	if len(s.Missing) == 0 {
		return "full"
	}
	return "weak"
}

func strengthOf(lists ...[]string) Strength {
	missing := slices.Concat(lists...)
	slices.Sort(missing)
	return Strength{Missing: slices.Compact(missing)}
}

// limiter is what keeps a process within its memory: a cgroup, or nothing but rlimits.
type limiter interface {
	enter(pid int) (missing []string, err error) // puts the process in, when the kernel has not done so
	ranOut() bool                                // whether the kernel killed it for memory
	remove()                                     // after the process is gone
	polled() bool                                // whether the parent has to watch its memory
}

// exitMemory is the exit code of a child that ended itself because its memory was used up.
const exitMemory = 90
