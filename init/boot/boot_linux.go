package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/init/clock"
	"github.com/capodekappa/capo/init/console"
	"github.com/capodekappa/capo/init/mounts"
	"github.com/capodekappa/capo/init/phase"
	"github.com/capodekappa/capo/init/power"
	"github.com/capodekappa/capo/init/prelude"
	"github.com/capodekappa/capo/init/reap"
	"github.com/capodekappa/capo/init/status"
	"github.com/capodekappa/capo/init/watchdog"
)

// Run is the life of PID 1; tap, if there is one, sees the log on its way to the console. It returns only if the kernel refuses to end the
// machine.
func Run(node Node, tap func(slog.Handler) slog.Handler) error {
	m := newMachine(node, tap)
	go m.bringUp()
	action := m.loop()
	return m.end(action)
}

// machine is the state of a boot. The phases run one after the other and fill it; the main loop only uses what is
// set in newMachine.
type machine struct {
	node    Node
	console *console.Console
	log     *slog.Logger
	ctx     context.Context // ends when the machine is to end
	cancel  context.CancelFunc
	signals chan os.Signal
	probes  chan chan struct{}
	ending  chan power.Action
	stopped chan struct{} // closed when the node has returned

	began prelude.Moment
	dogs  watchdog.Pack
	hw    hardware
	out   Handover
}

func newMachine(node Node, tap func(slog.Handler) slog.Handler) *machine {
	m := &machine{
		node:    node,
		console: console.New(1024),
		signals: make(chan os.Signal, 8),
		probes:  make(chan chan struct{}),
		ending:  make(chan power.Action, 1),
		stopped: make(chan struct{}),
	}
	level := &slog.LevelVar{}
	handler := m.console.Handler(level)
	if tap != nil {
		handler = tap(handler)
	}
	m.log = slog.New(handler)
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.began = prelude.Now(clock.Boottime)
	m.out = Handover{
		Started:     m.began.At,
		Status:      status.New(clock.Boottime),
		Times:       m.times,
		FleetFile:   "/capo/fleet.json",
		ClockSource: func() string { return clock.Build },
		Reboot:      func() { m.request(power.Reboot) },
		Poweroff:    func() { m.request(power.Off) },
		Log:         m.log,
		Level:       level,
	}
	return m
}

// bringUp runs the phases and then the node.
func (m *machine) bringUp() {
	defer close(m.stopped)
	defer func() {
		if r := recover(); r != nil {
			m.log.Error("panic while coming up", "panic", r, "stack", string(debug.Stack()))
		}
		m.crash()
	}()
	go status.Tell(m.ctx, m.log, m.out.Status)
	m.out.Phases = phase.Run(m.ctx, m.log, clock.Boottime, m.phases())
	m.log.Info("phase node", "at", clock.Boottime().Round(100*time.Microsecond).String(), "id", m.out.ID, "name", m.out.Name, "version", m.out.Version)
	m.out.Status.Up()
	err := m.guardedNode()
	if m.ctx.Err() == nil {
		m.log.Error("the node ended; rebooting after a pause", "err", err, "pause", crashPause)
	} else if err != nil && !errors.Is(err, context.Canceled) {
		m.log.Warn("the node did not end cleanly", "err", err)
	}
}

// crash asks for a reboot unless the machine is ending anyway.
func (m *machine) crash() {
	if m.ctx.Err() != nil {
		return
	}
	m.out.Status.Failed()
	time.AfterFunc(crashPause, func() { m.request(power.Reboot) })
}

func (m *machine) guardedNode() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return m.node(m.ctx, m.out)
}

// request asks the main loop to end the machine; the first request counts.
func (m *machine) request(a power.Action) {
	select {
	case m.ending <- a:
	default:
	}
}

// loop is the main loop, which the watchdog probes. It returns how the machine is to end.
func (m *machine) loop() power.Action {
	for {
		select {
		case done := <-m.probes:
			close(done)
		case a := <-m.ending:
			return a
		case s := <-m.signals:
			if a, ok := meaning(s); ok {
				m.log.Info("signal", "signal", s.String(), "action", a.String())
				return a
			}
		}
	}
}

// probe asks the main loop for a sign of life.
func (m *machine) probe(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case m.probes <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// meaning says what a signal to PID 1 asks for. INT is what the kernel sends for Ctrl-Alt-Del, PWR for a failing
// supply; USR1 and USR2 are those of other inits.
func meaning(s os.Signal) (power.Action, bool) {
	switch s {
	case unix.SIGINT, unix.SIGTERM:
		return power.Reboot, true
	case unix.SIGPWR, unix.SIGUSR1, unix.SIGUSR2:
		return power.Off, true
	}
	return 0, false
}

func (m *machine) end(a power.Action) error {
	m.log.Info(a.String() + ": stopping the node")
	m.out.Status.Ending()
	m.cancel()
	limit := time.After(StopLimit)
	for waiting := true; waiting; {
		select {
		case <-m.stopped:
			waiting = false
		case done := <-m.probes: // the watchdog still probes
			close(done)
		case <-limit:
			m.log.Error("the node did not return in time", "limit", StopLimit)
			waiting = false
		}
	}
	if a == power.Off {
		m.dogs.Disarm() // a machine that is off must not be woken by one
	}
	m.log.Info(a.String(), "at", clock.Boottime().Round(time.Millisecond).String())
	select {
	case <-m.console.Flush():
	case <-time.After(time.Second):
	}
	unix.Sync()
	mounts.UnmountAll(mounts.Table())
	return power.Do(a)
}

// catchSignals is the first phase: until handlers are there, a signal could end PID 1 and with it the machine.
func (m *machine) catchSignals(context.Context) error {
	signal.Ignore(unix.SIGHUP, unix.SIGPIPE)
	signal.Notify(m.signals, unix.SIGINT, unix.SIGTERM, unix.SIGPWR, unix.SIGUSR1, unix.SIGUSR2)
	go reap.Loop(m.ctx)
	// Ctrl-Alt-Del becomes a signal instead of a reset.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF); err != nil {
		return fmt.Errorf("take over Ctrl-Alt-Del: %w", err)
	}
	return nil
}
