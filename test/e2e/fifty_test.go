package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/need"
)

// TestFiftyNodesFormOneLogLong has no figure to meet, `capo bench fleet50` has: it must also hold on a busy machine.
func TestFiftyNodesFormOneLogLong(t *testing.T) {
	need.Long(t)
	const n = 50
	o := newOperator(t)
	started := time.Now()
	rows := o.up("--nodes", fmt.Sprint(n))
	t.Logf("%d nodes after %v", len(rows), time.Since(started).Round(time.Millisecond))
	addresses := map[string]string{}
	for _, r := range rows {
		addresses[r.ID] = r.Address
	}
	if len(addresses) != n {
		t.Fatalf("%d ids of %d nodes: %v", len(addresses), n, addresses)
	}
	for id, address := range addresses {
		eventually(t, 20*time.Second, func() error {
			var seen []api.Node
			o.json(&seen, "nodes", "--node", address)
			servers := 0
			for _, r := range seen {
				if r.State != fleet.StateReady || addresses[r.ID] != r.Address {
					return fmt.Errorf("%s shows %s at %s as %s", id, r.ID, r.Address, r.State)
				}
				if r.Log == string(fleet.RoleServer) {
					servers++
				}
			}
			if len(seen) != n || servers != 3 {
				return fmt.Errorf("%s shows %d nodes of which %d carry the log", id, len(seen), servers)
			}
			return nil
		})
	}
}
