package netup

import (
	"context"
	"time"

	"github.com/vishvananda/netlink"
)

// The pauses between attempts to switch an interface on.
const (
	firstSwitch   = time.Second
	longestSwitch = time.Minute
)

// switchOn switches an interface on. One that refuses, such as one whose PHY does not answer yet, is asked again with growing
// pauses for as long as it is there; that is said once.
func (m *Manager) switchOn(ctx context.Context, index int) {
	l := m.links[index]
	if l == nil {
		return
	}
	err := m.raise(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index, Name: l.name, HardwareAddr: l.mac}})
	if err == nil {
		if l.tries > 0 {
			m.log.Info("the network interface could be switched on at last", "name", l.name, "tries", l.tries+1)
		}
		l.tries = 0
		return
	}
	if l.tries == 0 {
		m.log.Error("switch on network interface; trying again", "name", l.name, "err", err)
	}
	pause := min(firstSwitch<<min(l.tries, 10), longestSwitch)
	l.tries++
	time.AfterFunc(pause, func() {
		select {
		case m.again <- index:
		case <-ctx.Done():
		}
	})
}
