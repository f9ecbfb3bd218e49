package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

// defaultFleet is the fleet that up starts unless told otherwise.
const defaultFleet = "dev"

type upFlags struct {
	name      string
	nodes     int
	boards    string
	format    string
	mem       string
	iface     string
	ttl, wait time.Duration
	level     string
	boardSaid bool
	keep      bool
	more      int
}

func (a *app) upCmd() *cobra.Command {
	f := upFlags{}
	c := &cobra.Command{
		Use:   "up [NAME]",
		Short: "Start a fleet on this machine: QEMU machines, or plain processes",
		Long: "Start a fleet on this machine and return when every node is ready. NAME is dev unless said;\n" +
			"a fleet of that name is made where there is none. It needs no root.",
		Example: "  capo up\n  capo up lab --nodes 5 --board host",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.name, f.boardSaid = defaultFleet, c.Flags().Changed("board")
			if a.fleet != "" {
				f.name = a.fleet
			}
			if len(args) > 0 {
				f.name = args[0]
			}
			return a.up(c.Context(), f)
		},
	}
	c.Flags().IntVar(&f.nodes, "nodes", 3, "how many nodes")
	c.Flags().StringVar(&f.boards, "board", "qemu-amd64", "the board; several, joined by commas, make a mixed fleet, one node each")
	_ = c.RegisterFlagCompletionFunc("board", completeBoards)
	c.Flags().StringVar(&f.format, "format", "", "boot the image that a real board would, through its firmware: sd or efi (default: QEMU starts the kernel)")
	c.Flags().StringVar(&f.mem, "mem", "256M", "memory of a QEMU machine")
	c.Flags().StringVar(&f.iface, "interface", "", "network interface of host nodes (default: the loopback)")
	c.Flags().BoolVar(&f.keep, "keep", false, "leave a fleet of that name alone that runs already")
	c.Flags().IntVar(&f.more, "more", 0, "add so many nodes to the fleet of that name that runs already")
	c.Flags().DurationVar(&f.ttl, "ttl", 0, "the nodes end by themselves after this time")
	c.Flags().DurationVar(&f.wait, "wait", 3*time.Minute, "how long to wait for the nodes, once they have been started")
	c.Flags().StringVar(&f.level, "log-level", "info", "of host nodes' logs: debug, info, warn, error")
	return c
}

func (a *app) up(ctx context.Context, f upFlags) error {
	opts, err := a.upOptions(f)
	if err != nil {
		return err
	}
	start := local.Up
	switch {
	case f.more > 0:
		opts.Nodes = f.more
		if !f.boardSaid {
			opts.Boards = nil
		}
		start = local.Grow
	case f.keep:
		start = local.UpOrKeep
	}
	r, rows, err := start(ctx, opts)
	if err != nil {
		return err
	}
	store, err := openStore()
	if err != nil {
		return err
	}
	if err := store.Use(f.name); err != nil {
		return err
	}
	(&chosen{running: r}).localise(rows)
	return a.showNodes(rows)
}

func (a *app) upOptions(f upFlags) (local.Options, error) {
	o := local.Options{Nodes: f.nodes, Format: f.format, Wait: f.wait, Interface: f.iface, TTL: f.ttl, Level: f.level, Source: a.source(), Log: a.logger(),
		Progress: func(s string) { fmt.Fprintln(a.Err, s) }}
	o.Boards = strings.Split(f.boards, ",")
	if len(o.Boards) > 1 {
		o.Nodes = len(o.Boards)
	}
	if o.Nodes < 1 || o.Nodes > 200 {
		return o, usage(fmt.Errorf("--nodes %d: want 1 to 200", o.Nodes))
	}
	for _, name := range o.Boards {
		if err := canStart(name, f.format); err != nil {
			return o, usage(err)
		}
	}
	mem, err := megabytes(f.mem)
	if err != nil {
		return o, usage(err)
	}
	o.MemoryMB = mem
	store, err := openStore()
	if err != nil {
		return o, err
	}
	o.Fleet, err = store.Load(f.name)
	if errors.Is(err, fleet.ErrNotFound) {
		fmt.Fprintf(a.Err, "made the fleet %s\n", f.name)
		o.Fleet, err = store.New(f.name, false)
	}
	o.Member = func() (*fleet.Membership, error) { return store.WithToken(o.Fleet, "up") }
	return o, err
}

