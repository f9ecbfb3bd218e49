package seal

import (
	"crypto/hpke"
	"fmt"

	"github.com/capodekappa/capo/fleet/canon"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
)

// keyStatement is what a node signs: that this is its key.
func keyStatement(fleet string, k api.SealKey) ([]byte, error) {
	text, err := canon.Marshal(map[string]any{"fleet": fleet, "node": k.Node, "boot": k.Boot, "key": k.Key})
	return append([]byte("capo seal key v1\n"), text...), err
}

// SignKey says that a key is that of a run of a node, by the key of the node's certificate: an operator does not have to believe the node
// that hands it on. chain is the certificate and what stands behind it, in DER.
func SignKey(fleet, node, boot string, public hpke.PublicKey, signer *trust.Key, chain [][]byte) (api.SealKey, error) {
	k := api.SealKey{Node: node, Boot: boot, Key: public.Bytes(), Chain: chain}
	statement, err := keyStatement(fleet, k)
	if err == nil {
		k.Sig, err = signer.Sign(statement)
	}
	if err != nil {
		return k, fmt.Errorf("sign the seal key of node %s: %w", node, err)
	}
	return k, nil
}

// VerifyKey tells whose key it is that a node of the fleet signed. Its errors are those of package trust.
func VerifyKey(a *trust.Authority, k api.SealKey) (Recipient, error) {
	chain, err := trust.ParseChain(k.Chain)
	if err != nil {
		return Recipient{}, fmt.Errorf("seal key of node %.60q: %w", k.Node, err)
	}
	id, err := a.Identify(chain)
	if err != nil {
		return Recipient{}, fmt.Errorf("seal key of node %.60q: %w", k.Node, err)
	}
	if id.Role != trust.RoleNode || id.ID != k.Node || !bootForm.MatchString(k.Boot) {
		return Recipient{}, fmt.Errorf("seal key of node %.60q: %w: it is signed by %s", k.Node, trust.ErrOtherID, id)
	}
	statement, err := keyStatement(a.Fleet(), k)
	if err != nil {
		return Recipient{}, err
	}
	if !trust.Verify(chain[0], statement, k.Sig) {
		return Recipient{}, fmt.Errorf("seal key of node %s: %w", k.Node, trust.ErrOtherID)
	}
	return Recipient{Node: k.Node, Boot: k.Boot, Key: k.Key}, nil
}
