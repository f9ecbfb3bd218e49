package node

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
)

func text(s string) *string { return &s }

func TestLabelsAreRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		arg  cell.Value
		want map[string]*string
		err  string
	}{
		{"a pair", cell.Value{Kind: cell.Text, Data: []byte("site=lab")}, map[string]*string{"site": text("lab")}, ""},
		{"an empty value", cell.Value{Kind: cell.Text, Data: []byte("site=")}, map[string]*string{"site": text("")}, ""},
		{"a dash in the value", cell.Value{Kind: cell.Text, Data: []byte("site=a-")}, map[string]*string{"site": text("a-")}, ""},
		{"one to remove", cell.Value{Kind: cell.Text, Data: []byte("site-")}, map[string]*string{"site": nil}, ""},
		{"an object", cell.Value{Kind: cell.JSON, Data: []byte(`{"a":"1","b":null}`)}, map[string]*string{"a": text("1"), "b": nil}, ""},
		{"a word", cell.Value{Kind: cell.Text, Data: []byte("site")}, nil, "neither k=v nor k-"},
		{"a number", cell.Value{Kind: cell.JSON, Data: []byte(`{"a":1}`)}, nil, "an object of texts"},
		{"null", cell.Value{Kind: cell.JSON, Data: []byte(`null`)}, nil, "an object of texts"},
		{"no label", cell.Value{Kind: cell.JSON, Data: []byte(`{}`)}, nil, "names no label"},
		{"nothing", cell.Value{}, nil, "wants labels"},
		{"bytes", cell.Value{Kind: cell.Bytes, Data: []byte("a=b")}, nil, "wants labels"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseLabels(tt.arg)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				return
			}
			if d := cmp.Diff(tt.want, got); err != nil || d != "" {
				t.Error(err, d)
			}
		})
	}
}

func TestRelabelKeepsWhatAnErrorWouldChange(t *testing.T) {
	base := map[string]string{"site": "lab", "rack": "1"}
	a := &admin{}
	step := func(change map[string]*string, want map[string]string, wrong string) {
		t.Helper()
		got, err := a.relabel(base, change)
		if wrong != "" {
			if err == nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("%v: got %v, want %s", change, err, wrong)
			}
		} else if err != nil || !maps.Equal(got, want) {
			t.Errorf("%v: got %v, %v, want %v", change, got, err, want)
		}
		if !maps.Equal(a.over(base), want) {
			t.Errorf("after %v: %v, want %v", change, a.over(base), want)
		}
	}
	now := map[string]string{"site": "home", "rack": "1", "x": ""}
	step(map[string]*string{"site": text("home"), "x": text("")}, now, "")
	step(map[string]*string{"rack": nil, "id": text("me")}, now, "label id: it says what the node is")
	step(map[string]*string{"a b": text("1")}, now, "letters, digits")
	step(map[string]*string{"a b": nil}, now, "letters, digits")
	step(map[string]*string{"y": text(strings.Repeat("y", 64))}, now, "at most 63")
	many := map[string]*string{}
	for i := range 70 {
		many[fmt.Sprint("k", i)] = text("v")
	}
	step(many, now, "at most 64")
	step(map[string]*string{"rack": nil, "gone": nil}, map[string]string{"site": "home", "x": ""}, "")
	step(map[string]*string{"rack": text("2")}, map[string]string{"site": "home", "x": "", "rack": "2"}, "")
}

func TestADrainingNodeKeepsOnlyWhatItHas(t *testing.T) {
	m := api.Manifest{Name: "edges"}
	all := beats("a", "b")
	all[0].State = fleet.StateDraining
	if got, _ := place(m, all); !slices.Equal(got, []string{"b"}) {
		t.Errorf("placed on %v, want b: a drains", got)
	}
	all[0].Stats = map[string]jobReport{"edges": {}}
	if got, _ := place(m, all); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("placed on %v, want both: a has not let the job go yet", got)
	}
}

