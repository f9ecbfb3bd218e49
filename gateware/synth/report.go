package synth

import (
	"fmt"
	"time"
)

// Report is what a bitstream takes of its part, and how it was made.
type Report struct {
	Part     string            `json:"part"`
	Cells    int               `json:"cells"` // logic cells: a LUT, a flip-flop and a carry bit each, or less
	LUTs     int               `json:"luts"`
	FFs      int               `json:"ffs"`
	Carries  int               `json:"carries"`
	BRAMs    int               `json:"brams"`
	FmaxHz   int64             `json:"fmax_hz"`
	TargetHz int64             `json:"target_hz"`
	Seed     int               `json:"seed"`
	Seeds    int               `json:"seeds"` // how many were tried
	Kind     string            `json:"kind"`  // of the tools: native or webassembly
	Tools    map[string]string `json:"tools"` // tool → version
}

// Met tells whether the design is as fast as was asked.
func (r *Report) Met() bool { return r.FmaxHz >= r.TargetHz }

// Timing says in words whether the design is fast enough, and by how much it is not.
func (r *Report) Timing() string {
	fmax, target := float64(r.FmaxHz)/1e6, float64(r.TargetHz)/1e6
	if r.Met() {
		return fmt.Sprintf("%.1f MHz, %.0f were asked for", fmax, target)
	}
	return fmt.Sprintf("%.1f MHz, %.1f %% below the %.0f that were asked for (seeds tried: %d)", fmax, 100*(target-fmax)/target, target, r.Seeds)
}

// Cost is what a tool took.
type Cost struct {
	Tool   string
	Took   time.Duration
	CPU    time.Duration
	Memory int64 // the most bytes that it held; 0 where the system does not tell
}

// Result is a bitstream and its report.
type Result struct {
	Bitstream []byte
	Report    Report
	Cached    bool   // nothing was run
	Costs     []Cost // of the tools that were run
}

// TooLarge says that a design does not fit its part, or fills it so much that no placement was found.
type TooLarge struct {
	Part     string
	Resource string // as a reader would call it: logic cells, block RAMs
	Needs    int
	Has      int
}

// Error says how much is needed and how much there is.
func (e *TooLarge) Error() string {
	if e.Needs <= e.Has {
		return fmt.Sprintf("the kernel is too large for %s: it needs %d %s of %d, and nextpnr found no place for all of them in time", e.Part, e.Needs, e.Resource, e.Has)
	}
	return fmt.Sprintf("the kernel is too large for %s: it needs %d %s, the part has %d", e.Part, e.Needs, e.Resource, e.Has)
}
