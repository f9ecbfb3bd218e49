package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// TestIslandsThatMeet: two islands, each large enough for a log by what it was told, form two logs with records
// and jobs of their own. Joined, the lower one stays (both have three nodes and no anchor): with
// its records and jobs on all six nodes; what the other one held is in blobs that an event names.
func TestIslandsThatMeet(t *testing.T) {
	t.Parallel()
	l := inNamespaces(t, 6)
	l.Rules = fleet.Rules{Size: 3}
	f := l.Found("dev")
	l.net.Partition(3, 4, 5)
	for i := range 6 {
		l.Run(i, id(i), f.Membership)
	}
	win, lose := l.settle(f, "left", 0, 1, 2), l.settle(f, "right", 3, 4, 5)
	if lose.log.Incarnation < win.log.Incarnation {
		win, lose = lose, win
	}
	t.Logf("%s stays, %s gives way", win.log.Incarnation, lose.log.Incarnation)

	writer := l.startWriter(lose.nodes, "busy")
	time.Sleep(time.Second)
	l.net.Partition()
	l.Eventually(2*within, "one log", func() error {
		log, err := l.Log(upTo(6)...)
		if err == nil && log.Incarnation != win.log.Incarnation {
			return fmt.Errorf("all are in the log %s, want %s", log.Incarnation, win.log.Incarnation)
		}
		return err
	})
	l.ready(upTo(6)...)
	acked := writer.stop()
	if !writer.refusedForGivingWay() {
		t.Errorf("no write was refused with 503 while the log gave way: %v", writer.refusals)
	}

	l.runs(upTo(6), win.job)
	for stream, want := range win.streams {
		for _, i := range []int{win.nodes[0], lose.nodes[0]} {
			if got, err := l.get(i, stream); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("stream %s of the winner through node %d: %v %s", stream, i, err, cmp.Diff(want, got))
			}
		}
	}
	for stream := range lose.streams {
		if _, same := win.streams[stream]; !same {
			l.wantNoStream(0, stream)
		}
	}
	got := l.exported(win, lose)
	busy := got.streams["busy"]
	delete(got.streams, "busy")
	if diff := cmp.Diff(lose.streams, got.streams); diff != "" {
		t.Errorf("the blobs do not hold what the loser held (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(lose.control, got.control); diff != "" {
		t.Errorf("the blobs do not hold the loser's control log (-want +got):\n%s", diff)
	}
	after, err := l.get(0, "busy")
	if err != nil && !api.IsStatus(err, http.StatusNotFound) {
		t.Fatal(err)
	}
	wantAcknowledged(t, acked, map[string][]api.Record{lose.log.Incarnation: busy, win.log.Incarnation: after})
}

// island is one of two fleets' worth of nodes, and what its log holds.
type island struct {
	nodes   []int
	log     *fleet.LogInfo
	job     string
	streams map[string][]api.Record
	control []control.Record
}

// settle has nodes that formed a log run a job over records of their own: text, bytes, and one too large to
// stand in a record.
func (l *lab) settle(f *fleet.Fleet, word string, nodes ...int) island {
	l.t.Helper()
	in := island{nodes: nodes, log: l.ready(nodes...), streams: map[string][]api.Record{}}
	in.job = l.deploy(nodes[0], f, copier(word, "shared", word+".out"))
	l.runs(nodes, in.job)
	records, texts := numbered(word, 30)
	l.put(nodes[1], "shared", records...)
	l.put(nodes[2], word+".only", api.PutRecord{DataB64: []byte("\x00\xfe\xff" + word), Key: "bytes", Headers: map[string]string{"from": word}}, api.PutRecord{})
	large := strings.Repeat(word+" ", queue.MaxRecord/4)
	if _, err := l.client(nodes[2]).PutBody(l.t.Context(), word+".only", "large", "text/plain", strings.NewReader(large)); err != nil {
		l.t.Fatal(err)
	}
	l.texts(nodes, word+".out", prefixed(word+" ", texts)...)
	for _, stream := range []string{"shared", word + ".out", word + ".only"} {
		all, err := l.get(nodes[0], stream)
		if err != nil {
			l.t.Fatal(err)
		}
		in.streams[stream] = all
	}
	q := pack(l.t, copier(word, "shared", word+".out"))
	rec := q.record(l.t, f, in.log.Incarnation, 1)
	in.control = []control.Record{*rec}
	return in
}

