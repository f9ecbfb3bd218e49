package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// SignEvent proves a sealed event as something that a node of the fleet says, by an HMAC-SHA256 under
// the fleet's token.
func (c *Record) SignEvent(nodeID string, fleetToken []byte) error {
	c.Signer = "node:" + nodeID
	head, err := c.head()
	if err != nil {
		return err
	}
	c.Sig = base64.StdEncoding.EncodeToString(eventProof(fleetToken, head))
	return nil
}

func eventProof(fleetToken, head []byte) []byte {
	mac := hmac.New(sha256.New, fleetToken)
	mac.Write([]byte(eventDomain))
	mac.Write(head)
	return mac.Sum(nil)
}

func validEvent(fleetToken []byte, signer string, head, sig []byte) bool {
	return strings.HasPrefix(signer, "node:") && len(fleetToken) > 0 && hmac.Equal(sig, eventProof(fleetToken, head))
}
