// Package bench measures what Capo promises and says whether it is met. Each part runs the command
// capo as a user would, with folders of its own, several times.
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// Row is one figure: its median, least and greatest over the runs.
type Row struct {
	Bench  string  `json:"bench"`
	System string  `json:"system"`
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Runs   int     `json:"runs"`
	Target float64 `json:"target"` // not to be exceeded, or to be reached; 0: none
	Reach  bool    `json:"reach"`  // the target is to be reached
	Met    bool    `json:"met"`    // the median is within the target
}

// Config says how to measure.
type Config struct {
	Capo string // the command
	Dist string // for its --dist, may be empty
	Runs int    // of each figure
	Log  io.Writer
}

// part is a named group of figures that are measured together.
type part struct {
	name string
	run  func(context.Context, *lab) error
}

func parts() []part {
	return []part{{"host", hostPart}, {"deploy", deployPart}, {"image", imagePart}, {"boot", bootPart}, {"memory", memoryPart},
		{"boards", boardsPart}, {"fleet50", fleetPart}, {"kernels", kernelsPart}, {"gateware", gatewarePart}}
}

// Names are the parts that there are.
func Names() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// Run measures one part, or all when name is empty.
func Run(ctx context.Context, cfg Config, name string) ([]Row, error) {
	if name != "" && !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("there is no bench %q, there are %v", name, Names())
	}
	var rows []Row
	for _, p := range parts() {
		if name != "" && p.name != name {
			continue
		}
		l, err := newLab(cfg, p.name)
		if err != nil {
			return rows, err
		}
		err = p.run(ctx, l)
		l.close()
		rows = append(rows, l.rows()...)
		if err != nil {
			return rows, fmt.Errorf("bench %s: %w", p.name, err)
		}
	}
	return rows, nil
}

// series is the values of one figure as they were measured.
type series struct {
	system       string
	metric, unit string
	target       float64
	reach        bool
	values       []float64
}

func (s series) row(bench string) Row {
	v := slices.Sorted(slices.Values(s.values))
	n := len(v)
	median := v[n/2]
	if n%2 == 0 {
		median = (v[n/2-1] + v[n/2]) / 2
	}
	met := s.target == 0 || median <= s.target
	if s.reach {
		met = median >= s.target
	}
	return Row{Bench: bench, System: s.system, Metric: s.metric, Unit: s.unit, Median: median, Min: v[0], Max: v[n-1], Runs: n,
		Target: s.target, Reach: s.reach, Met: met}
}
