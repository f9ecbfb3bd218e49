package vm

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/need"
)

// TestBoardsOfThreeArchitecturesRunOneJob is a fleet of a PC, an ARMv8 and an ARMv7 board: each of them carries the log, and one job's
// records are shared out among all three.
func TestBoardsOfThreeArchitecturesRunOneJob(t *testing.T) {
	need.Command(t, "qemu-system-aarch64")
	need.Command(t, "qemu-system-arm")
	need.File(t, "/usr/share/libjxl-testdata/jxl/flower/flower.png", "libjxl-testdata")
	f := start(t, "--board", "qemu-amd64,qemu-arm64,qemu-arm")
	want := map[string]string{"qemu-amd64": "amd64", "qemu-arm64": "arm64", "qemu-arm": "arm"}
	got, ids := map[string]string{}, map[string]string{}
	for _, n := range f.nodes() {
		got[n.Board], ids[n.ID] = n.Arch, n.Arch
		if n.State != "ready" || n.Log != "server" || n.Cells != "full" {
			t.Errorf("node %+v", n)
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("boards %v, want %v", got, want)
	}
	var results []api.Result
	if err := json.Unmarshal([]byte(f.must("exec", "node.arch", "-o", "json")), &results); err != nil || len(results) != 3 {
		t.Fatalf("results %+v, %v", results, err)
	}
	for _, r := range results {
		var arch string
		if err := json.Unmarshal(r.Value, &arch); err != nil || !r.OK || arch != ids[r.Node] {
			t.Errorf("%s says %s, %v; it is %s", r.Node, r.Value, err, ids[r.Node])
		}
	}
	t.Run("the picture", f.picture)
	t.Run("kernels", f.kernels)
	t.Run("a hostile job", func(t *testing.T) {
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			f.hostile(t, id)
		}
	})
}
