package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/seal"
	"github.com/capodekappa/capo/queue"
)

// maxSealKey bounds what a node says of its key, in bytes.
const maxSealKey = 16 << 10

// tellSealKey has the log know the key that secrets are sealed to for this node. It stands beside the heartbeat, which everybody gets
// again and again.
func (s *session) tellSealKey(ctx context.Context) error {
	key, err := seal.SignKey(s.cfg.Membership.ID(), s.id, s.boot, s.n.secrets.key.PublicKey(), s.n.speaker.Key(), s.n.authority.Own().Certificate)
	if err != nil {
		return err
	}
	data, err := encodeJSON(key)
	if err == nil {
		err = s.core.PutState(ctx, queue.StateKey("seal", s.id), data)
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// corePutSealKey takes a node's key, from that node and no other.
func corePutSealKey(w http.ResponseWriter, r *http.Request, c core) error {
	data, err := readLimited(r, "seal key", maxSealKey)
	if err != nil {
		return err
	}
	var key api.SealKey
	if err := json.Unmarshal(data, &key); err != nil {
		return badRequest{fmt.Errorf("seal key: %w", err)}
	}
	id := identityOf(r)
	if err := ownWord("seal key", key.Node, id); err != nil {
		return err
	}
	if err := c.PutState(r.Context(), queue.StateKey("seal", id.ID), data); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// getSealKeys lists the keys that secrets are sealed to; whoever seals verifies them, see seal.VerifyKey.
func (n *Node) getSealKeys(w http.ResponseWriter, r *http.Request, s *session) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	byNode := map[string]api.SealKey{}
	err := s.core.FollowState(ctx, "seal", cancel, func(e queue.StateEntry) error {
		var key api.SealKey
		if json.NewDecoder(bytes.NewReader(e.Value)).Decode(&key) == nil {
			byNode[key.Node] = key
		}
		return nil
	})
	if r.Context().Err() != nil || err != nil && !errors.Is(err, context.Canceled) {
		return errors.Join(err, r.Context().Err())
	}
	keys := []api.SealKey{}
	for _, b := range s.roster.live() {
		if key, ok := byNode[b.ID]; ok && key.Boot == b.Boot {
			keys = append(keys, key)
		}
	}
	return writeJSON(w, keys)
}
