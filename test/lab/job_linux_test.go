package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/jsrt/bundle"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// copier is a job that copies its input, with a text of its own before it.
func copier(name, in, out string) string {
	return fmt.Sprintf(`
export const job = { name: '%s', in: '%s', out: '%s' }
export default { async queue(batch, env) { for (const m of batch.messages) await env.out.send('%[1]s ' + m.text(), { key: m.key }) } }`, name, in, out)
}

// packed is a job ready to be signed.
type packed struct {
	manifest api.Manifest
	parts    [][]byte
}

func pack(t *testing.T, source string) packed {
	t.Helper()
	file := filepath.Join(t.TempDir(), "job.ts")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Build(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := bundle.Describe(t.Context(), b, binary)
	if err != nil {
		t.Fatal(err)
	}
	part := func(data []byte) api.Part { return api.Part{Digest: control.Digest(data), Bytes: int64(len(data))} }
	return packed{api.Manifest{Name: s.Name, File: b.File, JS: part(b.JS), Map: part(b.Map), Handlers: s.Handlers, Settings: s}, [][]byte{b.JS, b.Map}}
}

// record is a job's control record in a log, signed by the fleet's operator.
func (p packed) record(t *testing.T, f *fleet.Fleet, log string, generation uint64) *control.Record {
	t.Helper()
	rec := &control.Record{Fleet: f.ID(), Log: log, Kind: control.KindJob, Target: p.manifest.Name, Generation: generation, Time: 1}
	if err := rec.Seal(p.manifest); err != nil {
		t.Fatal(err)
	}
	if err := rec.Sign(f.Key); err != nil {
		t.Fatal(err)
	}
	return rec
}

// deploy has a job run, through node i, and returns its name@version.
func (l *lab) deploy(i int, f *fleet.Fleet, source string) string {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), within)
	defer cancel()
	c, p := l.client(i), pack(l.t, source)
	for _, data := range p.parts {
		if err := c.PutBlob(ctx, control.Digest(data), data); err != nil {
			l.t.Fatal(err)
		}
	}
	standing, err := c.Generation(ctx, "job", p.manifest.Name)
	if err != nil {
		l.t.Fatal(err)
	}
	rec := p.record(l.t, f, standing.Log, standing.Generation+1)
	raw, err := rec.Encode()
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := c.AppendControl(ctx, raw); err != nil {
		l.t.Fatal(err)
	}
	return p.manifest.Name + "@" + rec.Digest[:8]
}

// runs waits until all the nodes run just these jobs (name@version), in the words of each.
func (l *lab) runs(nodes []int, jobs ...string) {
	l.t.Helper()
	slices.Sort(jobs)
	l.Eventually(within, "jobs", func() error {
		for _, i := range nodes {
			if err := l.runsBy(i, jobs); err != nil {
				return fmt.Errorf("node %d: %w", i, err)
			}
		}
		return nil
	})
}

// runsBy says what is wrong with what runs, in the words of node i.
func (l *lab) runsBy(i int, jobs []string) error {
	rows, err := l.rows(i)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r api.Node) bool { return r.State == fleet.StateLost })
	for _, row := range rows {
		if !slices.Equal(row.Jobs, jobs) {
			return fmt.Errorf("%s has %v, want %v", row.ID, row.Jobs, jobs)
		}
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), 3*time.Second)
	defer cancel()
	for _, job := range jobs {
		name, version, _ := strings.Cut(job, "@")
		row, err := l.client(i).Job(ctx, name)
		if err != nil {
			return err
		}
		if row.Version != version || row.State != api.JobRunning || len(row.Nodes) != len(rows) || len(row.Missing) > 0 {
			return fmt.Errorf("%s is %s as %s on %v (missing: %v), want it to run on %d nodes", job, row.State, row.Version, row.Nodes, row.Missing, len(rows))
		}
	}
	return nil
}

// put appends records to a stream through node i, and returns what it was answered.
func (l *lab) put(i int, stream string, records ...api.PutRecord) api.Put {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), within)
	defer cancel()
	p, err := l.client(i).Put(ctx, stream, records)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// get reads a whole stream through node i.
