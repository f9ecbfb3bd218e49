package lab

import (
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/test/need"
	"github.com/capodekappa/capo/test/netlab"
	"github.com/capodekappa/capo/test/netlab/forming"
)

// together is a scenario of forming after which these nodes are one fleet.
type together struct {
	nodes int
	run   func(*forming.Cluster)
}

var (
	sixAtOnce  = together{6, forming.SixAtOnce}
	staggered  = together{6, forming.Staggered}
	twoOfThree = together{3, forming.TwoOfThree}
	twinIDs    = together{4, forming.TwinIDs}
	lateTwin   = together{4, forming.LateTwin}
	lateNode   = together{4, forming.LateNode}
	oneAlone   = together{2, forming.OneAlone}
	twoOnly    = together{2, forming.TwoExpected}
)

func TestNodesFormOneFleetInNamespaces(t *testing.T) {
	t.Parallel()
	cases := map[string]together{"six at once": sixAtOnce, "staggered": staggered, "two of three": twoOfThree, "two with one id": twinIDs}
	runEach(t, cases, func(t *testing.T, c together) {
		l := inNamespaces(t, c.nodes)
		c.run(l.Cluster)
		l.ready(upTo(c.nodes)...)
	})
}

func TestNodesFormOneFleetOnLoopback(t *testing.T) {
	t.Parallel()
	cases := map[string]together{"six at once": sixAtOnce, "one alone, then two": oneAlone, "two of two": twoOnly, "late twin": lateTwin, "late node": lateNode}
	runEach(t, cases, func(t *testing.T, c together) {
		l := onLoopback(t)
		c.run(l.Cluster)
		l.ready(upTo(c.nodes)...)
	})
}

func TestNodesFormOneFleetOverBadLinks(t *testing.T) {
	t.Parallel()
	type over struct {
		nodes int
		run   func(*forming.Cluster, *netlab.Lab)
	}
	cases := map[string]over{
		"one flaps": {4, forming.FlappingLink}, "another with the same address everywhere": {4, forming.SameAddressElsewhere},
		"halves too small for a log": {6, forming.IslandsTooSmall},
	}
	runEach(t, cases, func(t *testing.T, c over) {
		l := inNamespaces(t, c.nodes)
		c.run(l.Cluster, l.net)
		l.ready(upTo(c.nodes)...)
	})
}

// TestTwoFleetsShareASegment: each is a fleet of its own, and the token of one opens nothing of the other.
func TestTwoFleetsShareASegment(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(*testing.T) *lab{
		"in namespaces": func(t *testing.T) *lab { return inNamespaces(t, 6) }, "on loopback": onLoopback,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := place(t)
			forming.TwoFleets(l.Cluster)
			l.ready(0, 1, 2)
			l.ready(3, 4, 5)
			for _, i := range []int{0, 3} {
				other, err := l.Operator(3 - i)
				if err != nil {
					t.Fatal(err)
				}
				wantNoConnection(t, l.clientAs(i, believing(other)))
			}
		})
	}
}

// TestTwoOfThreeTellTheConsoleLong waits for the minute after which the console is told.
func TestTwoOfThreeTellTheConsoleLong(t *testing.T) {
	need.Long(t)
	l := onLoopback(t)
	l.Rules = fleet.Rules{Size: 3}
	m := l.Fleet("dev")
	l.Run(0, id(0), m)
	l.Run(1, id(1), m)
	l.Waits(within, 0, "2 of 3 nodes needed", "n1")
	time.Sleep(55 * time.Second)
	l.printed(0, "still waiting", "2 of 3 nodes needed to form a log", "capo.size=3", "sees: n1")
	l.printed(1, "still waiting", "sees: n0")
}
