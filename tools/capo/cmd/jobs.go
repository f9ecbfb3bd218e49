package cmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/node/api"
)

func (a *app) jobsCmd() *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use: "jobs", Short: "Show what should run and what does", Example: "  capo jobs\n  capo jobs -w", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			target, err := a.dial(ctx)
			if err != nil {
				return err
			}
			return a.watching(ctx, watch, func() error {
				rows, err := target.client.Jobs(ctx)
				if err != nil {
					return err
				}
				return a.show(rows, func(w io.Writer) error { return jobTable(rows).write(w) })
			})
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show again every second")
	return c
}

func jobTable(rows []api.Job) *table {
	t := &table{head: []string{"NAME", "VERSION", "GEN", "STATE", "NODES", "LAG", "IN/S", "OUT/S", "ERRORS", "RESTARTS", "P50", "P99"}}
	for _, j := range rows {
		state := j.State
		if j.Waits != "" {
			state += ": " + j.Waits
		}
		t.add(j.Name, j.Version, fmt.Sprint(j.Generation), state, strings.Join(j.Nodes, " "), fmt.Sprint(j.Lag), fmt.Sprintf("%.1f", j.InPerS),
			fmt.Sprintf("%.1f", j.OutPerS), fmt.Sprint(j.Errors), fmt.Sprint(j.Restarts), fmt.Sprintf("%.1f ms", j.P50MS), fmt.Sprintf("%.1f ms", j.P99MS))
	}
	return t
}

func (a *app) jobCmd() *cobra.Command {
	return &cobra.Command{
		Use: "job NAME", Short: "Describe one job: its versions, its newest error", Example: "  capo job edges", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeJobs,
		RunE: func(c *cobra.Command, args []string) error {
			target, err := a.dial(c.Context())
			if err != nil {
				return err
			}
			row, err := target.client.Job(c.Context(), args[0])
			if api.IsStatus(err, http.StatusNotFound) {
				return fmt.Errorf("there is no job %s; capo jobs lists them", args[0])
			}
			if err != nil {
				return err
			}
			return a.show(row, func(w io.Writer) error { return describeJob(w, row) })
		},
	}
}

func describeJob(w io.Writer, row api.Job) error {
	if err := jobTable([]api.Job{row}).write(w); err != nil {
		return err
	}
	if e := row.LastError; e != nil {
		fmt.Fprintf(w, "\nlast error, on %s %s ago", e.Node, time.Since(e.Time).Round(time.Second))
		if e.Seq > 0 {
			fmt.Fprintf(w, ", over record %d", e.Seq)
		}
		fmt.Fprintf(w, ":\n  %s\n", positioned(e.File, e.Line, e.Column, e.Message))
	}
	for _, id := range slices.Sorted(maps.Keys(row.Missing)) {
		fmt.Fprintf(w, "not on %s: %s\n", id, row.Missing[id])
	}
	if len(row.Versions) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := table{head: []string{"VERSION", "GEN", "STATE", "SINCE"}}
	for _, v := range row.Versions {
		t.add(v.Version, fmt.Sprint(v.Generation), v.State, v.Since.Local().Format(time.DateTime))
	}
	return t.write(w)
}

// completeJobs completes job names from the live fleet.
func (a *app) completeJobs(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(c, func(ctx context.Context, client *api.Client) (names []string, err error) {
		rows, err := client.Jobs(ctx)
		for _, j := range rows {
			names = append(names, j.Name)
		}
		return names, err
	})
}

// completeStreams completes stream names from the live fleet.
func (a *app) completeStreams(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.complete(c, func(ctx context.Context, client *api.Client) (names []string, err error) {
		rows, err := streamList(ctx, client)
		for _, s := range rows {
			names = append(names, s.Name)
		}
		return names, err
	})
}

func (a *app) complete(c *cobra.Command, names func(context.Context, *api.Client) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	target, err := a.dial(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := names(ctx, target.client)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
