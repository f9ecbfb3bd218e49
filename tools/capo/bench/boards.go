package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/capodekappa/capo/init/phase"
	"github.com/capodekappa/capo/node/api"
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

// joinBoard starts one more machine and takes the time from when QEMU was started to when the node said on its console that it is ready, and the
// board's own figures. It is ready when it has folded the control log to its end, its placed jobs have begun and its API answers.
func (l *lab) joinBoard(ctx context.Context, e emulated) error {
	args := []string{"up", "--more", "1", "--board", e.board}
	name := e.board
	if e.format != "" {
		args, name = append(args, "--format", e.format), name+" "+e.format
	}
	before, err := l.running()
	if err != nil {
		return err
	}
	console := filepath.Join(filepath.Dir(before.Nodes[0].Console), fmt.Sprintf("node%d.console", len(before.Nodes)+1))
	if err := os.Remove(console); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a fleet before this one
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := make(chan readiness, 1)
	go func() { seen <- awaitReady(ctx, console) }()
	if _, _, err := l.capo(ctx, args...); err != nil {
		return err
	}
	after, err := l.running()
	if err != nil {
		return err
	}
	began := after.Nodes[len(after.Nodes)-1].Began
	var r readiness
	select {
	case r = <-seen:
	case <-time.After(5 * time.Second): // the command has seen it ready
		return fmt.Errorf("%s is ready and its console %s does not say so", name, console)
	}
	wall := r.at.Sub(began)
	l.note(name+", QEMU to ready", "s", e.limit, wall.Seconds())
	// What passed before the kernel's first moment, in QEMU and in firmware, is the rest of the whole.
	l.note(name+", before Linux", "s", 0, max(0, wall-r.times.Total).Seconds())
	for _, p := range []struct {
		name string
		took time.Duration
	}{{"Linux", r.times.Linux}, {"init", r.times.Init}, {"network", r.times.Network}, {"join", r.times.Join + r.times.Begin}} {
		l.note(name+", "+p.name, "s", 0, p.took.Seconds())
	}
	return nil
}

// readiness is when a console said that its node is ready, and how the time went.
type readiness struct {
	at    time.Time
	times phase.Times
}

// awaitReady looks at a console, which need not be there yet, until it says so or ctx ends.
func awaitReady(ctx context.Context, console string) readiness {
	for {
		text, _ := os.ReadFile(console) // QEMU makes it
		for line := range strings.Lines(string(text)) {
			if times, ok := phase.ParseReady(line); ok && strings.HasSuffix(line, "\n") {
				return readiness{at: time.Now(), times: times}
			}
		}
		if sleep(ctx, 5*time.Millisecond) != nil {
			return readiness{}
		}
	}
}
