// Package cmd is the verbs of the command capo. Each verb reads its flags into a struct and does
// its work in a function that returns an error; exit codes are attached to errors and read in
// one place, [Main].
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/images"
)

// Streams are the command's input and outputs: data goes to Out, messages to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// app is what all verbs share: the streams and the global flags.
type app struct {
	Streams
	fleet   string
	node    string
	output  string
	dist    string
	verbose bool
}

// Main runs the command and returns its exit code.
func Main(ctx context.Context, args []string, s Streams) int {
	a := &app{Streams: s}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var quiet silent
	if !errors.As(err, &quiet) {
		fmt.Fprintf(s.Err, "capo: %s\n", err)
	}
	return exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "capo",
		Short: "Run JavaScript on a cluster of boards that have nothing installed",
		Long: "capo makes fleets and images, starts nodes, deploys jobs and shows what a fleet does.\n" +
			"It speaks HTTP to any one node of the fleet.",
		Example:       "  capo up                      start a fleet of three virtual boards on this machine\n  capo deploy app.ts           run a job on it\n  capo nodes -w                watch the nodes\n  capo down                    stop it",
		SilenceErrors: true, SilenceUsage: true,
	}
	root.PersistentFlags().StringVar(&a.fleet, "fleet", "", "the fleet (default: the one that fleet use or up set)")
	root.PersistentFlags().StringVar(&a.node, "node", "", "speak to the node at `HOST:PORT`, without looking for one")
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "table", "output `format`: table, json or yaml")
	root.PersistentFlags().StringVar(&a.dist, "dist", "", "a folder made by make dist, with node binaries")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "say more on standard error")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w (%s --help shows how)", err, c.CommandPath()))
	})
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		switch a.output {
		case "table", "json", "yaml":
			return nil
		}
		return usage(fmt.Errorf("output format %q: want table, json or yaml", a.output))
	}
	root.AddCommand(a.upCmd(), a.downCmd(), a.nodesCmd(), a.deployCmd(), a.runCmd(), a.execCmd(), a.drainCmd(), a.rebootCmd(), a.poweroffCmd(), a.labelCmd(), a.secretCmd(), a.jobsCmd(), a.jobCmd(), a.rmCmd(),
		a.putCmd(), a.getCmd(), a.streamsCmd(), a.streamCmd(), a.logCmd(), a.logsCmd(), a.curlCmd(), a.imageCmd(), a.flashCmd(), a.fleetCmd(), a.tokenCmd(), a.nodeCmd(),
		a.boardsCmd(), a.boardCmd(), a.doctorCmd(), a.benchCmd(), a.kernelCmd(), a.versionCmd())
	for _, c := range root.Commands() {
		refuseStrays(c)
	}
	return root
}

// refuseStrays makes wrong arguments a wrong use of the command.
func refuseStrays(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage(fmt.Errorf("%w (%s --help shows how)", err, c.CommandPath()))
			}
			return nil
		}
	}
	if c.HasSubCommands() && c.Run == nil && c.RunE == nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("%s has no %q (%s --help lists what it has)", c.CommandPath(), args[0], c.CommandPath()))
			}
			return c.Help()
		}
	}
	for _, sub := range c.Commands() {
		refuseStrays(sub)
	}
}

// logger gives messages of the parts that log to standard error, warnings alone unless verbose.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: level}))
}

func (a *app) source() *images.Source { return images.NewSource(a.dist, a.sayer()) }

// sayer logs what takes time, one plain line each.
func (a *app) sayer() *slog.Logger {
	level := slog.LevelInfo
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(&plainHandler{w: a.Err, level: level})
}

// plainHandler writes records as a person would: the message and its values.
type plainHandler struct {
	w     io.Writer
	level slog.Level
	attrs []slog.Attr
}

// Enabled follows the level.
func (h *plainHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle writes one line.
func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	_, err := fmt.Fprintln(h.w, b.String())
	return err
}

// WithAttrs adds values to each line.
func (h *plainHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr{}, h.attrs...), attrs...)
	return &c
}

// WithGroup changes nothing: lines are flat.
func (h *plainHandler) WithGroup(string) slog.Handler { return h }

// terminal tells whether a stream shows colours and progress.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
