package queue

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/queue/control"
)

var update = flag.Bool("update", false, "write docs/goldens/stored-core.txt anew")

// TestCoreIsStoredAsDescribed writes one of everything to the core of a log and looks at the messages that its server holds.
func TestCoreIsStoredAsDescribed(t *testing.T) {
	_, _, core := cluster(t, 1)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := &control.Record{Fleet: "f", Log: "inc", Kind: control.KindRun, Target: "edges.v2", Generation: 1, Time: 1}
	must(c.Seal(struct{}{}))
	_, err := core.AppendControl(ctx, c)
	must(err)
	must(core.PutState(ctx, StateKey("node", "pi-1"), []byte("a heartbeat")))
	must(core.PutResult(ctx, 17, "pi-1", []byte("a result")))
	must(core.PutLine("pi-1", "edges", []byte("a line")))
	var b bytes.Buffer
	for _, name := range []string{controlStream, stateStream, resultStream, logStream} {
		info, err := core.legacy.StreamInfo(name)
		for err == nil && info.State.LastSeq == 0 && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond) // a line is not waited for when it is written
			info, err = core.legacy.StreamInfo(name)
		}
		must(err)
		fmt.Fprintf(&b, "stream %s takes %s\n", name, strings.Join(info.Config.Subjects, " "))
		for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
			msg, err := core.legacy.GetMsg(name, seq)
			must(err)
			fmt.Fprintf(&b, "  %d %s\n", seq, msg.Subject)
			for _, key := range slices.Sorted(maps.Keys(msg.Header)) {
				fmt.Fprintf(&b, "    %s: %s\n", key, msg.Header.Get(key))
			}
			fmt.Fprintf(&b, "    %q\n", msg.Data)
		}
	}
	const path = "../docs/goldens/stored-core.txt"
	if *update {
		must(os.WriteFile(path, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	must(err)
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s is not what is stored (-golden +stored):\n%s", path, diff)
	}
}
