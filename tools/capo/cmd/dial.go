package cmd

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

// chosen is the fleet that a command works on, and a node of it to speak to.
type chosen struct {
	fleet  *fleet.Fleet
	client *api.Client

	authority *trust.Authority // the operator's
	running   *local.Running   // nil unless it runs on this machine
}

// openStore opens the operator's folder of fleets.
func openStore() (*fleet.Store, error) {
	s, err := fleet.OpenStore()
	if err == nil {
		s.Lock = &passphrase{}
	}
	return s, err
}

// loadFleet reads the fleet that --fleet names, or the current one.
func (a *app) loadFleet() (*fleet.Fleet, error) {
	store, err := openStore()
	if err != nil {
		return nil, err
	}
	if a.fleet != "" {
		f, err := store.Load(a.fleet)
		if errors.Is(err, fleet.ErrNotFound) {
			return nil, noFleet(fmt.Errorf("there is no fleet %s here; capo fleet ls lists them, capo up %s starts one", a.fleet, a.fleet))
		}
		return f, err
	}
	f, err := store.Current()
	if errors.Is(err, fleet.ErrNoFleet) || errors.Is(err, fleet.ErrNotFound) {
		return nil, noFleet(errors.New("there is no fleet yet; start one on this machine with: capo up"))
	}
	return f, err
}

// dial finds a node of the fleet: by --node, then on this machine, then by mDNS. A log that knows but a former key of this operator's is told of
// the present one.
func (a *app) dial(ctx context.Context) (*chosen, error) {
	c, err := a.find(ctx)
	if err != nil || len(c.fleet.Former) == 0 {
		return c, err
	}
	if _, err := c.client.Generation(limit(ctx, 5*time.Second), "operator", "x"); err == nil || !unknownHere(err) {
		return c, nil
	}
	return c, c.introduce(ctx)
}

// unknownHere tells the end of a handshake in which the node did not know who we are.
func unknownHere(err error) bool {
	return strings.Contains(err.Error(), "tls: bad certificate") || strings.Contains(err.Error(), "broken pipe") || strings.Contains(err.Error(), "connection reset")
}

// introduce tells a log of this operator's key by a former one that it knows, and takes that one back.
func (c *chosen) introduce(ctx context.Context) error {
	var last error
	for _, key := range c.fleet.Former {
		old := *c.fleet
		old.Key = key
		authority, err := old.Authority()
		if err != nil {
			return err
		}
		by := chosen{fleet: &old, authority: authority, client: api.New(c.client.Host(), authority.Client(nil))}
		by.fleet.Membership = withoutKeyMarks(c.fleet.Membership)
		if last = by.sayOperator(ctx, c.fleet.Key.Public().(ed25519.PublicKey), "", false); last != nil {
			continue
		}
		c.client = api.New(c.client.Host(), c.authority.Client(nil))
		if err := c.sayOperator(ctx, key.Public().(ed25519.PublicKey), "", true); err != nil {
			return fmt.Errorf("take this operator's former key back: %w", err)
		}
		return nil
	}
	return fmt.Errorf("this log knows no key of this operator's: %w", last)
}

// withoutKeyMarks is a membership as one is told of it by a former key, which must not revoke itself first.
func withoutKeyMarks(m *fleet.Membership) *fleet.Membership {
	public := *m
	public.Revoked = slices.DeleteFunc(slices.Clone(m.Revoked), func(mark string) bool { return strings.HasPrefix(mark, "key:") })
	return &public
}

// find is dial without a word to the node.
func (a *app) find(ctx context.Context) (*chosen, error) {
	f, err := a.loadFleet()
	if err != nil {
		return nil, err
	}
	authority, err := f.Authority()
	if err != nil {
		return nil, err
	}
	c := &chosen{fleet: f, authority: authority}
	if r, err := local.Load(f.Name); err == nil && r.Alive() {
		c.running = r
	}
	if a.node != "" {
		c.client = api.New(a.node, authority.Client(nil))
		return c, nil
	}
	if c.running != nil {
		for _, n := range c.running.Nodes {
			if n.Process.Alive() {
				c.client = api.New(n.Address, authority.Client(nil))
				if c.joined(ctx) {
					return c, nil
				}
			}
		}
		if c.client != nil {
			return c, nil
		}
	}
	found, err := fleet.Discover(limit(ctx, 4*time.Second), authority, nil)
	if err != nil {
		a.logger().Debug("looking for nodes", "err", err) // one network of several is enough to find none on
	}
	if len(found) == 0 {
		return nil, noFleet(fmt.Errorf("no node of fleet %s answers; start one with: capo up %s (or name one with --node HOST:PORT)", f.Name, f.Name))
	}
	for _, n := range found {
		c.client = api.New(n.Addr.String(), authority.Client(nil))
		if n.Hello.Log != nil {
			break
		}
	}
	return c, nil
}

// joined tells whether the node is in a log now.
func (c *chosen) joined(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resp, err := c.client.Do(ctx, "GET", "/healthz", "", nil)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

// limit bounds a context; its cancel is the parent's.
func limit(ctx context.Context, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// localise writes the addresses that this machine can dial into the rows of nodes that run on it.
func (c *chosen) localise(rows []api.Node) {
	if c.running == nil {
		return
	}
	for i := range rows {
		for _, n := range c.running.Nodes {
			if n.ID == rows[i].ID {
				rows[i].Address = n.Address
			}
		}
	}
}
