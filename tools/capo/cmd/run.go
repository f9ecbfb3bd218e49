package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

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
			return a.run(c.Context(), errand{built: b, ref: ref})
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
		Long:    "Evaluate one JavaScript expression on each selected node. await is allowed; node is that of capo:admin (docs/admin.md).",
		Example: "  capo exec '1 + 1'\n  capo exec --on site=lab 'node.labels'\n  capo exec --on id=pi-1 'await node.diagnostics()' -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := selector.Parse(on); err != nil {
				return usage(err)
			}
			b, err := expression("exec", args[0], nil, on)
			if err != nil {
				return err
			}
			return a.run(c.Context(), errand{built: b})
		},
	}
	c.Flags().StringVar(&on, "on", "", "a `selector` of nodes")
	return c
}

// expression is an admin job of one expression, with these settings beside those that it must have.
func expression(name, js string, settings map[string]any, on string) (built, error) {
	b, err := bundle.Expression(js)
	if err != nil {
		return built{}, err
	}
	all := map[string]any{"admin": true, "needs": map[string]any{"time": job.RunTime.String()}}
	maps.Copy(all, settings)
	text, err := json.Marshal(all)
	if err != nil {
		return built{}, err
	}
	parsed, err := job.Parse(text, name, []string{"run"})
	if err != nil {
		return built{}, err
	}
	return pack(b, parsed, on), nil
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
func (a *app) run(ctx context.Context, e errand) error {
	target, nodes, err := a.chooseNodes(ctx, e)
	if err != nil {
		return err
	}
	return a.send(ctx, e, target, nodes)
}

// send has these nodes do an errand and prints their answers.
func (a *app) send(ctx context.Context, e errand, target *chosen, nodes map[string]string) error {
	if err := e.upload(ctx, target.client); err != nil {
		return err
	}
	rec, err := target.say(ctx, control.KindRun, e.target(), api.Run{Manifest: e.manifest, Nodes: nodes, Record: e.ref})
	if err != nil {
		return fmt.Errorf("run %s: %w", e.manifest.Name, err)
	}
	c := &collector{a: a, errand: e, target: target, seq: rec.Seq, nodes: nodes, answers: map[string]api.Result{}}
	if err := c.collect(ctx); err != nil {
		return err
	}
	return a.showResults(c.results())
}

// errand is something that nodes do once.
type errand struct {
	built
	ref    *api.RecordRef
	verb   string // of a job in one word
	undo   bool   // it is for nodes that drain
	noWait bool   // for nodes that reboot
}

// target names an errand in the control log.
func (e errand) target() string {
	name := e.manifest.Name
	if e.verb != "" {
		where := strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
				return c
			}
			return '.'
		}, e.manifest.On)
		name = strings.TrimRight(name+"-"+where[:min(len(where), 50)], ".-")
	}
	return name + "-" + nonce()
}

// chooseNodes finds a node to speak to, and picks those that the errand is for.
func (a *app) chooseNodes(ctx context.Context, e errand) (*chosen, map[string]string, error) {
	target, err := a.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := target.client.Nodes(ctx)
	if err != nil {
		return nil, nil, err
	}
	nodes, err := selectNodes(all, e)
	if err != nil {
		return nil, nil, err
	}
	if e.ref != nil { // one node is enough
		id := slices.Min(slices.Collect(maps.Keys(nodes)))
		nodes = map[string]string{id: nodes[id]}
	}
	return target, nodes, nil
}

// selectNodes picks the nodes that an errand's selectors hold for, with their boot nonces: the ready ones, and for an admin job
// that selects any, those too that drain.
func selectNodes(all []api.Node, e errand) (map[string]string, error) {
	var want [2]selector.Selector
	texts := [2]string{e.manifest.On, e.manifest.Settings.Place.On}
	for i, text := range texts {
		sel, err := selector.Parse(text)
		if err != nil {
			return nil, usage(err)
		}
		want[i] = sel
	}
	drainingToo := e.undo || e.manifest.Settings.Admin && texts != [2]string{}
	nodes := map[string]string{}
	labels := map[string]bool{}
	hint := ""
	for _, n := range all {
		have := api.Labels(n)
		for k, v := range have {
			labels[k+"="+v] = true
		}
		if n.ID == e.manifest.On || n.Name == e.manifest.On {
			hint = fmt.Sprintf("; did you mean id=%s?", n.ID)
		}
		takes := n.State == fleet.StateReady || drainingToo && n.State == fleet.StateDraining
		if takes && want[0].Matches(have) && want[1].Matches(have) {
			nodes[n.ID] = n.Boot
		}
	}
	if len(nodes) == 0 {
		text := strings.Trim(strings.Join(texts[:], ","), ",")
		return nil, usage(fmt.Errorf("no ready node fits %q%s; there are: %s", text, hint, strings.Join(slices.Sorted(maps.Keys(labels)), " ")))
	}
	return nodes, nil
}

// showResults prints the answers; an error of a node is an exit code of the command.
func (a *app) showResults(results []api.Result) error {
	err := a.show(results, func(w io.Writer) error {
		t := table{head: []string{"NODE", "OK", "TOOK", "VALUE"}}
		for _, r := range results {
			value := string(r.Value)
			switch {
			case r.Error != nil:
				value = positioned(r.Error.File, r.Error.Line, r.Error.Column, r.Error.Message)
			case value == "null" || value == "":
				value = r.Then
			}
			t.add(r.Node, strconv.FormatBool(r.OK), strconv.FormatInt(r.TookMS, 10)+" ms", value)
		}
		return t.write(w)
	})
	if err != nil {
		return err
	}
	failed, timedOut, all := 0, 0, true
	for _, r := range results {
		all = all && r.OK
		if !r.OK && !r.NotRun { // which follows from another's failure
			failed++
			if r.Error != nil && r.Error.TimedOut {
				timedOut++
			}
		}
	}
	switch {
	case all:
		return nil
	case failed > 0 && failed == timedOut:
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
