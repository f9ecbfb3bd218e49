package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/capodekappa/capo/init/phase"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

// emulated is a board in QEMU, how its machine starts, and how long that may take.
type emulated struct {
	board  string
	format string  // of the image that its firmware starts; empty: QEMU starts the kernel
	limit  float64 // seconds from starting QEMU to ready; 0: none was set
}

func emulatedBoards() []emulated {
	return []emulated{
		{"qemu-arm", "", 4}, {"qemu-zynq", "", 5}, {"qemu-arm64", "", 6}, {"qemu-amd64", "", 6}, {"qemu-raspi3", "", 0},
		{"qemu-zynq", "sd", 12}, {"qemu-amd64", "efi", 20}, {"qemu-arm64", "efi", 20},
	}
}

// boardsPart: each emulated board, from starting QEMU to ready where a log exists already: that of one other machine, which
// runs beside it.
func boardsPart(ctx context.Context, l *lab) error {
	for _, e := range emulatedBoards() {
		for range l.cfg.Runs {
			err := l.up(ctx, func([]api.Node, time.Duration) error { return l.joinBoard(ctx, e) }, "--board", "qemu-amd64", "--nodes", "1")
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// joinBoard starts one more machine and takes the time from when QEMU was started to when the command saw all ready, and the
// board's own figures.
func (l *lab) joinBoard(ctx context.Context, e emulated) error {
	args := []string{"up", "--more", "1", "--board", e.board}
	name := e.board
	if e.format != "" {
		args, name = append(args, "--format", e.format), name+" "+e.format
	}
	if _, _, err := l.capo(ctx, args...); err != nil {
		return err
	}
	ready := time.Now()
	running, err := l.running()
	if err != nil {
		return err
	}
	n := running.Nodes[len(running.Nodes)-1]
	wall := ready.Sub(n.Began)
	l.note(name+", QEMU to ready", "s", e.limit, wall.Seconds())
	return l.notePhases(name, n, wall)
}

// notePhases takes the parts of a boot from the line that the node prints when it is ready. What passed before the kernel's first
// moment, in QEMU and in firmware, is the rest of the whole.
func (l *lab) notePhases(name string, n local.Node, wall time.Duration) error {
	console, err := os.ReadFile(n.Console)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(console)) {
		times, ok := phase.ParseReady(line)
		if !ok {
			continue
		}
		l.note(name+", before Linux", "s", 0, max(0, wall-times.Total).Seconds())
		for _, p := range times.Attrs() {
			took, err := time.ParseDuration(p.Value.String())
			if err != nil {
				return err
			}
			l.note(name+", "+p.Key, "s", 0, took.Seconds())
		}
		return nil
	}
	return fmt.Errorf("%s was ready and its console %s does not say so", name, n.Console)
}
