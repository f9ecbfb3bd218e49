package synth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/capodekappa/capo/gateware/synth/part"
)

// stat is what yosys's `stat -json` writes, as far as it is read here.
type stat struct {
	Design struct {
		Cells map[string]int `json:"num_cells_by_type"`
	} `json:"design"`
}

// parseStat counts the cells of a netlist.
func parseStat(text []byte, r *Report) error {
	var s stat
	if i := strings.Index(string(text), "{"); i > 0 { // older versions say something first
		text = text[i:]
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read what yosys counted: %w", err)
	}
	if len(s.Design.Cells) == 0 {
		return errors.New("read what yosys counted: the design has no cells")
	}
	for cell, n := range s.Design.Cells {
		switch {
		case cell == "SB_LUT4" || cell == "LUT4" || cell == "$lut":
			r.LUTs += n
		case strings.HasPrefix(cell, "SB_DFF") || cell == "TRELLIS_FF":
			r.FFs += n
		case cell == "SB_CARRY" || cell == "CCU2C":
			r.Carries += n
		case strings.HasPrefix(cell, "SB_RAM") || cell == "DP16KD":
			r.BRAMs += n
		}
	}
	return nil
}

// routed is nextpnr's report.
type routed struct {
	Fmax map[string]struct {
		Achieved float64 `json:"achieved"`
	} `json:"fmax"`
	Utilization map[string]struct {
		Used      int `json:"used"`
		Available int `json:"available"`
	} `json:"utilization"`
}

// parseRouted reads nextpnr's report: the slowest clock, and the logic cells.
func parseRouted(text []byte, r *Report) error {
	var p routed
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("read nextpnr's report: %w", err)
	}
	fmax := math.Inf(1)
	for _, clock := range p.Fmax {
		fmax = min(fmax, clock.Achieved)
	}
	if math.IsInf(fmax, 1) || math.IsNaN(fmax) || fmax <= 0 || fmax > 1e5 {
		return errors.New("read nextpnr's report: it says no frequency")
	}
	r.FmaxHz = int64(math.Round(fmax * 1e6))
	for _, cell := range []string{"ICESTORM_LC", "TRELLIS_COMB", "TRELLIS_SLICE"} {
		if u, has := p.Utilization[cell]; has {
			r.Cells = u.Used
			break
		}
	}
	return nil
}

var utilization = regexp.MustCompile(`(?m)^Info:\s+([A-Z][A-Z0-9_]*):\s*([0-9]+)/\s*([0-9]+)\s`)

// full is how much of a part, in percent, may be taken so that a placement is found.
const full = 80

// tooLarge finds in nextpnr's words what of a part is taken by more than so many percent, or nil.
func tooLarge(log string, p *part.Part, percent int) error {
	names := map[string]string{"ICESTORM_LC": "logic cells", "ICESTORM_RAM": "block RAMs", "SB_IO": "pins", "TRELLIS_COMB": "logic cells", "TRELLIS_SLICE": "slices", "DP16KD": "block RAMs"}
	for _, m := range utilization.FindAllStringSubmatch(log, -1) {
		needs, err := strconv.Atoi(m[2])
		has, err2 := strconv.Atoi(m[3])
		if err != nil || err2 != nil || needs*100 <= has*percent {
			continue
		}
		name := names[m[1]]
		if percent < 100 && (name == "" || name == "pins") { // these may all be taken
			continue
		}
		if name == "" {
			name = m[1]
		}
		return &TooLarge{Part: p.Name, Resource: name, Needs: needs, Has: has}
	}
	return nil
}
