package cmd

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/tools/capo/doctor"
)

func (a *app) doctorCmd() *cobra.Command {
	var install bool
	var purpose string
	c := &cobra.Command{
		Use: "doctor", Short: "Say what is missing on this machine, and which command mends it", Example: "  capo doctor\n  capo doctor --install --for run", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			findings, missing := doctor.Look(purpose)
			if install && len(missing) > 0 {
				if err := doctor.Install(c.Context(), missing, a.Err); err != nil {
					return err
				}
				findings, missing = doctor.Look(purpose)
			}
			err := a.show(findings, func(w io.Writer) error {
				t := table{head: []string{"WHAT", "HERE", "WHY", "MENDED BY"}}
				for _, f := range findings {
					t.add(f.Name, yesNo(f.OK), f.Why, f.Mend)
				}
				return t.write(w)
			})
			if err == nil && len(missing) > 0 {
				err = errors.New("something is missing; capo doctor --install installs it")
			}
			return err
		},
	}
	c.Flags().BoolVar(&install, "install", false, "install what is missing")
	c.Flags().StringVar(&purpose, "for", "", "look at what this `purpose` takes: run, test, build or kernel (default: all)")
	return c
}