// exported reads back what a log left when it gave way.
func (l *lab) exported(win, lose island) (got island) {
	l.t.Helper()
	entries, err := l.control(win.nodes[0])
	if err != nil {
		l.t.Fatal(err)
	}
	events := eventsOf(entries, control.KindEvent, "log-"+lose.log.Incarnation)
	if len(events) != 1 || !events[0].OK {
		l.t.Fatalf("events %+v, want one about the log %s", events, lose.log.Incarnation)
	}
	var report node.MergeReport
	if err := json.Unmarshal(events[0].Body, &report); err != nil {
		l.t.Fatal(err)
	}
	if report.Event != "merged" || report.From != lose.log.Incarnation || report.Into != win.log.Incarnation || report.Error != "" || len(report.Blobs) == 0 {
		l.t.Fatalf("event %+v", report)
	}
	got.streams = map[string][]api.Record{}
	lines := 0
	for _, part := range report.Blobs {
		data := l.blob(win.nodes[0], win.log, part.Digest)
		if control.Digest(data) != part.Digest || int64(len(data)) != part.Bytes {
			l.t.Fatalf("blob %s has %d bytes, want %d", part.Digest, len(data), part.Bytes)
		}
		for line := range bytes.Lines(data) {
			var v struct {
				Control *control.Record
				Stream  string
				Record  *api.Record
			}
			if err := json.Unmarshal(line, &v); err != nil {
				l.t.Fatalf("line %d: %v: %.200s", lines, err, line)
			}
			if lines++; v.Control != nil {
				got.control = append(got.control, *v.Control)
			} else {
				got.streams[v.Stream] = append(got.streams[v.Stream], *v.Record)
			}
		}
	}
	if lines != report.Records {
		l.t.Errorf("%d records in the blobs, the event says %d", lines, report.Records)
	}
	for stream, all := range got.streams {
		if report.Streams[stream] != len(all) {
			l.t.Errorf("%d records of %s in the blobs, the event says %d", len(all), stream, report.Streams[stream])
		}
	}
	return got
}

// blobTask makes the test's own binary print a blob; its value is a blobRequest. It runs in a namespace,
// where the log can be reached.
const blobTask = "CAPO_LAB_BLOB"

type blobRequest struct {
	Incarnation, Digest string
	Member              []byte // fleet.json
	Servers             []netip.Addr
}

