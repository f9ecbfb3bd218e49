package fleet

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// DefaultPort is where a node serves its API, hello included.
const DefaultPort = 8470

// Config says what an Agent speaks for.
type Config struct {
	Membership *Membership
	Authority  *trust.Authority // as whom the agent speaks; nil: it speaks to nobody

	ID      string // of the hardware and instance: a lower-case DNS label
	Boot    string // nonce of this run, 8 to 32 hex digits; "": the agent makes one
	Name    string // for people
	Board   string
	Arch    string
	Version string
	Anchor  bool // this node has a disk for the log

	Port       int        // of the node's API; 0: DefaultPort
	Listen     netip.Addr // the node's one address, such as a host node's 127.77.0.N; zero: those of the links
	Interfaces []string   // names; none: the one that has Listen, or all but the loopback

	Size    int      // capo.size
	Expect  int      // capo.expect; 0: 3
	Servers int      // capo.servers; 0: 3
	Peers   []string // capo.peers: HOST:PORT asked besides those that mDNS finds

	Approved func() bool        // false: the node has no certificate yet, and does nothing but say that it is there; nil: it has one
	Renamed  func(id string)    // is told when the node takes another id, before it says so; may be nil
	StateSet func(state string) // is told of each state that the node comes to; may be nil, must not block
	Changes  <-chan struct{}    // receives when links or addresses changed; may be nil
	Log      *slog.Logger       // nil: discards
	Clock    func() time.Time   // nil: time.Now; must be monotonic
}

// NewBoot returns a boot nonce: 16 hex digits.
func NewBoot() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

func (c Config) withDefaults() (Config, error) {
	if c.Membership == nil {
		return c, errors.New("no membership")
	}
	if c.Boot == "" {
		c.Boot = NewBoot()
	}
	if c.Port == 0 {
		c.Port = DefaultPort
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	h := Hello{V: 2, ID: c.ID, Boot: c.Boot, Port: c.Port, Name: c.Name, Board: c.Board, Arch: c.Arch, Version: c.Version}
	if err := h.check(); err != nil {
		return c, err
	}
	if len(c.ID) > maxConfiguredID {
		return c, fmt.Errorf("id %q is longer than %d bytes", c.ID, maxConfiguredID)
	}
	if c.Size < 0 || c.Expect < 0 || c.Servers < 0 || c.Servers > maxServers {
		return c, fmt.Errorf("size %d, expect %d or servers %d is out of range", c.Size, c.Expect, c.Servers)
	}
	return c, nil
}

func (c Config) rules() Rules {
	return Rules{Fleet: c.Membership.ID(), Size: c.Size, Expect: c.Expect, Servers: c.Servers}
}
