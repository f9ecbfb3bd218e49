package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/tools/capo/bench"
)

func (a *app) benchCmd() *cobra.Command {
	var file string
	var runs int
	c := &cobra.Command{
		Use: "bench [NAME]", Short: "Measure what Capo promises: medians, spread, and whether it is met", Example: "  capo bench\n  capo bench deploy",
		Args: cobra.MaximumNArgs(1), ValidArgs: bench.Names(),
		RunE: func(c *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			rows, err := bench.Run(c.Context(), bench.Config{Capo: self, Dist: a.dist, Runs: runs, Log: a.Err}, name)
			if serr := a.showBench(rows); serr != nil {
				return serr
			}
			if file != "" {
				err = errors.Join(err, saveBench(file, rows))
			}
			return err
		},
	}
	c.Flags().StringVar(&file, "json", "", "write the figures to this `file` too, as JSON")
	c.Flags().IntVar(&runs, "runs", 5, "how often each figure is measured")
	return c
}

func (a *app) showBench(rows []bench.Row) error {
	return a.show(rows, func(w io.Writer) error {
		t := table{head: []string{"BENCH", "METRIC", "SYSTEM", "MEDIAN", "MIN", "MAX", "UNIT", "RUNS", "TARGET", ""}}
		for _, r := range rows {
			target, met := "", ""
			if r.Target > 0 {
				target, met = fmt.Sprintf("≤ %g", r.Target), "met"
				if r.Reach {
					target = fmt.Sprintf("≥ %g", r.Target)
				}
				if !r.Met {
					met = "NOT MET"
				}
			}
			t.add(r.Bench, r.Metric, r.System, fmt.Sprintf("%.4g", r.Median), fmt.Sprintf("%.4g", r.Min), fmt.Sprintf("%.4g", r.Max), r.Unit, fmt.Sprint(r.Runs), target, met)
		}
		return t.write(w)
	})
}

func saveBench(path string, rows []bench.Row) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(writeIndented(f, rows), f.Close())
}
