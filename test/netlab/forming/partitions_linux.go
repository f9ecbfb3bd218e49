package forming

import (
	"fmt"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/test/netlab"
)

// IslandsMeet: two islands that each formed a log, since none was told the fleet's size, are
// joined: all nodes end in the log that wins by the rule, which it returns with the loser.
func IslandsMeet(c *Cluster, lab *netlab.Lab) (winner, loser string) {
	c.Rules = fleet.Rules{Expect: 3}
	m := c.Fleet("dev")
	lab.Partition(3, 4, 5, 6)
	for i := range 7 {
		c.Run(i, id(i), m)
	}
	small := c.OneLog(Within, 0, 1, 2)
	big := c.OneLog(Within, 3, 4, 5, 6)
	time.Sleep(2 * time.Second) // for the servers to count their nodes
	lab.Partition()
	after := c.OneLog(2*Within, 0, 1, 2, 3, 4, 5, 6)
	if after.Incarnation != big.Incarnation {
		c.T.Fatalf("the logs %s of 3 nodes and %s of 4 met: all are in %s", small.Incarnation, big.Incarnation, after.Incarnation)
	}
	return big.Incarnation, small.Incarnation
}

// IslandsTooSmall: with the size set, halves of a fleet wait, and form one log when they meet.
func IslandsTooSmall(c *Cluster, lab *netlab.Lab) {
	c.Rules = fleet.Rules{Size: 6}
	m := c.Fleet("dev")
	lab.Partition(3, 4, 5)
	for i := range 6 {
		c.Run(i, id(i), m)
	}
	c.Waits(Within, 0, "3 of 4 nodes needed", "capo.size=6", "n1, n2")
	c.Waits(Within, 5, "3 of 4 nodes needed", "n3, n4")
	c.Outside(4*time.Second, "", 0, 1, 2, 3, 4, 5)
	lab.Partition()
	c.wantServers(c.OneLog(Within, 0, 1, 2, 3, 4, 5), "n0", "n1", "n2")
}

// FlappingLink: one node's link goes down and up while the fleet forms.
func FlappingLink(c *Cluster, lab *netlab.Lab) {
	c.Rules = fleet.Rules{Size: 4}
	m := c.Fleet("dev")
	for i := range 4 {
		c.Run(i, id(i), m)
	}
	for range 6 {
		lab.Link(1, false)
		time.Sleep(400 * time.Millisecond)
		lab.Link(1, true)
		time.Sleep(600 * time.Millisecond)
	}
	c.OneLog(2*Within, 0, 1, 2, 3)
}

// MinorityFormsNoOther: nodes that were in a log and are cut off from it form no other, however many
// they are when no size was set; joined again, they are in it as before.
func MinorityFormsNoOther(c *Cluster, lab *netlab.Lab) {
	c.Rules = fleet.Rules{Expect: 3}
	m := c.Fleet("dev")
	for i := range 6 {
		c.Run(i, id(i), m)
	}
	log := c.OneLog(Within, 0, 1, 2, 3, 4, 5)
	c.wantServers(log, "n0", "n1", "n2")
	lab.Partition(2, 3, 4)
	c.Eventually(Within, "lost", func() error {
		for _, i := range []int{2, 3, 4} {
			if h, err := c.Hello(i); err != nil || h.State != fleet.StateLost {
				return fmt.Errorf("node %d: hello %+v, error %v", i, h, err)
			}
		}
		return nil
	})
	c.Outside(6*time.Second, log.Incarnation, 2, 3, 4)
	if still, err := c.Log(0, 1, 5); err != nil || still.Incarnation != log.Incarnation {
		c.T.Fatalf("the majority's log %v, error %v", still, err)
	}
	lab.Partition()
	if after := c.OneLog(Within, 0, 1, 2, 3, 4, 5); after.Incarnation != log.Incarnation {
		c.T.Fatalf("the log %s became %s", log.Incarnation, after.Incarnation)
	}
}

// SameAddressElsewhere: every node also has an interface with the same address on a segment of
// its own, as on QEMU's user-mode network; they reach each other by the other one.
func SameAddressElsewhere(c *Cluster, lab *netlab.Lab) {
	c.Rules = fleet.Rules{Size: 4}
	m := c.Fleet("dev")
	for i := range 4 {
		lab.AddDeadEnd(i, "aaa0", "10.0.2.15/24")
		c.Run(i, id(i), m)
	}
	for i := range 4 {
		log := c.OneLog(Within, 0, 1, 2, 3)
		for j, s := range log.Servers {
			if s.Addr != lab.Addr(j) {
				c.T.Fatalf("node %d reaches server %s at %v, want %v", i, s.ID, s.Addr, lab.Addr(j))
			}
		}
	}
}
