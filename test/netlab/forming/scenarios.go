package forming

import (
	"fmt"
	"slices"
	"time"

	"github.com/capodekappa/capo/fleet"
)

// Within is how long forming may take in these tests, on machines that are slow or busy.
const Within = 60 * time.Second

func id(i int) string { return fmt.Sprintf("n%d", i) }

func serverIDs(log *fleet.LogInfo) []string {
	var list []string
	for _, s := range log.Servers {
		list = append(list, s.ID)
	}
	slices.Sort(list)
	return list
}

func (c *Cluster) wantServers(log *fleet.LogInfo, want ...string) {
	c.T.Helper()
	if got := serverIDs(log); !slices.Equal(got, want) {
		c.T.Fatalf("servers %v, want %v", got, want)
	}
}

// SixAtOnce: the three lowest ids carry the log, the others use it.
func SixAtOnce(c *Cluster) {
	c.Rules = fleet.Rules{Size: 6}
	m := c.Fleet("dev")
	for i := range 6 {
		c.Run(i, id(i), m)
	}
	log := c.OneLog(Within, 0, 1, 2, 3, 4, 5)
	c.wantServers(log, "n0", "n1", "n2")
}

// Staggered: nodes come 1.3 s apart, the highest id first; they wait for more than half of them and a
// settled view, and form one log.
func Staggered(c *Cluster) {
	c.Rules = fleet.Rules{Size: 6}
	m := c.Fleet("dev")
	for i := range 6 {
		c.Run(i, id(5-i), m)
		time.Sleep(1300 * time.Millisecond)
	}
	c.OneLog(Within, 0, 1, 2, 3, 4, 5)
}

// TwoOfThree: they wait and say for what; the third one ends it.
func TwoOfThree(c *Cluster) {
	c.Rules = fleet.Rules{Size: 3}
	m := c.Fleet("dev")
	c.Run(0, id(0), m)
	c.Run(1, id(1), m)
	c.Waits(Within, 0, "2 of 3 nodes needed", "capo.expect=3", "capo.size=3", "n1")
	c.Waits(Within, 1, "2 of 3 nodes needed", "n0")
	c.Outside(4*time.Second, "", 0, 1)
	c.Run(2, id(2), m)
	c.OneLog(Within, 0, 1, 2)
}

// TwoFleets: two fleets on one segment each form their own log.
func TwoFleets(c *Cluster) {
	c.Rules = fleet.Rules{Size: 3}
	red, blue := c.Fleet("red"), c.Fleet("blue")
	for i := range 3 {
		c.Run(i, id(i), red)
		c.Run(i+3, id(i), blue)
	}
	a := c.OneLog(Within, 0, 1, 2)
	b := c.OneLog(Within, 3, 4, 5)
	if a.Incarnation == b.Incarnation {
		c.T.Fatalf("both fleets are in the log %s", a.Incarnation)
	}
	for i := range 6 {
		if h, err := c.Hello(i); err != nil || h.ID != id(i%3) {
			c.T.Errorf("node %d: hello %v, error %v: another fleet's id must not count", i, h, err)
		}
	}
}

// TwinIDs: two nodes with one id both run, one of them suffixed.
func TwinIDs(c *Cluster) {
	c.Rules = fleet.Rules{Size: 4, Expect: 4}
	m := c.Fleet("dev")
	for i, id := range []string{"twin", "twin", "other", "third"} {
		c.Run(i, id, m)
	}
	c.OneLog(Within, 0, 1, 2, 3)
	var got []string
	for i := range 4 {
		h, err := c.Hello(i)
		if err != nil {
			c.T.Fatal(err)
		}
		got = append(got, h.ID)
	}
	slices.Sort(got)
	if want := []string{"other", "third", "twin", "twin-2"}; !slices.Equal(got, want) {
		c.T.Fatalf("ids %v, want %v", got, want)
	}
}

// LateTwin: a node whose id is taken joins a log that is there already.
func LateTwin(c *Cluster) {
	c.Rules = fleet.Rules{Size: 4}
	m := c.Fleet("dev")
	for i := range 3 {
		c.Run(i, id(i), m)
	}
	c.OneLog(Within, 0, 1, 2)
	c.Run(3, id(1), m)
	c.OneLog(Within, 0, 1, 2, 3)
	h, err := c.Hello(3)
	if err != nil || h.ID != "n1-2" {
		c.T.Fatalf("hello %+v, error %v: want the id n1-2", h, err)
	}
}

// LateNode: one that comes when the log is there joins it as a client.
func LateNode(c *Cluster) {
	c.Rules = fleet.Rules{Size: 4}
	m := c.Fleet("dev")
	for i := range 3 {
		c.Run(i+1, id(i+1), m)
	}
	before := c.OneLog(Within, 1, 2, 3)
	c.Run(0, id(0), m)
	after := c.OneLog(Within, 0, 1, 2, 3)
	if before.Incarnation != after.Incarnation {
		c.T.Fatalf("the log %s became %s", before.Incarnation, after.Incarnation)
	}
	if h, err := c.Hello(0); err != nil || h.Log.Role != fleet.RoleClient {
		c.T.Fatalf("hello %+v, error %v: want a client", h, err)
	}
}

// OneAlone: where one node is expected, it forms a log by itself, and a second one joins.
func OneAlone(c *Cluster) {
	c.Rules = fleet.Rules{Size: 1, Expect: 1}
	m := c.Fleet("dev")
	c.Run(1, id(1), m)
	c.wantServers(c.OneLog(Within, 1), "n1")
	c.Run(0, id(0), m)
	c.wantServers(c.OneLog(Within, 0, 1), "n1")
}

// TwoExpected: where two are expected, one of them carries the log.
func TwoExpected(c *Cluster) {
	c.Rules = fleet.Rules{Size: 2, Expect: 2}
	m := c.Fleet("dev")
	c.Run(1, id(1), m)
	c.Waits(Within, 1, "1 of 2 nodes needed")
	c.Run(0, id(0), m)
	c.wantServers(c.OneLog(Within, 0, 1), "n0")
}

// PowerCut: the servers of a log are killed at once and start again with nothing: what is left of
// the old log waits, and a majority of the fleet's size forms another, which all join.
func PowerCut(c *Cluster) {
	c.Rules = fleet.Rules{Size: 5}
	m := c.Fleet("dev")
	for i := range 5 {
		c.Run(i, id(i), m)
	}
	before := c.OneLog(Within, 0, 1, 2, 3, 4)
	for i := range 3 {
		c.Kill(i)
	}
	for i := range 3 {
		c.Run(i, id(i), m)
	}
	if after := c.OneLog(2*Within, 0, 1, 2, 3, 4); after.Incarnation == before.Incarnation {
		c.T.Fatalf("the log %s is there again without its memory", before.Incarnation)
	}
}
