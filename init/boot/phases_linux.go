package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/init/build"
	"github.com/capodekappa/capo/init/clock"
	"github.com/capodekappa/capo/init/cmdline"
	"github.com/capodekappa/capo/init/console"
	"github.com/capodekappa/capo/init/entropy"
	"github.com/capodekappa/capo/init/entropy/early"
	"github.com/capodekappa/capo/init/identity"
	"github.com/capodekappa/capo/init/led"
	"github.com/capodekappa/capo/init/modules"
	"github.com/capodekappa/capo/init/mounts"
	"github.com/capodekappa/capo/init/netup"
	"github.com/capodekappa/capo/init/phase"
)

// hardware is what the phases find out.
type hardware struct {
	cmdline string // the kernel's
	cgroups chan cgroups
	board   *board.Board
	loader  *modules.Loader
}

// phases is the table of what is done before the node runs, in order.
func (m *machine) phases() []phase.Phase {
	return []phase.Phase{
		{Name: "signals", Run: m.catchSignals},
		{Name: "mounts", Run: m.mount},
		{Name: "board", Run: m.readBoard},
		{Name: "watchdog", Run: m.openWatchdog},
		{Name: "previous", Run: m.readPrevious},
		{Name: "settings", Run: m.readSettings},
		{Name: "entropy", Run: m.seed},
		{Name: "modules", Run: m.loadModules},
		{Name: "network", Run: m.startNetwork},
		{Name: "clock", Run: m.setClock},
		{Name: "identity", Run: m.identify},
		{Name: "cgroups", Run: m.takeCgroups},
	}
}

// consoleLevel shows what a node logs as information (priority 5) and what is worse, and nothing of a quiet kernel's
// chatter.
const consoleLevel = 6

func (m *machine) mount(context.Context) error {
	err := mounts.All(mounts.Table())
	kmsg, openErr := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if openErr != nil {
		kmsg = os.Stderr // /dev/console of the initramfs
	}
	levelErr := console.Level(consoleLevel) // first, or a quiet kernel keeps the lines that have waited from the consoles
	m.console.Attach(kmsg)
	m.hw.cgroups = make(chan cgroups, 1)
	go func() {
		cells, err := mounts.Cgroups(mounts.CgroupRoot)
		m.hw.cgroups <- cgroups{cells, err}
	}()
	m.out.StoreDir = "/run/capo/store"
	return errors.Join(err, openErr, levelErr, os.MkdirAll(m.out.StoreDir, 0o700))
}

// cgroups is what became of making them. Moving this process into one waits for every processor, and nothing needs
// them before the node.
type cgroups struct {
	cells string
	err   error
}

func (m *machine) takeCgroups(ctx context.Context) error {
	if m.hw.cgroups == nil {
		return errors.New("no file systems, no cgroups")
	}
	select {
	case c := <-m.hw.cgroups:
		m.out.CellsCgroup = c.cells
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilPowerIsCut is a context for what has to go on while the machine is ending.
func (m *machine) untilPowerIsCut() context.Context { return context.WithoutCancel(m.ctx) }

// readBoard comes before anything from outside is parsed. The board's own description is part of the image.
func (m *machine) readBoard(context.Context) error {
	line, lineErr := os.ReadFile("/proc/cmdline")
	m.hw.cmdline = string(line)
	text, err := os.ReadFile("/capo/board.json")
	if err != nil {
		return errors.Join(lineErr, fmt.Errorf("read the board's description: %w", err))
	}
	if m.hw.board, err = board.FromImage(text); err != nil {
		return errors.Join(lineErr, err)
	}
	m.out.Board = m.hw.board.Name
	if name := m.hw.board.LED; name != "" {
		go led.Follow(m.untilPowerIsCut(), m.log, led.Root, name, m.out.Status)
	}
	m.hw.loader, err = modules.Open(m.log, m.hw.cmdline)
	return errors.Join(lineErr, err)
}

func (m *machine) readSettings(context.Context) error {
	var err error
	m.out.Arch, m.out.Version = runtime.GOARCH, build.Version()
	m.out.Settings, err = cmdline.Parse(m.hw.cmdline)
	if err != nil {
		return fmt.Errorf("kernel command line: %w", err)
	}
	return nil
}

func (m *machine) seed(ctx context.Context) error {
	source, err := entropy.Ensure(ctx)
	if first := early.Source(); first != "" {
		source = first
	}
	if err == nil && source != entropy.Kernel {
		m.log.Info("random numbers credited", "source", source)
	}
	return err
}

func (m *machine) loadModules(context.Context) error {
	if m.hw.loader == nil {
		return errors.New("there is nothing to load modules with; only what is built into the kernel works")
	}
	err := m.hw.loader.Follow(m.ctx)
	return errors.Join(err, m.hw.loader.LoadAll(m.hw.board.Linux.Load))
}

func (m *machine) startNetwork(context.Context) error {
	net, err := netup.Start(m.ctx, m.log, netup.Options{IP: m.out.Settings.IP, ResolvConf: "/etc/resolv.conf"})
	m.out.Net = net
	go m.watchNetwork()
	return err
}

// watchNetwork tells the status whether there is an address.
func (m *machine) watchNetwork() {
	for changes := m.out.Net.Watch(m.ctx); ; {
		m.out.Status.Network(len(m.out.Net.Addrs()) > 0)
		select {
		case <-changes:
		case <-m.ctx.Done():
			return
		}
	}
}

func (m *machine) setClock(context.Context) error {
	moved, err := clock.Floor(build.Time())
	if moved != 0 {
		m.log.Info("clock set forward", "by", moved.Round(time.Second), "now", time.Now().UTC().Format(time.RFC3339))
	}
	return err
}

// idWait is how long to wait for a network interface when nothing else gives the machine an identity.
const idWait = 3 * time.Second

func (m *machine) identify(ctx context.Context) error {
	m.out.ID = identity.FromFirmware(os.DirFS("/"))
	for end := time.Now().Add(idWait); m.out.ID == "" && time.Now().Before(end) && ctx.Err() == nil; {
		if m.out.ID = identity.FromInterfaces(interfaces()); m.out.ID == "" {
			time.Sleep(20 * time.Millisecond) // sysfs has no way to wait for an interface
		}
	}
	if m.out.ID == "" {
		if m.out.ID = identity.FromCard(os.DirFS("/sys/block")); m.out.ID != "" {
			m.log.Warn("no serial number and no address of its own: the id is that of the card", "id", m.out.ID)
		}
	}
	var err error
	if m.out.ID == "" {
		card, _ := os.ReadFile(m.out.FleetFile) // without one there is no id at all
		m.out.ID, err = identity.FromImage(card), errors.New("no serial number, UUID, network interface or card gives this machine an id; it has that of its image")
	}
	if m.out.ID == "" {
		m.out.ID = "unknown"
	}
	m.out.Name = m.hostname()
	if e := unix.Sethostname([]byte(m.out.Name)); e != nil {
		err = errors.Join(err, fmt.Errorf("set the host name %s: %w", m.out.Name, e))
	}
	return err
}

func interfaces() fs.FS { return os.DirFS(filepath.Clean("/sys/class/net")) }

// hostname is capo.name, that of ip=, or the board's name with the end of the id.
func (m *machine) hostname() string {
	switch {
	case m.out.Settings.Name != "":
		return m.out.Settings.Name
	case m.out.Settings.IP.Hostname != "":
		return m.out.Settings.IP.Hostname
	}
	name := m.out.Board
	if name == "" {
		name = "node"
	}
	return name + "-" + m.out.ID[max(0, len(m.out.ID)-6):]
}
