package node

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/capodekappa/capo/fleet"
)

// Config is what a node is told by its machine (init) or by whoever started its process.
type Config struct {
	ID         string // hardware id, a DNS label
	Name       string
	Board      string
	Arch       string
	Version    string
	Membership *fleet.Membership
	Labels     map[string]string // beside those of the membership

	Address    netip.Addr // listen on this address alone; zero: on all
	Port       int        // of the API; 8470 if zero
	Interfaces []string   // where peers are looked for; nil: everywhere
	Size       int        // nodes of the fleet, for the majority
	Expect     int        // nodes that form a log
	Servers    int        // servers of a log
	Peers      []string   // host:port of nodes that multicast does not reach

	StoreDir     string // on tmpfs
	CellExec     string // the executable that is started as a cell; empty: this one
	CgroupParent string // delegated folder for cells; empty: none
	Logs         string // URL to ship what the node and its jobs print to; empty: nowhere
	MaxMemory    int64  // bytes of the log's streams on this node; 0: a third of the machine's, at most 1 GB

	// Changes delivers when a link or an address came or went; nil: never.
	Changes <-chan struct{}
	// SinceBoot is the time since the machine started; nil: since the process did.
	SinceBoot func() time.Duration
	// Built is when this program was built: no earlier time is believed. Zero: not known.
	Built time.Time
	// ClockKnown: the system's clock is right, as that of a machine with an operating system of its own.
	ClockKnown bool
	// SetClock sets the system's clock to a time that the fleet tells; nil: it is left alone.
	SetClock func(time.Time) error
	// Previous is what the machine tells of a boot before this one that ended as nobody wanted; it goes to the log.
	Previous []string
	// OnState is called with each state (fleet.StateReady and so on) that the node comes to, OnJoin when it has come into a log.
	// They must not block.
	OnState func(state string)
	OnJoin  func()
	// ReadyAttrs is called when the node becomes ready for the first time; what it returns stands in the line that says so.
	ReadyAttrs func() []slog.Attr
	// OnReady is called once, when the node has become ready.
	OnReady func()
	// Reboot and Poweroff end the machine, or the process, by ending Run's context; they return at once. nil: an admin job
	// that asks for it is refused.
	Reboot, Poweroff func()
	Log              *slog.Logger
	// Level is Log's, for an admin job to change; nil: it is fixed.
	Level *slog.LevelVar
}

// DefaultPort is where a node's API listens.
const DefaultPort = 8470

func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = DefaultPort
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.MaxMemory == 0 {
		total, _ := machineMemory()
		c.MaxMemory = min(total/3, 1<<30)
	}
	if c.SinceBoot == nil {
		started := time.Now()
		c.SinceBoot = func() time.Duration { return time.Since(started) }
	}
	return c
}

// ender is what ends the node in one of the ways that a result announces, or nil.
func (c Config) ender(then string) func() {
	if then == thenReboot {
		return c.Reboot
	}
	return c.Poweroff
}
