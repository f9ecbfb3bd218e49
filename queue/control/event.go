package control

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/capodekappa/capo/fleet/trust"
)

// SignEvent signs a sealed event as something that a node of the fleet says, by the key of its certificate; chain is that
// certificate and what stands behind it, in DER.
func (c *Record) SignEvent(nodeID string, key *trust.Key, chain [][]byte) error {
	c.Signer, c.Chain = eventSigner+nodeID, nil
	for _, der := range chain {
		c.Chain = append(c.Chain, base64.StdEncoding.EncodeToString(der))
	}
	head, err := c.head()
	if err != nil {
		return err
	}
	sig, err := key.Sign(append([]byte(eventDomain), head...))
	if err != nil {
		return fmt.Errorf("sign event %s: %w", c.Target, err)
	}
	c.Sig = base64.StdEncoding.EncodeToString(sig)
	return nil
}

// eventSigner comes before the node's id.
const eventSigner = "node:"

// checkEvent verifies that an event is the word of the node that its signer names.
func (v Verifier) checkEvent(c *Record, head, sig []byte) error {
	if v.Authority == nil || len(c.Chain) == 0 || len(c.Chain) > 3 {
		return fmt.Errorf("%w: an event needs its node's certificate", ErrSignature)
	}
	var chain [][]byte
	for _, text := range c.Chain {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return fmt.Errorf("%w: its node's certificate is not base64", ErrSignature)
		}
		chain = append(chain, der)
	}
	certs, err := trust.ParseChain(chain)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	id, err := v.Authority.Identify(certs)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if id.Role != trust.RoleNode || strings.TrimPrefix(c.Signer, eventSigner) != id.ID {
		return fmt.Errorf("%w: %.60q, by the certificate of %s", ErrSigner, c.Signer, id)
	}
	if !trust.Verify(certs[0], append([]byte(eventDomain), head...), sig) {
		return ErrSignature
	}
	return nil
}