func printBlob(task string) error {
	var r blobRequest
	if err := json.Unmarshal([]byte(task), &r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	m, err := fleet.ParseMembership(r.Member)
	if err != nil {
		return err
	}
	authority, _, err := m.Enter("blob", trust.Options{})
	if err != nil {
		return err
	}
	q, err := queue.Open(ctx, queue.Config{Incarnation: r.Incarnation, Servers: r.Servers, Authority: authority, ID: "blob", Name: "blob-0123456789abcdef", MaxMemory: 64 << 20})
	if err != nil {
		return err
	}
	defer q.Close()
	data, err := q.Blob(ctx, r.Digest)
	if err == nil {
		_, err = os.Stdout.Write(data)
	}
	return err
}

// blob reads a blob of a log in node i's namespace.
func (l *lab) blob(i int, log *fleet.LogInfo, digest string) []byte {
	l.t.Helper()
	member, err := l.Membership(i).Marshal()
	if err != nil {
		l.t.Fatal(err)
	}
	r := blobRequest{Incarnation: log.Incarnation, Member: member, Digest: digest}
	for _, s := range log.Servers {
		r.Servers = append(r.Servers, s.Addr)
	}
	task, err := json.Marshal(r)
	if err != nil {
		l.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := l.Place.Command(l.t.Context(), i, self)
	cmd.Env = append(os.Environ(), blobTask+"="+string(task))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	data, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("blob %s: %v: %s", digest, err, errs.String())
	}
	return data
}

// writer appends without end, each record through the next of some nodes, and notes what it was answered.
type writer struct {
	l    *lab
	done sync.WaitGroup
	end  context.CancelFunc

	mu       sync.Mutex // guards what follows
	acked    []ack
	refusals map[string]int // by what was said
}

// ack is an append that was acknowledged.
type ack struct {
	text string
	seq  uint64
}

func (l *lab) startWriter(nodes []int, stream string) *writer {
	ctx, cancel := context.WithCancel(l.t.Context())
	w := &writer{l: l, end: cancel, refusals: map[string]int{}}
	for k, i := range nodes {
		clients := []*api.Client{l.client(i)}
		for _, j := range nodes {
			if j != i {
				clients = append(clients, l.client(j))
			}
		}
		w.done.Go(func() { w.write(ctx, stream, fmt.Sprintf("w%d", k), clients) })
	}
	l.t.Cleanup(func() { w.stop() })
	return w
}

// write sends one record after the other; one that is refused goes to the next node.
func (w *writer) write(ctx context.Context, stream, name string, clients []*api.Client) {
	for n := 0; ctx.Err() == nil; n++ {
		text := fmt.Sprintf("%s record %d", name, n)
		for try := 0; ctx.Err() == nil; try++ {
			limit, cancel := context.WithTimeout(ctx, 4*time.Second)
			p, err := clients[try%len(clients)].PutBody(limit, stream, name, "text/plain", strings.NewReader(text))
			cancel()
			w.note(text, p, err)
			if err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *writer) note(text string, p api.Put, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.acked = append(w.acked, ack{text, p.FirstSeq})
		return
	}
	what := "unreachable"
	if api.IsStatus(err, http.StatusServiceUnavailable) {
		what = "503 " + err.Error()
	} else if strings.HasPrefix(err.Error(), "/") || len(err.Error()) < 80 {
		what = err.Error()
	}
	w.refusals[what]++
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}

// stop ends the writer and returns what was acknowledged.
func (w *writer) stop() []ack {
	w.end()
	w.done.Wait()
	return w.acked
}

func (w *writer) refusedForGivingWay() bool {
	for what := range w.refusals {
		if strings.HasPrefix(what, "503 ") && strings.Contains(what, "gives way") {
			return true
		}
	}
	return false
}

// wantAcknowledged checks that each acknowledged record stands at its sequence in one of the logs, byte for byte.
func wantAcknowledged(t *testing.T, acked []ack, logs map[string][]api.Record) {
	t.Helper()
	bySeq, total := map[ack]bool{}, 0
	for _, records := range logs {
		for _, r := range records {
			bySeq[ack{text(r), r.Seq}] = true
			total++
		}
	}
	lost := 0
	for _, a := range acked {
		if !bySeq[a] {
			if lost++; lost <= 5 {
				t.Errorf("lost: %q was acknowledged at sequence %d", a.text, a.seq)
			}
		}
	}
	if len(acked) == 0 || lost > 0 {
		t.Errorf("%d of %d acknowledged records are lost; %d are there", lost, len(acked), total)
	}
	t.Logf("%d acknowledged, %d there", len(acked), total)
}

// TestAMinorityFormsNoOtherLog: nodes that were in a log and are cut off from it say that they are lost, form no other
// however many they are, and catch up when they are back.
func TestAMinorityFormsNoOtherLog(t *testing.T) {
	t.Parallel()
	l := inNamespaces(t, 6)
	l.Rules = fleet.Rules{Expect: 3}
	f := l.Found("dev")
	for i := range 6 {
		l.Run(i, id(i), f.Membership)
	}
	log := l.ready(upTo(6)...)
	away := []int{2, 3, 4} // one of the servers and two that are none: enough to form a log, had they just booted
	l.net.Partition(away...)
	l.Eventually(within, "lost", func() error {
		for _, i := range away {
			h, err := l.Hello(i)
			if err != nil || h.State != fleet.StateLost || h.Log != nil {
				return fmt.Errorf("node %d: hello %+v, error %v; want it lost", i, h, err)
			}
		}
		return nil
	})
	l.Waits(within, 3, "for the log "+log.Incarnation+" to answer")
	l.Outside(6*time.Second, log.Incarnation, away...)
	// The majority goes on without them.
	job := l.deploy(0, f, copier("meanwhile", "in", "out"))
	records, texts := numbered("record", 10)
	l.put(5, "in", records...)
	l.texts([]int{0, 1, 5}, "out", prefixed("meanwhile ", texts)...)
	l.net.Partition()
	if after := l.ready(upTo(6)...); after.Incarnation != log.Incarnation {
		t.Fatalf("the log %s became %s", log.Incarnation, after.Incarnation)
	}
	l.runs(upTo(6), job)
	l.texts(upTo(6), "in", texts...)
	l.texts(upTo(6), "out", prefixed("meanwhile ", texts)...)
}