func TestOptionsOfLeaving(t *testing.T) {
	for _, tt := range []struct{ json, want string }{
		{`{}`, "30s"},
		{`{"timeout":"2m"}`, "2m0s"},
		{`{"timeout":"2m","force":true}`, "2m0s"},
		{`{"timeout":"0s"}`, "not a time between"},
		{`{"timeout":"2 min"}`, "not a time between"},
		{`{"timeout":5}`, "the options are an object"},
		{`{"within":"5s"}`, "the options are an object"},
		{`[]`, "the options are an object"},
		{`{} {}`, "the options are an object"},
	} {
		var o leaveOptions
		err := leaveArgument(cell.Value{Kind: cell.JSON, Data: []byte(tt.json)}, &o)
		d := time.Duration(0)
		if err == nil {
			d, err = o.time()
		}
		if got := fmt.Sprint(d, err); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.json, got, tt.want)
		}
	}
}

func TestACallThatTheHandlerDidNotWaitForFailsTheRun(t *testing.T) {
	r := &adminRun{}
	if _, err := r.call(t.Context(), "boot", nil); err == nil || r.unawaited() != nil {
		t.Errorf("a refusal: %v, %v", err, r.unawaited())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.call(ended, "boot", nil); err == nil || r.unawaited() == nil || !strings.Contains(r.unawaited().Error(), "node.boot() was done: write await") {
		t.Errorf("a call that ended with the cell: %v, %v", err, r.unawaited())
	}
}

func TestRecentKeepsTheNewestLines(t *testing.T) {
	r := &recent{}
	log := remember(slog.New(slog.DiscardHandler), r)
	log.Info("not taken: the first handler takes nothing")
	level := &slog.LevelVar{}
	var out strings.Builder
	log = remember(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})), r).With("id", "n1")
	for i := range recentLines + 5 {
		log.Info("line", "i", i)
	}
	log.Debug("hidden")
	level.Set(slog.LevelDebug)
	log.Debug("shown " + strings.Repeat("x", 1000))
	got := r.all()
	if len(got) != recentLines || !strings.Contains(got[0], "id=n1 i=6") || !strings.Contains(got[recentLines-1], "shown") || len(got[recentLines-1]) > recentWidth {
		t.Errorf("%d lines, first %q, last %q", len(got), got[0], got[len(got)-1])
	}
	if !strings.Contains(out.String(), "shown") || strings.Contains(strings.Join(got, ""), "hidden") {
		t.Error("the level is not the first handler's")
	}
}

// turnTest drives one node's view of a rolling run over a, b, c and d.
type turnTest struct {
	*rolling
	now     time.Time
	answers map[string]api.Result
	beats   []heartbeat
}

func newTurnTest(self string, most int) *turnTest {
	nodes := map[string]string{"a": "1", "b": "1", "c": "1", "d": "1"}
	m := api.Manifest{Settings: job.Job{Admin: true, Needs: job.Needs{TimeMS: 10_000}, Place: job.Place{Order: job.Rolling, Max: most}}}
	tt := &turnTest{rolling: newRolling(&api.Run{Manifest: m, Nodes: nodes}, self), now: time.Unix(1000, 0), answers: map[string]api.Result{}, beats: beats("a", "b", "c", "d")}
	for i := range tt.beats {
		tt.beats[i].Boot, tt.beats[i].State = "1", fleet.StateReady
	}
	return tt
}

func (tt *turnTest) ok(id, then string) { tt.answers[id] = api.Result{Node: id, OK: true, Then: then} }

func (tt *turnTest) want(t *testing.T, begin bool, stop string) {
	t.Helper()
	b, s := tt.step(tt.now, tt.answers, tt.beats)
	if b != begin || stop == "" && s != "" || !strings.Contains(s, stop) {
		t.Errorf("got %v %q, want %v %q", b, s, begin, stop)
	}
}

func TestRollingTakesOneAfterTheOther(t *testing.T) {
	newTurnTest("a", 1).want(t, true, "")
	tt := newTurnTest("c", 1)
	tt.want(t, false, "")
	tt.ok("a", "")
	tt.want(t, false, "")
	tt.ok("b", "")
	tt.want(t, true, "")
}

