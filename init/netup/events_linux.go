package netup

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// events are the kernel's announcements.
type events struct {
	links chan netlink.LinkUpdate
	addrs chan netlink.AddrUpdate
	done  chan struct{}
}

func subscribe() (*events, error) {
	e := &events{links: make(chan netlink.LinkUpdate, 16), addrs: make(chan netlink.AddrUpdate, 16), done: make(chan struct{})}
	err := netlink.LinkSubscribeWithOptions(e.links, e.done, netlink.LinkSubscribeOptions{ListExisting: true, ReceiveBufferSize: 1 << 20})
	if err == nil {
		err = netlink.AddrSubscribeWithOptions(e.addrs, e.done, netlink.AddrSubscribeOptions{ListExisting: true, ReceiveBufferSize: 1 << 20})
	}
	if err != nil {
		close(e.done)
		return nil, fmt.Errorf("subscribe to links and addresses: %w", err)
	}
	return e, nil
}

// close ends the subscription. The library's goroutines may be in the middle of a message, so it is taken from them.
func (e *events) close() {
	if e.done == nil {
		return
	}
	close(e.done)
	go func() {
		for range e.links {
		}
	}()
	go func() {
		for range e.addrs {
		}
	}()
}
