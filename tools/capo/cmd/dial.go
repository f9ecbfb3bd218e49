package cmd

import (
	"context"
	"errors"
	"fmt"
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

// dial finds a node of the fleet: by --node, then on this machine, then by mDNS.
func (a *app) dial(ctx context.Context) (*chosen, error) {
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
		return nil, err
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
