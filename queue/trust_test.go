package queue

import (
	"context"
	"sync"
	"testing"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
)

// newFleet makes a fleet whose nodes have a join token.
func newFleet(t *testing.T) (*fleet.Fleet, *fleet.Membership) {
	t.Helper()
	f, err := fleet.New("test")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.WithToken("test")
	if err != nil {
		t.Fatal(err)
	}
	return f, m
}

// as is the authority of the node with that id.
func as(t *testing.T, m *fleet.Membership, id string) *trust.Authority {
	t.Helper()
	a, _, err := m.Enter(id, trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// prepareLog has a log's servers make its streams, as their nodes do, and returns the core that one of them opened.
func prepareLog(ctx context.Context, t *testing.T, base Config, servers ...*Server) *Core {
	t.Helper()
	cores := make([]*Core, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		cfg := base
		cfg.Server, cfg.Rank, cfg.ID, cfg.Name = s, i, "own", s.cfg.Name+"-own"
		all.Go(func() {
			l, err := Open(ctx, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			if cores[i], err = OpenCore(ctx, cfg); err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(cores[i].Close)
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return cores[0]
}
