package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/selector"
)

// The verbs that end a node; its answer says with the same word how it ends.
const (
	verbReboot   = "reboot"
	verbPoweroff = "poweroff"
)

// adminFlags are those of the verbs that are admin jobs in one word.
type adminFlags struct {
	max         int
	timeout     time.Duration
	yes, dry    bool
	force, undo bool
	noWait      bool
}

func (a *app) drainCmd() *cobra.Command {
	f := adminFlags{}
	c := &cobra.Command{
		Use: "drain SEL", Short: "Have the jobs of some nodes go elsewhere, until their next boot or --undo",
		Long: "Have the jobs of the selected nodes go elsewhere: each finishes the batch in hand, and no other is placed there. It ends\n" +
			"with the node's next boot, or with --undo.",
		Example: "  capo drain id=pi-1\n  capo drain site=lab --max 2 --timeout 2m\n  capo drain id=pi-1 --undo", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.administer(c.Context(), "drain", args[0], f) },
	}
	f.add(c, "for a node's jobs to leave it")
	c.Flags().BoolVar(&f.undo, "undo", false, "have the nodes take jobs again")
	return c
}

func (a *app) rebootCmd() *cobra.Command {
	f := adminFlags{}
	c := &cobra.Command{
		Use: "reboot SEL", Short: "Reboot nodes, one after the other",
		Long: "Reboot the selected nodes, --max at a time: the jobs of each leave it first, a log server hands over its seat, and the next one goes when\n" +
			"it is ready again. The first failure ends it.",
		Example: "  capo reboot id=pi-1\n  capo reboot site=lab --max 2 --yes", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.administer(c.Context(), verbReboot, args[0], f) },
	}
	f.add(c, "for a node's jobs to leave it")
	c.Flags().BoolVar(&f.force, "force", false, "even where jobs do not leave in time or the log is lost with the node")
	c.Flags().BoolVar(&f.noWait, "no-wait", false, "return when the nodes have said that they go, not when they are ready again")
	return c
}

func (a *app) poweroffCmd() *cobra.Command {
	f := adminFlags{}
	c := &cobra.Command{
		Use: "poweroff SEL", Short: "Switch nodes off",
		Long:    "Switch the selected nodes off, --max at a time: the jobs of each leave it first, and a log server hands over its seat.",
		Example: "  capo poweroff id=pi-1\n  capo poweroff '' --max 0 --force --yes    # the whole fleet at once, and its log with it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.administer(c.Context(), verbPoweroff, args[0], f)
		},
	}
	f.add(c, "for a node's jobs to leave it")
	c.Flags().BoolVar(&f.force, "force", false, "even where jobs do not leave in time or the log is lost with the node")
	return c
}

// add defines what drain, reboot and poweroff have in common.
func (f *adminFlags) add(c *cobra.Command, timeout string) {
	c.Flags().IntVar(&f.max, "max", 1, "how many nodes at a time; 0: all at once")
	c.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, timeout)
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say on which nodes, and do nothing")
}

// administer does one of those verbs.
func (a *app) administer(ctx context.Context, verb, on string, f adminFlags) error {
	e, err := f.errand(verb, on)
	if err != nil {
		return err
	}
	target, nodes, err := a.chooseNodes(ctx, e)
	if err != nil {
		return err
	}
	list := strings.Join(slices.Sorted(maps.Keys(nodes)), ", ")
	if f.dry {
		fmt.Fprintf(a.Out, "would %s %s%s\n", verb, list, f.pace(len(nodes)))
		return nil
	}
	if verb != "drain" && !f.yes {
		if err := a.confirm(fmt.Sprintf("%s %s%s?", strings.ToUpper(verb[:1])+verb[1:], list, f.pace(len(nodes)))); err != nil {
			return err
		}
	}
	return a.send(ctx, e, target, nodes)
}

// pace says how many at a time.
func (f adminFlags) pace(nodes int) string {
	if nodes < 2 || f.undo {
		return ""
	}
	if f.max == 0 {
		return ", all at once"
	}
	return fmt.Sprintf(", %d at a time", f.max)
}

// leaveTime is what a node may need beside its jobs' leaving: a log server has to be replaced.
const leaveTime = 90 * time.Second

// errand is the admin job that the verb stands for.
func (f adminFlags) errand(verb, on string) (errand, error) {
	if _, err := selector.Parse(on); err != nil {
		return errand{}, usage(err)
	}
	if f.max < 0 || f.max > job.MaxCopies || f.timeout < time.Millisecond || f.timeout > time.Hour {
		return errand{}, usage(errors.New("--max is from 0 to 10000, --timeout from 1ms to 1h"))
	}
	options := map[string]any{"timeout": f.timeout.String()}
	if f.undo {
		options = map[string]any{"undo": true}
	}
	if f.force {
		options["force"] = true
	}
	js, err := json.Marshal(options)
	if err != nil {
		return errand{}, err
	}
	settings := map[string]any{"needs": map[string]any{"time": (f.timeout + leaveTime).Round(time.Millisecond).String()}}
	if f.max > 0 && !f.undo {
		settings["place"] = map[string]any{"order": job.Rolling, "max": f.max}
	}
	b, err := expression(verb, fmt.Sprintf("node.%s(%s)", verb, js), settings, on)
	return errand{built: b, verb: verb, undo: f.undo, noWait: f.noWait}, err
}

func (a *app) labelCmd() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "label SEL k=v… k-…", Short: "Give nodes labels, or take them away (k-), until their next boot",
		Long:    "Give the selected nodes labels, or take labels away (k-). Placement follows them at once. A label that shall outlast a boot belongs into the image.",
		Example: "  capo label id=pi-1 site=lab\n  capo label site=lab camera=front spare-", Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return a.label(c.Context(), args[0], args[1:], dry) },
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "say on which nodes, and do nothing")
	return c
}

func (a *app) label(ctx context.Context, on string, changes []string, dry bool) error {
	if _, err := selector.Parse(on); err != nil {
		return usage(err)
	}
	change, err := labelChange(changes)
	if err != nil {
		return usage(err)
	}
	js, err := json.Marshal(change)
	if err != nil {
		return err
	}
	b, err := expression("label", fmt.Sprintf("node.label(%s)", js), nil, on)
	if err != nil {
		return err
	}
	e := errand{built: b, verb: "label"}
	target, nodes, err := a.chooseNodes(ctx, e)
	if err != nil {
		return err
	}
	if dry {
		fmt.Fprintf(a.Out, "would label %s: %s\n", strings.Join(slices.Sorted(maps.Keys(nodes)), ", "), strings.Join(changes, " "))
		return nil
	}
	return a.send(ctx, e, target, nodes)
}

// labelChange reads k=v and k-; a nil value removes.
func labelChange(args []string) (map[string]*string, error) {
	change := map[string]*string{}
	for _, arg := range args {
		k, v, set := strings.Cut(arg, "=")
		bare, remove := strings.CutSuffix(k, "-")
		switch {
		case set && k != "":
			change[k] = &v
		case !set && remove && bare != "":
			change[bare] = nil
		default:
			return nil, fmt.Errorf("%q is neither k=v nor k- (which removes k)", arg)
		}
	}
	return change, nil
}