func (l *lab) get(i int, stream string) ([]api.Record, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), within)
	defer cancel()
	var all []api.Record
	err := l.client(i).Lines(ctx, "/v1/streams/"+stream, func(line []byte) error {
		var r api.Record
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		all = append(all, r)
		return nil
	})
	return all, err
}

// texts waits until a stream, read through each of the nodes, has just these texts in any order.
func (l *lab) texts(nodes []int, stream string, want ...string) {
	l.t.Helper()
	slices.Sort(want)
	l.Eventually(within, "records of "+stream, func() error {
		for _, i := range nodes {
			all, err := l.get(i, stream)
			if err != nil {
				return fmt.Errorf("node %d: %w", i, err)
			}
			var got []string
			for _, r := range all {
				got = append(got, text(r))
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				return fmt.Errorf("node %d has %d records in %s: %.200q, want %d: %.200q", i, len(got), stream, got, len(want), want)
			}
		}
		return nil
	})
}

func text(r api.Record) string {
	switch {
	case r.Data != nil:
		return *r.Data
	case r.DataB64 != nil:
		return "base64:" + *r.DataB64
	}
	return ""
}

// control reads the control log through node i.
func (l *lab) control(i int) ([]api.ControlEntry, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), within)
	defer cancel()
	var all []api.ControlEntry
	err := l.client(i).Lines(ctx, "/v1/log", func(line []byte) error {
		var e api.ControlEntry
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		all = append(all, e)
		return nil
	})
	return all, err
}

// wantNoStream checks that node i's log has no stream of that name.
func (l *lab) wantNoStream(i int, stream string) {
	l.t.Helper()
	if _, err := l.get(i, stream); !api.IsStatus(err, http.StatusNotFound) {
		l.t.Errorf("stream %s: %v, want 404", stream, err)
	}
}

// numbered are n records with that word before their number, some with a key.
func numbered(word string, n int) (records []api.PutRecord, texts []string) {
	for i := range n {
		r := api.PutRecord{Data: fmt.Sprintf("%s %d", word, i)}
		if i%2 == 0 {
			r.Key = fmt.Sprintf("key %d", i%6)
		}
		records, texts = append(records, r), append(texts, r.Data)
	}
	return records, texts
}

func prefixed(prefix string, list []string) []string {
	var all []string
	for _, s := range list {
		all = append(all, prefix+s)
	}
	return all
}

// TestALateNodeCatchesUp: it runs the job that was deployed before it came, and reads what was appended.
func TestALateNodeCatchesUp(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	l.Rules = fleet.Rules{Size: 4}
	f := l.Found("dev")
	for i := range 3 {
		l.Run(i, id(i), f.Membership)
	}
	l.ready(0, 1, 2)
	job := l.deploy(0, f, copier("early", "in", "out"))
	records, texts := numbered("before", 12)
	l.put(1, "in", records...)
	l.texts([]int{2}, "out", prefixed("early ", texts)...)
	l.Run(3, id(3), f.Membership)
	l.ready(0, 1, 2, 3)
	l.runs([]int{0, 3}, job)
	l.texts([]int{3}, "in", texts...)
	l.texts([]int{3}, "out", prefixed("early ", texts)...)
	// It does its part of the work: it alone, once the others have stopped it.
	more, after := numbered("after", 12)
	l.put(3, "in", more...)
	l.texts([]int{0, 3}, "out", prefixed("early ", append(texts, after...))...)
	all, err := l.get(3, "out")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(r api.Record) bool {
		return r.Headers["capo-node"] == id(3) && strings.HasPrefix(text(r), "early after")
	}) {
		t.Errorf("none of the records was handled by the late node: %v", all)
	}
}

// eventsOf are the entries of a control log of one kind and target.
func eventsOf(all []api.ControlEntry, kind, target string) []api.ControlEntry {
	return slices.DeleteFunc(all, func(e api.ControlEntry) bool { return e.Kind != kind || e.Target != target })
}
