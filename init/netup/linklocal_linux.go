package netup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

// linkLocal gives an interface an IPv4 link-local address (RFC 3927) and defends it until ctx ends. It begins at once, or when a lease
// was lost; a lease that comes while it probes ends that.
type linkLocal struct {
	log   *slog.Logger
	conn  *arpConn
	times linkLocalTimes
	// add and remove put the address on the interface.
	add    func(netip.Prefix) error
	remove func(netip.Prefix)
	// held is the address that the interface had when it lost its carrier, and has again.
	held *netip.Prefix
	// leased is whether there is a DHCP lease.
	leased *flag
}

var (
	// errConflict says that another machine has the address.
	errConflict = errors.New("the address is in use")
	// errLeased says that a lease came before the address was taken.
	errLeased = errors.New("there is a lease")
)

func (l *linkLocal) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { l.conn.Close() }) // ends a read
	defer stop()
	next := candidates(l.conn.mac)
	for conflicts := 0; ctx.Err() == nil; conflicts++ {
		if conflicts >= l.times.conflict && sleep(ctx, l.times.pause) != nil {
			return
		}
		if !l.held.IsValid() {
			l.leased.wait(ctx, false)
		}
		ip := next()
		err := l.hold(ctx, ip)
		for errors.Is(err, errLeased) && l.leased.wait(ctx, false) {
			err = l.hold(ctx, ip)
		}
		if ctx.Err() != nil {
			return
		}
		l.log.Warn("link-local address given up", "address", ip, "err", err)
		if !errors.Is(err, errConflict) && sleep(ctx, time.Second) != nil {
			return
		}
	}
}

// hold probes for an address, takes it, and defends it until another machine insists on it.
func (l *linkLocal) hold(ctx context.Context, ip netip.Addr) error {
	prefix := netip.PrefixFrom(ip, 16)
	if *l.held != prefix {
		l.drop()
	}
	if err := l.probe(ip); err != nil {
		if errors.Is(err, errConflict) {
			l.drop()
		}
		return err
	}
	if !l.held.IsValid() && l.leased.get() {
		return errLeased
	}
	if err := l.add(prefix); err != nil {
		return fmt.Errorf("add %s: %w", prefix, err)
	}
	*l.held = prefix
	err := l.defend(ip)
	if ctx.Err() == nil { // else the carrier was lost, and the address stays until it is known to be taken
		l.drop()
	}
	return err
}

func (l *linkLocal) drop() {
	if l.held.IsValid() {
		l.remove(*l.held)
		*l.held = netip.Prefix{}
	}
}

func (l *linkLocal) probe(ip netip.Addr) error {
	for range l.times.probes {
		if err := l.conn.ask(netip.IPv4Unspecified(), ip); err != nil {
			return err
		}
		_, taken, err := l.conn.heard(ip, true, time.Now().Add(l.times.interval))
		if err != nil {
			return err
		}
		if taken {
			return errConflict
		}
	}
	return nil
}

// defend announces the address, answers a first conflict with another announcement, and ends at a second one that comes
// soon after (RFC 3927 section 2.5 b).
func (l *linkLocal) defend(ip netip.Addr) error {
	announce := l.times.announce
	var last time.Time
	for {
		var deadline time.Time
		if announce > 0 {
			announce--
			if err := l.conn.ask(ip, ip); err != nil {
				return err
			}
			deadline = time.Now().Add(l.times.interval)
		}
		p, taken, err := l.conn.heard(ip, false, deadline)
		if err != nil {
			return err
		}
		if !taken {
			continue
		}
		l.log.Warn("another machine has our link-local address", "address", ip, "mac", p.senderHW.String())
		if !last.IsZero() && time.Since(last) < l.times.defend {
			return errConflict
		}
		last, announce = time.Now(), 1
	}
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
