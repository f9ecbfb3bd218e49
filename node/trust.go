package node

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// enter makes the node's view of its fleet's trust, and its own certificate.
func (n *Node) enter() error {
	clock := trust.NewClock(trust.ClockOptions{Build: n.cfg.Built, Known: n.cfg.ClockKnown, Set: n.cfg.SetClock})
	var err error
	n.authority, n.speaker, err = n.cfg.Membership.Enter(n.cfg.ID, trust.Options{Clock: clock, Count: n.refusals.Count}, n.addresses()...)
	if err == nil && n.cfg.Membership.Token == nil {
		n.cfg.Log.Warn("this image has no join token: the node waits to be approved (capo fleet approve)", "id", n.cfg.ID, "fingerprint", n.fingerprint())
	}
	return err
}

// fingerprint names the node's key.
func (n *Node) fingerprint() string {
	return trust.Fingerprint(n.authority.Own().Leaf.RawSubjectPublicKeyInfo)
}

// approved tells whether the node has a certificate of the fleet.
func (n *Node) approved() bool {
	_, err := n.authority.Identify(trust.Chain(n.authority.Own()))
	var waits *trust.UnapprovedError
	return !errors.As(err, &waits)
}

// addresses are those that the node's certificate is good for.
func (n *Node) addresses() []net.IP {
	if n.cfg.Address.IsValid() {
		return []net.IP{n.cfg.Address.AsSlice()}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []net.IP
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && len(list) < 32 {
			list = append(list, ip.IP)
		}
	}
	return list
}

// remintEvery is how often the node looks whether its certificate still says who and where it is.
const remintEvery = 2 * time.Second

// keepCertificate mints a new certificate when the node's addresses have changed.
func (n *Node) keepCertificate(ctx context.Context) {
	at := n.addresses()
	tick := time.NewTicker(remintEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := n.addresses(); !slices.EqualFunc(at, now, net.IP.Equal) {
			at = now
			n.rename(n.agent.ID())
		}
	}
}

// rename mints a certificate for the node's id and addresses as they are now.
func (n *Node) rename(id string) {
	n.ship.rename(id)
	if err := n.speaker.Mint(id, trust.NodeNames(id, n.addresses()...)); err != nil {
		n.cfg.Log.Warn("no new certificate", "id", id, "err", err)
	}
}

// believe acts on a control record about trust that was accepted.
func (n *Node) believe(o order) {
	switch {
	case o.revoke != nil:
		n.cfg.Log.Warn("revoked", "what", o.revoke.Marks)
		n.authority.Revoke(o.revoke.Marks...)
	case o.operator != nil && o.operator.Remove:
		n.authority.RemoveOperator(trust.OperatorFingerprint(o.operator.key))
	case o.operator != nil:
		n.authority.AddOperator(o.operator.key)
	}
}

// operatorOrder is an operator record that was read.
type operatorOrder struct {
	api.OperatorSet
	key ed25519.PublicKey
}

// planTrust reads the body of a record about trust.
func (d *desired) planTrust(c *control.Record, o *order) (func(), error) {
	switch c.Kind {
	case control.KindRevoke:
		r := &api.Revoke{}
		if err := readBody(c.Body, r); err != nil {
			return nil, err
		}
		for _, mark := range r.Marks {
			if !trust.ValidMark(mark) {
				return nil, fmt.Errorf("%.80q is nothing that can be revoked", mark)
			}
		}
		return func() { o.revoke = r }, nil
	case control.KindApprove:
		a := &api.Approve{}
		if err := readBody(c.Body, a); err != nil {
			return nil, err
		}
		if a.ID != c.Target || a.Key == "" && !a.Always {
			return nil, fmt.Errorf("approval of %.60q in a record about %s", a.ID, c.Target)
		}
		return func() { d.approved[a.ID] = *a; o.approve = a }, nil
	}
	set := &operatorOrder{}
	if err := readBody(c.Body, &set.OperatorSet); err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.Strict().DecodeString(set.Key)
	if err != nil || len(key) != ed25519.PublicKeySize || trust.OperatorFingerprint(key)[:16] != c.Target {
		return nil, fmt.Errorf("operator's key %.60q in a record about %s", set.Key, c.Target)
	}
	set.key = key
	others := slices.DeleteFunc(slices.Clone(d.verifier.Operators), func(k ed25519.PublicKey) bool { return k.Equal(set.key) })
	if set.Remove && len(others) == 0 {
		return nil, errors.New("the last operator's key cannot be removed")
	}
	return func() {
		if !set.Remove {
			others = append(others, set.key)
		}
		d.verifier.Operators = others
		o.operator = set
	}, nil
}