// canStart tells why a board cannot be started on this machine.
func canStart(name, format string) error {
	b, err := board.Load(name)
	if err != nil || name == board.Host {
		return err
	}
	if b.QEMU == nil {
		return fmt.Errorf("board %s cannot be emulated; capo boards lists those that can (qemu in FORMATS)", name)
	}
	if format != "" && !slices.Contains(b.Formats, format) {
		return fmt.Errorf("board %s has the formats %s, not %q", name, strings.Join(b.Formats, ", "), format)
	}
	return nil
}

func megabytes(text string) (int, error) {
	unit := 0
	switch {
	case strings.HasSuffix(text, "M"):
		unit = 1
	case strings.HasSuffix(text, "G"):
		unit = 1024
	}
	n, err := strconv.Atoi(strings.TrimRight(text, "MG"))
	if err != nil || unit == 0 || n*unit < 64 || n > 1<<20 {
		return 0, fmt.Errorf("memory %q: want a size such as 256M or 1G, at least 64M", text)
	}
	return n * unit, nil
}

func (a *app) downCmd() *cobra.Command {
	var yes, dry bool
	c := &cobra.Command{
		Use:     "down [NAME]",
		Short:   "Stop a fleet that runs on this machine",
		Long:    "Stop a fleet that runs on this machine. What its log held is gone; its keys stay.",
		Example: "  capo down\n  capo down lab --yes",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := a.fleet
			if len(args) > 0 {
				name = args[0]
			}
			return a.down(name, yes, dry)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be stopped, and stop nothing")
	return c
}

func (a *app) down(name string, yes, dry bool) error {
	if name == "" {
		store, err := openStore()
		if err != nil {
			return err
		}
		if name, err = store.CurrentName(); err != nil {
			return noFleet(errors.New("no fleet runs here"))
		}
	}
	r, err := local.Load(name)
	if err != nil {
		return noFleet(err)
	}
	if dry {
		fmt.Fprintf(a.Out, "would stop %d nodes of %s\n", len(r.Nodes), name)
		return nil
	}
	if r.Alive() && !yes {
		if err := a.confirm(fmt.Sprintf("Stop %d nodes of %s? What their log holds is gone then.", len(r.Nodes), name)); err != nil {
			return err
		}
	}
	if err := r.Down(); err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "stopped %s\n", name)
	return nil
}

// confirm asks the person at the terminal; without one it is a refusal that names --yes.
func (a *app) confirm(question string) error {
	if !terminal(a.Err) {
		return usage(fmt.Errorf("%s Say --yes", question))
	}
	fmt.Fprintf(a.Err, "%s [y/N] ", question)
	var answer string
	if _, err := fmt.Fscanln(a.In, &answer); err != nil || !strings.HasPrefix(strings.ToLower(answer), "y") {
		return errors.New("nothing was done")
	}
	return nil
}

func (a *app) nodesCmd() *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use: "nodes", Short: "Show who is there", Example: "  capo nodes\n  capo nodes -w\n  capo nodes -o json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			target, err := a.dial(ctx)
			if err != nil {
				return err
			}
			return a.watching(ctx, watch, func() error {
				rows, err := target.client.Nodes(ctx)
				if err != nil {
					return err
				}
				target.localise(rows)
				return a.showNodes(rows)
			})
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show again every second")
	return c
}

// watching does show once, or every second.
func (a *app) watching(ctx context.Context, again bool, show func() error) error {
	for {
		if again && terminal(a.Out) && a.output == "table" {
			fmt.Fprint(a.Out, "\x1b[H\x1b[2J")
		}
		if err := show(); err != nil || !again {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (a *app) showNodes(rows []api.Node) error {
	return a.show(rows, func(w io.Writer) error {
		t := table{head: []string{"ID", "STATE", "LOG", "ADDRESS", "BOARD", "ARCH", "UPTIME", "FREE", "CELLS", "JOBS"}}
		for _, n := range rows {
			t.add(n.ID, n.State, n.Log, n.Address, n.Board, n.Arch, (time.Duration(n.UptimeMS) * time.Millisecond).Round(time.Second).String(),
				humanBytes(n.MemFree), n.Cells, strings.Join(n.Jobs, " "))
		}
		return t.write(w)
	})
}
