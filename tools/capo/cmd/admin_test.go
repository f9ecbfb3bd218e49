package cmd

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
)

func TestLabelChange(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string // JSON, or a part of the error
	}{
		{[]string{"site=lab", "x-"}, `{"site":"lab","x":null}`},
		{[]string{"site=", "a=b=c", "k=v-"}, `{"a":"b=c","k":"v-","site":""}`},
		{[]string{"site"}, `"site" is neither`},
		{[]string{"=lab"}, `"=lab" is neither`},
		{[]string{"-"}, `"-" is neither`},
	} {
		change, err := labelChange(tt.args)
		got, _ := json.Marshal(change)
		if err != nil {
			got = []byte(err.Error())
		}
		if !strings.HasPrefix(string(got), tt.want) {
			t.Errorf("%q: %s, want %s", tt.args, got, tt.want)
		}
	}
}

func TestSelectNodes(t *testing.T) {
	rows := []api.Node{
		{ID: "a", State: fleet.StateReady, Boot: "1", Labels: map[string]string{"site": "lab"}},
		{ID: "b", State: fleet.StateDraining, Boot: "2", Labels: map[string]string{"site": "lab"}},
		{ID: "c", State: fleet.StateLost, Boot: "3", Labels: map[string]string{"site": "lab"}},
		{ID: "d", State: fleet.StateReady, Boot: "4"},
	}
	with := func(on, own string, admin, undo bool) errand {
		return errand{built: built{manifest: api.Manifest{On: on, Settings: job.Job{Admin: admin, Place: job.Place{On: own}}}}, undo: undo}
	}
	for _, tt := range []struct {
		name string
		e    errand
		want string // ids, or a part of the error
	}{
		{"every ready one", with("", "", false, false), "a d"},
		{"every ready one for an admin job", with("", "", true, false), "a d"},
		{"a selector takes ready ones", with("site=lab", "", false, false), "a"},
		{"for an admin job draining ones too", with("site=lab", "", true, false), "a b"},
		{"the job's own selector", with("", "site=lab", true, false), "a b"},
		{"both", with("id=a", "site=lab", true, false), "a"},
		{"to undo", with("", "", true, true), "a b d"},
		{"none", with("site=moon", "", true, false), `no ready node fits "site=moon"; there are: `},
		{"an id alone", with("a", "", true, false), `no ready node fits "a"; did you mean id=a?`},
		{"a bad selector", with("a b", "", true, false), `selector "a b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nodes, err := selectNodes(rows, tt.e)
			got := strings.Join(slices.Sorted(maps.Keys(nodes)), " ")
			if err != nil {
				got = err.Error()
				if exitCode(err) != exitUsage {
					t.Errorf("exit code %d", exitCode(err))
				}
			}
			if !strings.HasPrefix(got, tt.want) || err == nil && got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestVerbsAreAdminJobs(t *testing.T) {
	f := adminFlags{max: 2, timeout: time.Minute, force: true}
	e, err := f.errand(verbReboot, "site in (a,b),arch=arm")
	if err != nil {
		t.Fatal(err)
	}
	s := e.manifest.Settings
	if !s.Admin || s.Place != (job.Place{Order: job.Rolling, Max: 2}) || s.Needs.Time() != time.Minute+leaveTime || e.manifest.On != "site in (a,b),arch=arm" {
		t.Errorf("settings %+v", s)
	}
	if name := e.target(); !strings.HasPrefix(name, "reboot-site.in..a.b..arch.arm-") {
		t.Errorf("target %s", name)
	}
	if b, err := expression("exec", "1", nil, ""); err != nil || b.manifest.Settings.Needs.Time() != job.RunTime || !b.manifest.Settings.Admin {
		t.Errorf("exec: %+v, %v", b.manifest.Settings, err)
	}
	f.max = 0
	if e, err = f.errand(verbPoweroff, ""); err != nil || e.manifest.Settings.Place != (job.Place{}) || !strings.HasPrefix(e.target(), "poweroff-") {
		t.Errorf("all at once: %+v, %v", e.manifest.Settings, err)
	}
	for _, bad := range []adminFlags{{max: -1, timeout: time.Second}, {max: 1}, {max: 1, timeout: 2 * time.Hour}} {
		if _, err := bad.errand("drain", ""); err == nil || exitCode(err) != exitUsage {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestCollectorHasItsTime(t *testing.T) {
	c := &collector{nodes: map[string]string{"a": "1", "b": "1", "c": "1"}, answers: map[string]api.Result{}}
	c.errand.manifest.Settings = job.Job{Needs: job.Needs{TimeMS: 10_000}}
	if got := c.budget(); got != 25*time.Second {
		t.Errorf("all at once: %s", got)
	}
	c.errand.manifest.Settings.Place = job.Place{Order: job.Rolling, Max: 2}
	if got, want := c.budget(), 2*(10*time.Second+turnSlack+backWithin); got != want {
		t.Errorf("rolling: %s, want %s", got, want)
	}
	c.deadline = time.Now().Add(time.Hour)
	c.take(api.Result{Node: "stranger", OK: true})
	c.take(api.Result{Node: "a", OK: true})
	if len(c.answers) != 1 || time.Until(c.deadline) < 59*time.Minute {
		t.Errorf("answers %v, %s left", c.answers, time.Until(c.deadline))
	}
	c.take(api.Result{Node: "b", Error: &api.RunError{Message: "no"}})
	if time.Until(c.deadline) > time.Minute {
		t.Errorf("after a failure %s left", time.Until(c.deadline))
	}
	c.errand.verb = "reboot"
	c.take(api.Result{Node: "b", Error: &api.RunError{Message: "Error: node.reboot: not now", File: "expression", Line: 1, Column: 6}})
	if e := c.results()[1].Error; *e != (api.RunError{Message: "not now"}) {
		t.Errorf("an error of a verb: %+v", e)
	}
	if got := c.results(); len(got) != 3 || got[2].Node != "c" || got[2].OK || !got[2].Error.TimedOut {
		t.Errorf("results %+v", got)
	}
}
