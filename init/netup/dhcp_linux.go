package netup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// dhcp keeps an interface's lease: it asks for ever with growing pauses, renews, rebinds, and begins anew when a lease
// runs out or is refused.
type dhcp struct {
	log   *slog.Logger
	name  string
	apply func(old, new lease) error // puts a lease on the interface; the zero lease stands for none
	// leased is told whether there is a lease.
	leased *flag
	// current is the lease on the interface; it is kept while there is no carrier.
	current *lease
}

// The first answer is waited for this long before the question is repeated, and the pause between rounds of questions
// grows to at most longestPause.
const (
	firstTimeout = 250 * time.Millisecond
	longestPause = 30 * time.Second
)

func (d *dhcp) run(ctx context.Context) {
	pause := 500 * time.Millisecond
	told := false
	for ctx.Err() == nil {
		err := d.lease(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			pause, told = 500*time.Millisecond, false
			continue
		}
		if !told {
			told = true
			d.log.Info("no DHCP server has answered; asking on", "err", err)
		}
		if sleep(ctx, pause) != nil {
			return
		}
		pause = min(pause*2, longestPause)
	}
}

// lease gets one lease and keeps it as long as the server lets it. Nil means that there was one.
func (d *dhcp) lease(ctx context.Context) error {
	client, err := nclient4.New(d.name, nclient4.WithTimeout(firstTimeout), nclient4.WithRetry(4))
	if err != nil {
		return fmt.Errorf("open DHCP on %s: %w", d.name, err)
	}
	defer client.Close()
	defer func() {
		// While there is no carrier the address stays; a server may confirm it later.
		if ctx.Err() == nil && d.current.address.IsValid() {
			_ = d.apply(*d.current, lease{})
			*d.current = lease{}
			d.leased.set(false)
		}
	}()
	got, err := client.Request(ctx, options)
	if err != nil {
		return err
	}
	for {
		if err := d.take(got.ACK); err != nil {
			return err
		}
		if got, err = d.renew(ctx, client, got, *d.current); err != nil {
			if ctx.Err() == nil {
				d.log.Warn("DHCP lease lost", "address", d.current.address, "err", err)
			}
			return nil
		}
	}
}

// take puts what the server acknowledged on the interface.
func (d *dhcp) take(ack *dhcpv4.DHCPv4) error {
	l, err := leaseOf(ack)
	if err != nil {
		return err
	}
	old := *d.current
	if err := d.apply(old, l); err != nil {
		return err
	}
	*d.current = l
	d.leased.set(true)
	if !l.equal(old) {
		d.log.Info("DHCP lease", "address", l.address, "for", l.valid)
	}
	return nil
}

// renew waits until half of the lease is over and asks its server, later any server, until there is an answer or the
// lease has run out.
func (d *dhcp) renew(ctx context.Context, c *nclient4.Client, got *nclient4.Lease, l lease) (*nclient4.Lease, error) {
	// Monotonic, so that a clock that is set does not end a lease.
	start := time.Now()
	if err := sleep(ctx, l.renew); err != nil {
		return nil, err
	}
	for {
		age := time.Since(start)
		next, err := d.ask(ctx, c, got, age >= l.rebind)
		var nak *nclient4.ErrNak
		switch {
		case err == nil:
			return next, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &nak):
			return nil, err
		}
		age = time.Since(start)
		if age >= l.valid {
			return nil, errors.New("it has run out")
		}
		left := l.rebind - age // RFC 2131 section 4.4.5: half of what is left, at least a minute
		if left <= 0 {
			left = l.valid - age
		}
		if err := sleep(ctx, min(max(left/2, time.Minute), l.valid-age)); err != nil {
			return nil, err
		}
	}
}

// ask sends the request of a renewal, or that of a rebinding, which any server may answer.
func (d *dhcp) ask(ctx context.Context, c *nclient4.Client, got *nclient4.Lease, anyServer bool) (*nclient4.Lease, error) {
	if !anyServer {
		return c.Renew(ctx, got, options)
	}
	request, err := dhcpv4.NewRenewFromAck(got.ACK, options)
	if err != nil {
		return nil, fmt.Errorf("make a DHCP request: %w", err)
	}
	answer, err := c.SendAndRead(ctx, nclient4.DefaultServers, request, nclient4.IsMessageType(dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
	if err != nil {
		return nil, err
	}
	if answer.MessageType() == dhcpv4.MessageTypeNak {
		return nil, &nclient4.ErrNak{Offer: got.Offer, Nak: answer}
	}
	return &nclient4.Lease{Offer: answer, ACK: answer, CreationTime: time.Now()}, nil
}

// options asks for what is used, and tells the host name, which some servers put into DNS.
func options(d *dhcpv4.DHCPv4) {
	dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer,
		dhcpv4.OptionNTPServers, dhcpv4.OptionIPAddressLeaseTime)(d)
	if name, err := os.Hostname(); err == nil && name != "(none)" {
		d.UpdateOption(dhcpv4.OptHostName(name))
	}
}
