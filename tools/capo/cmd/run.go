package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/bundle"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/selector"
	"github.com/capodekappa/capo/queue/control"
)

func (a *app) runCmd() *cobra.Command {
	var on, record string
	c := &cobra.Command{
		Use:     "run FILE",
		Short:   "Run a file's `run` handler once on each selected node",
		Long:    "Run a file's `run` handler once on each selected node (all ready ones unless --on says otherwise) and print what each\nanswered; or its `queue` handler on one record that a stream kept.",
		Example: "  capo run report.ts\n  capo run report.ts --on board=host\n  capo run edges.ts --record frames:17",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ref, err := parseRecord(record)
			if err != nil {
				return usage(err)
			}
			b, err := a.buildJob(c.Context(), args[0], on)
			if err != nil {
				return err
			}
			want := "run"
			if ref != nil {
				want = "queue"
			}
			if !slices.Contains(b.manifest.Handlers, want) {
				return fmt.Errorf("%s has no %s handler; it has: %s", args[0], want, strings.Join(b.manifest.Handlers, ", "))
			}
			return a.run(c.Context(), b, on, ref)
		},
	}
	c.Flags().StringVar(&on, "on", "", "a `selector` of nodes")
	c.Flags().StringVar(&record, "record", "", "hand the kept record `STREAM:SEQ` to the queue handler instead")
	return c
}

func (a *app) execCmd() *cobra.Command {
	var on string
	c := &cobra.Command{
		Use:     "exec JS",
		Short:   "Evaluate one JavaScript expression on each selected node",
		Example: "  capo exec '1 + 1'\n  capo exec --on board=host 'await Promise.resolve([1, 2].map(x => x * x))'",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := selector.Parse(on); err != nil {
				return usage(err)
			}
			b, err := bundle.Expression(args[0])
			if err != nil {
				return err
			}
			settings, err := job.Parse([]byte("null"), "exec", []string{"run"})
			if err != nil {
				return err
			}
			return a.run(c.Context(), pack(b, settings, on), on, nil)
		},
	}
	c.Flags().StringVar(&on, "on", "", "a `selector` of nodes")
	return c
}

// parseRecord reads STREAM:SEQ.
func parseRecord(text string) (*api.RecordRef, error) {
	if text == "" {
		return nil, nil
	}
	stream, number, ok := strings.Cut(text, ":")
	seq, err := strconv.ParseUint(number, 10, 63)
	if !ok || err != nil || seq == 0 {
		return nil, fmt.Errorf("--record %q: want STREAM:SEQ", text)
	}
	return &api.RecordRef{Stream: stream, Seq: seq}, nil
}

// run appends a run's record and prints the answers.
func (a *app) run(ctx context.Context, b built, on string, ref *api.RecordRef) error {
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	all, err := target.client.Nodes(ctx)
	if err != nil {
		return err
	}
	nodes, err := selectNodes(all, on)
	if err != nil {
		return err
	}
	if ref != nil { // one node is enough
		id := slices.Min(slices.Collect(maps.Keys(nodes)))
		nodes = map[string]string{id: nodes[id]}
	}
	if err := b.upload(ctx, target.client); err != nil {
		return err
	}
	rec, err := target.say(ctx, control.KindRun, b.manifest.Name+"-"+nonce(), api.Run{Manifest: b.manifest, Nodes: nodes, Record: ref})
	if err != nil {
		return fmt.Errorf("run %s: %w", b.manifest.Name, err)
	}
	results, err := collect(ctx, target.client, rec.Seq, nodes, b.manifest.Settings.Needs.Time()+15*time.Second)
	if err != nil {
		return err
	}
	return a.showResults(results)
}

// selectNodes picks the ready nodes that a selector holds for, with their boot nonces.
func selectNodes(all []api.Node, on string) (map[string]string, error) {
	sel, err := selector.Parse(on)
	if err != nil {
		return nil, usage(err)
	}
	nodes := map[string]string{}
	labels := map[string]bool{}
	for _, n := range all {
		have := api.Labels(n)
		for k, v := range have {
			labels[k+"="+v] = true
		}
		if n.State == fleet.StateReady && sel.Matches(have) {
			nodes[n.ID] = n.Boot
		}
	}
	if len(nodes) == 0 {
		return nil, usage(fmt.Errorf("no ready node fits %q; there are: %s", on, strings.Join(slices.Sorted(maps.Keys(labels)), " ")))
	}
	return nodes, nil
}

// collect waits for the answer of each node; one that does not come is a time-out.
func collect(ctx context.Context, client *api.Client, seq uint64, nodes map[string]string, wait time.Duration) ([]api.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	answers := map[string]api.Result{}
	err := client.Results(ctx, seq, func(r api.Result) error {
		answers[r.Node] = r
		if len(answers) >= len(nodes) {
			return api.ErrStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("wait for the results: %w", err)
	}
	results := make([]api.Result, 0, len(nodes))
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		r, ok := answers[id]
		if !ok {
			r = api.Result{Node: id, TookMS: wait.Milliseconds(), Error: &api.RunError{Message: "no answer", TimedOut: true}}
		}
		results = append(results, r)
	}
	return results, nil
}

// showResults prints the answers; an error of a node is an exit code of the command.
func (a *app) showResults(results []api.Result) error {
	err := a.show(results, func(w io.Writer) error {
		t := table{head: []string{"NODE", "OK", "TOOK", "VALUE"}}
		for _, r := range results {
			value := string(r.Value)
			if r.Error != nil {
				value = positioned(r.Error.File, r.Error.Line, r.Error.Column, r.Error.Message)
			}
			t.add(r.Node, strconv.FormatBool(r.OK), strconv.FormatInt(r.TookMS, 10)+" ms", value)
		}
		return t.write(w)
	})
	if err != nil {
		return err
	}
	failed, timedOut := 0, 0
	for _, r := range results {
		if !r.OK {
			failed++
			if r.Error != nil && r.Error.TimedOut {
				timedOut++
			}
		}
	}
	switch {
	case failed == 0:
		return nil
	case failed == timedOut:
		return shown(exitTimeout)
	}
	return shown(exitFailed)
}

// positioned is "file:line:column: message" as far as it is known.
func positioned(file string, line, column int, message string) string {
	if line == 0 {
		return message
	}
	return fmt.Sprintf("%s:%d:%d: %s", file, line, column, message)
}
