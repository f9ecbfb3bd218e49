package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/test/need"
)

// TestALostServersSeatGoesToASpareNode: after one server is replaced, another one may be lost.
func TestALostServersSeatGoesToASpareNode(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	l.start(4)
	log := l.ready(upTo(4)...)
	w := l.startWriter(upTo(4), "busy")
	l.Eventually(within, "appends", func() error { return atLeast(w.count(), 50) })

	first := l.leader(log, "busy")
	l.Kill(first)
	killed := time.Now()
	left := slices.DeleteFunc(upTo(4), func(i int) bool { return i == first })
	log = l.carriedBy(left, left)
	t.Logf("node 3 carries the log in place of node %d after %v", first, time.Since(killed))
	l.whole(log, "busy")
	t.Logf("whole after %v", time.Since(killed))

	second := l.leader(log, "busy")
	before := w.count()
	l.Kill(second)
	l.Eventually(within, "appends after the second loss", func() error { return atLeast(w.count(), before+50) })
	acked := w.stop()
	for _, i := range slices.DeleteFunc(left, func(i int) bool { return i == second }) {
		all, err := l.get(i, "busy")
		if err != nil {
			t.Fatal(err)
		}
		wantAcknowledged(t, acked, map[string][]api.Record{"": all})
	}
}

// TestARollingRestartOfAllServersKeepsTheLogLong: a fleet of three has no spare node, so each takes its own seat again. test/e2e does
// the same by admin jobs; here nobody prepares the nodes for their end.
func TestARollingRestartOfAllServersKeepsTheLogLong(t *testing.T) {
	need.Long(t)
	t.Parallel()
	l := onLoopback(t)
	f := l.start(3)
	formed := l.ready(upTo(3)...)
	w := l.startWriter(upTo(3), "busy")
	l.Eventually(within, "appends", func() error { return atLeast(w.count(), 50) })
	for i := range 3 {
		begun := time.Now()
		old := l.boot(i)
		l.Stop(i)
		l.Run(i, id(i), f.Membership)
		var log *fleet.LogInfo
		l.Eventually(within, "its seat", func() error {
			if new := l.boot(i); new == "" || new == old {
				return fmt.Errorf("node %d has not started", i)
			}
			return nil
		})
		log = l.carriedBy(upTo(3), upTo(3))
		l.whole(log, "busy")
		t.Logf("node %d has its seat again after %v", i, time.Since(begun))
		if log.Incarnation != formed.Incarnation {
			t.Fatalf("the log %s became %s", formed.Incarnation, log.Incarnation)
		}
	}
	acked := w.stop()
	for i := range 3 {
		all, err := l.get(i, "busy")
		if err != nil {
			t.Fatal(err)
		}
		wantAcknowledged(t, acked, map[string][]api.Record{"": all})
	}
}

// TestAServerThatWasCutOffComesBackAsAClient: meanwhile another node has its seat.
func TestAServerThatWasCutOffComesBackAsAClient(t *testing.T) {
	t.Parallel()
	l := inNamespaces(t, 4)
	l.start(4)
	rest := []int{0, 2, 3}
	l.net.Partition(1)
	l.carriedBy(rest, rest)
	l.net.Partition()
	l.Eventually(2*within, "a client", func() error {
		h, err := l.Hello(1)
		if err != nil {
			return err
		}
		if h.Log == nil || h.Log.Role != fleet.RoleClient {
			return fmt.Errorf("node 1 is %s in %+v, waits %s", h.State, h.Log, h.Waiting)
		}
		return nil
	})
	l.ready(upTo(4)...)
	l.carriedBy(rest, upTo(4))
}

// boot is the nonce of node i's run, empty while it does not answer.
func (l *lab) boot(i int) string {
	h, err := l.Hello(i)
	if err != nil {
		return ""
	}
	return h.Boot
}

// carriedBy waits until nodes say that the log is carried by the runs of these nodes that are there, and returns the log.
func (l *lab) carriedBy(servers, nodes []int) *fleet.LogInfo {
	l.t.Helper()
	var want []fleet.Ref
	for _, i := range servers {
		want = append(want, fleet.Ref{ID: id(i), Boot: l.boot(i)})
	}
	var log *fleet.LogInfo
	l.Eventually(2*within, "servers", func() error {
		for _, i := range nodes {
			h, err := l.Hello(i)
			if err != nil {
				return err
			}
			if log = h.Log; log == nil {
				return fmt.Errorf("node %d is in no log: %s", i, h.Waiting)
			}
			for _, ref := range want {
				if len(log.Servers) != len(want) || !slices.ContainsFunc(log.Servers, func(s fleet.Server) bool { return s.Ref() == ref }) {
					return fmt.Errorf("node %d says %v, want %v", i, log.Servers, want)
				}
			}
		}
		return nil
	})
	return log
}

// whole waits until three servers keep all of a stream.
func (l *lab) whole(log *fleet.LogInfo, stream string) {
	l.t.Helper()
	operator, err := l.Operator(l.node(log.Servers[0].ID))
	if err != nil {
		l.t.Fatal(err)
	}
	c := dialNATS(l.t, log.Servers[0].Addr.String(), queue.ClientPort, operator.Client(nil))
	if answer := c.connect(map[string]any{}); answer != "PONG" {
		l.t.Fatal(answer)
	}
	l.Eventually(within, "three replicas", func() error {
		var info struct {
			Cluster struct {
				Leader   string
				Replicas []struct {
					Name             string
					Current, Offline bool
				}
			}
		}
		raw := c.request("$JS.API.STREAM.INFO.s_"+stream, nil)
		if err := json.Unmarshal(raw, &info); err != nil {
			return err
		}
		current := 0
		for _, r := range info.Cluster.Replicas {
			if r.Current && !r.Offline {
				current++
			}
		}
		if len(info.Cluster.Replicas) != 2 || current != 2 {
			return fmt.Errorf("%+v", info.Cluster)
		}
		return nil
	})
}