func TestRollingTakesAFewAtATime(t *testing.T) {
	newTurnTest("b", 2).want(t, true, "")
	tt := newTurnTest("d", 2)
	tt.want(t, false, "")
	tt.ok("b", "")
	tt.want(t, false, "")
	tt.ok("a", "")
	tt.want(t, true, "")
	newTurnTest("d", 9).want(t, true, "")
}

func TestRollingStopsAtAFailure(t *testing.T) {
	tt := newTurnTest("c", 1)
	tt.answers["a"] = api.Result{Node: "a", Error: &api.RunError{Message: "no"}}
	tt.want(t, false, "not run: a failed")
	tt.answers["b"] = api.Result{Node: "b", NotRun: true, Error: &api.RunError{Message: "not run: a failed"}}
	tt.want(t, false, "not run: a failed")

	tt = newTurnTest("c", 1)
	tt.answers["b"] = api.Result{Node: "b", NotRun: true, Error: &api.RunError{Message: "not run: a did not answer"}}
	tt.want(t, false, "not run: a did not answer")

	tt = newTurnTest("a", 4)
	tt.answers["d"] = api.Result{Node: "d", Error: &api.RunError{Message: "no"}}
	tt.want(t, false, "not run: d failed")
}

func TestRollingWaitsForARebootedNode(t *testing.T) {
	tt := newTurnTest("b", 1)
	tt.ok("a", thenReboot)
	tt.want(t, false, "")
	tt.beats[0].State = fleet.StateLost
	tt.want(t, false, "")
	tt.beats[0].Boot, tt.beats[0].State = "2", fleet.StateJoining
	tt.want(t, false, "")
	tt.beats[0].State = fleet.StateReady
	tt.want(t, true, "")

	tt = newTurnTest("b", 1)
	tt.ok("a", thenReboot)
	tt.want(t, false, "")
	tt.now = tt.now.Add(backWithin + time.Second)
	tt.want(t, false, "a was rebooted and was not ready again")

	tt = newTurnTest("b", 1)
	tt.ok("a", thenPoweroff)
	tt.want(t, true, "")
}

func TestRollingDoesNotWaitForEver(t *testing.T) {
	tt := newTurnTest("c", 1)
	tt.want(t, false, "")
	tt.now = tt.now.Add(39 * time.Second)
	tt.want(t, false, "")
	tt.ok("a", "")
	tt.want(t, false, "") // b's turn begins only now
	tt.now = tt.now.Add(39 * time.Second)
	tt.want(t, false, "")
	tt.now = tt.now.Add(2 * time.Second)
	tt.want(t, false, "b did not answer within 40s")

	tt = newTurnTest("c", 1)
	tt.beats[1].Boot = "2"
	tt.want(t, false, "")
	tt.now = tt.now.Add(bootGrace + time.Second)
	tt.want(t, false, "b began anew without an answer")
}

// FuzzAdminArguments is what a cell that was broken into may send.
func FuzzAdminArguments(f *testing.F) {
	f.Add(byte(cell.JSON), []byte(`{"site":"lab","x":null}`))
	f.Add(byte(cell.JSON), []byte(`{"timeout":"30s","undo":true,"force":false}`))
	f.Add(byte(cell.Text), []byte("site=lab"))
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		arg := cell.Value{Kind: cell.ValueKind(kind), Data: data}
		if change, err := parseLabels(arg); err == nil {
			a := &admin{}
			if all, err := a.relabel(map[string]string{"a": "1"}, change); err == nil && fleet.CheckLabels(all) != nil {
				t.Errorf("%q became %v", data, all)
			}
		}
		var o leaveOptions
		if leaveArgument(arg, &o) != nil {
			return
		}
		if d, err := o.time(); err == nil && (d <= 0 || d > time.Hour) {
			t.Errorf("%q became %s", data, d)
		}
	})
}
