package netup

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// appear is what the kernel announces of an interface that is there and off.
func appear(index int, name, kind string) netlink.LinkUpdate {
	a := netlink.LinkAttrs{Index: index, Name: name, EncapType: "ether", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, byte(index)}}
	u := netlink.LinkUpdate{Link: &netlink.GenericLink{LinkAttrs: a, LinkType: kind}}
	if kind == "device" {
		u.Link = &netlink.Device{LinkAttrs: a}
	}
	u.Header.Type = unix.RTM_NEWLINK
	return u
}

func TestAnInterfaceThatRefusesIsSwitchedOnAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		m := newManager(slog.New(slog.NewTextHandler(&b, nil)), Options{})
		start := time.Now()
		var tries []time.Duration
		m.raise = func(l netlink.Link) error {
			if l.Attrs().Name != "eth0" || l.Attrs().Index != 2 {
				t.Errorf("switched on %s (%d)", l.Attrs().Name, l.Attrs().Index)
			}
			tries = append(tries, time.Since(start).Round(time.Second))
			if len(tries) < 9 {
				return unix.ENODEV
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		e := &events{links: make(chan netlink.LinkUpdate), addrs: make(chan netlink.AddrUpdate)}
		go m.follow(ctx, e)
		e.links <- appear(2, "eth0", "device")
		e.links <- appear(2, "eth0", "device") // an announcement does not have it tried at once
		time.Sleep(time.Hour)
		synctest.Wait()
		want := "[0s 1s 3s 7s 15s 31s 1m3s 2m3s 3m3s]"
		if got := fmt.Sprint(tries); got != want {
			t.Errorf("tried at %s, want %s", got, want)
		}
		if n := strings.Count(b.String(), "level=ERROR"); n != 1 || !strings.Contains(b.String(), "at last") {
			t.Errorf("the log says it %d times:\n%s", n, b.String())
		}
		cancel()
		<-m.Done()
	})
}

func TestAnInterfaceThatRefusesAndGoesIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(slog.New(slog.DiscardHandler), Options{})
		tries := 0
		m.raise = func(netlink.Link) error { tries++; return unix.ENODEV }
		ctx, cancel := context.WithCancel(t.Context())
		e := &events{links: make(chan netlink.LinkUpdate), addrs: make(chan netlink.AddrUpdate)}
		go m.follow(ctx, e)
		e.links <- appear(2, "eth0", "device")
		time.Sleep(2 * time.Second)
		gone := appear(2, "eth0", "device")
		gone.Header.Type = unix.RTM_DELLINK
		e.links <- gone
		synctest.Wait()
		before := tries
		time.Sleep(time.Hour)
		synctest.Wait()
		if tries != before {
			t.Errorf("tried %d times after it had gone", tries-before)
		}
		cancel()
		<-m.Done()
	})
}

func TestWhichInterfacesAreConfigured(t *testing.T) {
	enslaved := appear(3, "eth1", "device")
	enslaved.Link.Attrs().MasterIndex = 9
	tunnel := appear(4, "sit0", "sit")
	tunnel.Link.Attrs().EncapType = "sit"
	tests := []struct {
		name string
		link netlink.LinkUpdate
		want bool
	}{
		{"a card", appear(2, "eth0", "device"), true},
		{"an adapter on USB, which the kernel calls a device too", appear(2, "usb0", "device"), true},
		{"one end of a pair", appear(2, "veth0", "veth"), true},
		{"a bridge", appear(2, "br0", "bridge"), false},
		{"a port of a bridge", enslaved, false},
		{"a tunnel", tunnel, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := wanted(tt.link.Link); got != tt.want {
				t.Errorf("wanted(%s) = %v", tt.link.Link.Attrs().Name, got)
			}
		})
	}
}
