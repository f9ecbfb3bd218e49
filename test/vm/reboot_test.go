package vm

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// TestABoardRebootsAndIsSwitchedOff is administration where a reboot is one of a machine. With one board the log goes with it, so both need
// --force.
func TestABoardRebootsAndIsSwitchedOff(t *testing.T) {
	f := start(t, "--nodes", "1")
	before, machine := f.nodes()[0], f.state().Nodes[0].Process
	if _, err := f.run("", "reboot", "", "--yes"); err == nil {
		t.Error("the log's only server was rebooted without --force")
	}
	var results []api.Result
	began := time.Now()
	if err := json.Unmarshal([]byte(f.must("reboot", "", "--yes", "--force", "-o", "json")), &results); err != nil || len(results) != 1 || !results[0].OK {
		t.Errorf("results %+v, %v", results, err)
	}
	t.Logf("ready again after %s", time.Since(began).Round(100*time.Millisecond))
	after := f.nodes()[0]
	if after.ID != before.ID || after.Boot == before.Boot || after.State != "ready" || after.UptimeMS > time.Since(began).Milliseconds() {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if !machine.Alive() {
		t.Error("the reboot ended QEMU")
	}
	f.must("poweroff", "", "--yes", "--force")
	for end := time.Now().Add(20 * time.Second); machine.Alive(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the board was switched off and QEMU runs")
		}
	}
}
