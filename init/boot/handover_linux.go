// Package boot is PID 1: it brings the machine up phase by phase and then runs the node until the machine is to end.
package boot

import (
	"context"
	"log/slog"
	"time"

	"github.com/capodekappa/capo/init/cmdline"
	"github.com/capodekappa/capo/init/netup"
	"github.com/capodekappa/capo/init/phase"
	"github.com/capodekappa/capo/init/status"
)

// Handover is what the machine tells the node.
type Handover struct {
	// ID is made of the hardware and is a lower-case DNS label; it is the same at every boot.
	ID string
	// Name is the host name: capo.name, that of ip=, or BOARD-ID.
	Name string
	// Board, Arch and Version say what runs here.
	Board   string
	Arch    string
	Version string
	// Settings are those of the kernel's command line.
	Settings cmdline.Settings
	// FleetFile is the path of the fleet's part of the image. It need not exist.
	FleetFile string
	// StoreDir is a folder on a tmpfs, empty at boot.
	StoreDir string
	// CellsCgroup is a cgroup v2 in which cgroups for cells can be made with limits of cpu, memory and pids; empty if
	// there is none.
	CellsCgroup string
	// Net knows the addresses and tells of changes.
	Net *netup.Manager
	// Reboot and Poweroff end the machine: the node's context ends, the node has [StopLimit] to return, and then
	// everything is synced and unmounted. They return at once.
	Reboot   func()
	Poweroff func()
	// Phases says how long each phase took, the node's own not included. Times are of CLOCK_BOOTTIME.
	Phases []phase.Result
	// Started is when PID 1 began, in CLOCK_BOOTTIME.
	Started time.Duration
	// Previous is what to tell of a boot before this one that ended as nobody wanted.
	Previous []string
	// Status is told what the node comes to, and shows it on the board's LED.
	Status *status.Status
	// Times are the parts of the boot up to now.
	Times func() phase.Times
	// ClockSource says how far the clock can be trusted: build or ntp.
	ClockSource func() string
	// Log goes to the kernel's log and with it to the consoles. It never blocks.
	Log *slog.Logger
	// Level is what Log shows, and may be changed.
	Level *slog.LevelVar
}

// Node is what runs once the machine is up. It returns when ctx ends; if it returns before, the machine reboots: a
// reboot is the only recovery.
type Node func(ctx context.Context, h Handover) error

// StopLimit is how long a node may take to return after its context ended.
const StopLimit = 10 * time.Second

// crashPause is how long a machine whose node failed waits before it reboots, so that the reason can be read and a fleet is
// not flooded by a node that comes and goes.
const crashPause = 5 * time.Second
