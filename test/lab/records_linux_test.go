package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// badRecord is one that no node may obey. They are appended to the control log itself, by one
// who has the fleet's token: no API stands before it.
type badRecord struct {
	name   string
	make   func(t *testing.T, b bad) []byte
	reason string
}

// bad is what bad records are made of.
type bad struct {
	fleet, stranger *fleet.Fleet
	log             string
	good, other     packed         // the job as it runs, at generation 5, and another version of it
	speaker         *trust.Speaker // of n0
	chain           [][]byte       // its certificate
}

// signed is a record about the job that the operator signed, changed before that by edit.
func (b bad) signed(t *testing.T, edit func(*control.Record)) *control.Record {
	rec := b.other.record(t, b.fleet, b.log, 6)
	edit(rec)
	if err := rec.Sign(b.fleet.Key); err != nil {
		t.Fatal(err)
	}
	return rec
}

func encode(t *testing.T, rec *control.Record) []byte {
	data, err := rec.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var badRecords = []badRecord{
	{"signature of another record", func(t *testing.T, b bad) []byte {
		rec := b.other.record(t, b.fleet, b.log, 6)
		rec.Sig = b.good.record(t, b.fleet, b.log, 6).Sig
		return encode(t, rec)
	}, "bad signature"},
	{"signature that is no base64", func(t *testing.T, b bad) []byte {
		rec := b.other.record(t, b.fleet, b.log, 6)
		rec.Sig = "%%%"
		return encode(t, rec)
	}, "bad signature"},
	{"generation raised after signing", func(t *testing.T, b bad) []byte {
		rec := b.other.record(t, b.fleet, b.log, 6)
		rec.Generation = 7
		return encode(t, rec)
	}, "bad signature"},
	{"body that was not signed", func(t *testing.T, b bad) []byte {
		rec := b.good.record(t, b.fleet, b.log, 6)
		rec.Body = b.other.record(t, b.fleet, b.log, 6).Body
		return encode(t, rec)
	}, "bad signature"},
	{"unknown signer", func(t *testing.T, b bad) []byte {
		rec := b.other.record(t, b.fleet, b.log, 6)
		if err := rec.Sign(b.stranger.Key); err != nil {
			t.Fatal(err)
		}
		return encode(t, rec)
	}, "unknown signer"},
	{"a node's signature", func(t *testing.T, b bad) []byte {
		rec := b.other.record(t, b.fleet, b.log, 6)
		if err := rec.SignEvent("n0", b.speaker.Key(), b.chain); err != nil {
			t.Fatal(err)
		}
		return encode(t, rec)
	}, "only an event carries certificates"},
	{"an event that another node's certificate signs", func(t *testing.T, b bad) []byte {
		rec := &control.Record{Fleet: b.fleet.ID(), Log: b.log, Kind: control.KindEvent, Target: "log-x", Generation: 1}
		if err := rec.Seal(map[string]string{"event": "merged"}); err != nil {
			t.Fatal(err)
		}
		if err := rec.SignEvent("n1", b.speaker.Key(), b.chain); err != nil {
			t.Fatal(err)
		}
		return encode(t, rec)
	}, "unknown signer"},
	{"unknown kind", func(t *testing.T, b bad) []byte {
		return encode(t, b.signed(t, func(r *control.Record) { r.Kind = "selfdestruct" }))
	}, "unknown kind"},
	{"lower generation", func(t *testing.T, b bad) []byte { return encode(t, b.other.record(t, b.fleet, b.log, 4)) }, "generation is not newer"},
	{"equal generation, another digest", func(t *testing.T, b bad) []byte { return encode(t, b.other.record(t, b.fleet, b.log, 5)) }, "equal generation with another digest"},
	{"equal generation, another kind", func(t *testing.T, b bad) []byte {
		return encode(t, b.signed(t, func(r *control.Record) { r.Kind, r.Generation = control.KindRemove, 5 }))
	}, "equal generation with another digest"},
	{"no generation", func(t *testing.T, b bad) []byte {
		return encode(t, b.signed(t, func(r *control.Record) { r.Generation = 0 }))
	}, "generation 0"},
	{"another fleet", func(t *testing.T, b bad) []byte {
		return encode(t, b.signed(t, func(r *control.Record) { r.Fleet = b.stranger.ID() }))
	}, "record of another fleet"},
	{"another log", func(t *testing.T, b bad) []byte { return encode(t, b.other.record(t, b.fleet, "0123456789abcdef", 6)) }, "record of another log"},
	{"another version of the format", func(t *testing.T, b bad) []byte {
		return encode(t, b.signed(t, func(r *control.Record) { r.V = 2 }))
	}, "version 2"},
	{"a manifest of another job", func(t *testing.T, b bad) []byte {
		return encode(t, b.signed(t, func(r *control.Record) { r.Target = "another" }))
	}, "malformed record"},
	{"a body that is no manifest", func(t *testing.T, b bad) []byte {
		rec := &control.Record{Fleet: b.fleet.ID(), Log: b.log, Kind: control.KindJob, Target: "steady", Generation: 6}
		if err := rec.Seal([]string{"not", "a", "manifest"}); err != nil {
			t.Fatal(err)
		}
		if err := rec.Sign(b.fleet.Key); err != nil {
			t.Fatal(err)
		}
		return encode(t, rec)
	}, "malformed record"},
	{"cut off", func(t *testing.T, b bad) []byte { return encode(t, b.other.record(t, b.fleet, b.log, 6))[:100] }, "malformed record"},
	{"with more behind it", func(t *testing.T, b bad) []byte {
		return append(encode(t, b.other.record(t, b.fleet, b.log, 6)), "{}"...)
	}, "malformed record"},
	{"no JSON", func(*testing.T, bad) []byte { return []byte("\x00\xff capo") }, "malformed record"},
	{"nothing", func(*testing.T, bad) []byte { return nil }, "malformed record"},
	{"nested deeply", func(*testing.T, bad) []byte { return bytes.Repeat([]byte("["), control.MaxBytes) }, "malformed record"},
	{"oversized", func(t *testing.T, b bad) []byte {
		return append(bytes.Repeat([]byte(" "), control.MaxBytes), encode(t, b.other.record(t, b.fleet, b.log, 6))...)
	}, "too large"},
}

// rogue takes a seat in a log, as one can who has an image's join token: it says that it is the server of node 1.
func (l *lab) rogue(log *fleet.LogInfo, at string) (*queue.Core, *queue.Log, *trust.Speaker, *trust.Authority) {
	l.t.Helper()
	authority, speaker, err := l.Membership(0).Enter("n1", trust.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	addr := netip.MustParseAddr(at)
	own := queue.Peer{Name: "n1-0123456789abcdef", Addr: addr}
	cfg := queue.ServerConfig{Name: own.Name, Incarnation: log.Incarnation, Listen: addr, Join: true, Peers: []queue.Peer{own}, Authority: authority, StoreDir: l.t.TempDir(), MaxMemory: 64 << 20}
	open := queue.Config{Incarnation: log.Incarnation, Authority: authority, ID: "n1", Name: own.Name, Rank: 100, MaxMemory: 64 << 20}
	for _, s := range log.Servers {
		cfg.Peers = append(cfg.Peers, queue.Peer{Name: s.ID + "-" + s.Boot, Addr: s.Addr})
		open.Servers = append(open.Servers, s.Addr)
	}
	server, err := queue.StartServer(l.t.Context(), cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(server.Close)
	open.Server = server
	core, err := queue.OpenCore(l.t.Context(), open)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(core.Close)
	q, err := queue.Open(l.t.Context(), open)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(q.Close)
	return core, q, speaker, authority
}

func TestEveryNodeVerifiesControlRecordsForItself(t *testing.T) {
	t.Parallel()
	l := onLoopback(t)
	f := l.start(3)
	log := l.ready(0, 1, 2)
	stranger, err := fleet.New("stranger")
	if err != nil {
		t.Fatal(err)
	}
	core, q, _, _ := l.rogue(log, l.Place.Addr(9))
	n0, speaker, err := f.Membership.Enter("n0", trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := bad{fleet: f, speaker: speaker, chain: n0.Own().Certificate, stranger: stranger, log: log.Incarnation, good: pack(t, copier("steady", "in", "out")),
		other: pack(t, strings.ReplaceAll(copier("steady", "in", "out"), "'steady '", "'wrong '"))}
	for _, p := range []packed{b.good, b.other} {
		for _, data := range p.parts {
			if err := q.PutBlob(t.Context(), control.Digest(data), data); err != nil {
				t.Fatal(err)
			}
		}
	}
	good := b.good.record(t, f, log.Incarnation, 5)
	if _, err := core.AppendControl(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	version := "steady@" + good.Digest[:8]
	l.runs([]int{0, 1, 2}, version)

	refused := map[uint64]badRecord{}
	for i, bad := range badRecords {
		// A subject of its own, since each keeps only so many.
		seq, err := core.AppendControlBytes(t.Context(), "job", fmt.Sprintf("bad-%d", i), bad.make(t, b))
		if err != nil {
			t.Fatal(err)
		}
		refused[seq] = bad
	}
	l.Eventually(within, "the control log", func() error { return l.allRefused(refused) })
	l.runs([]int{0, 1, 2}, version)
	records, texts := numbered("record", 9)
	l.put(0, "in", records...)
	l.texts([]int{0, 1, 2}, "out", prefixed("steady ", texts)...)
	if all, err := l.control(2); err != nil || len(all) != len(badRecords)+1 {
		t.Errorf("%d entries in the control log, error %v; want %d", len(all), err, len(badRecords)+1)
	}

	// A good one goes on from there, and a node that comes later reads over the bad ones.
	next := b.other.record(t, f, log.Incarnation, 6)
	if _, err := core.AppendControl(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	l.Run(3, id(3), f.Membership)
	l.ready(0, 1, 2, 3)
	l.runs([]int{0, 1, 2, 3}, "steady@"+next.Digest[:8])
}

// allRefused checks that each of the records is refused by each node: in what it lists of the control
// log, in its own log, and in its lines for the operator.
func (l *lab) allRefused(refused map[uint64]badRecord) error {
	for i := range 3 {
		entries, err := l.control(i)
		if err != nil {
			return err
		}
		seen := 0
		for _, e := range entries {
			bad, ok := refused[e.Seq]
			if !ok {
				continue
			}
			if seen++; e.OK || !strings.Contains(e.Reason, bad.reason) {
				return fmt.Errorf("%s: node %d lists %+v, want it refused: %s", bad.name, i, e, bad.reason)
			}
		}
		if seen != len(refused) {
			return fmt.Errorf("node %d lists %d of %d records", i, seen, len(refused))
		}
		if err := l.toldOf(i, refused); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) toldOf(i int, refused map[uint64]badRecord) error {
	var lines []api.Line
	err := l.client(i).Lines(l.t.Context(), "/v1/logs?node="+id(i), func(raw []byte) error {
		var line api.Line
		defer func() { lines = append(lines, line) }()
		return json.Unmarshal(raw, &line)
	})
	if err != nil {
		return err
	}
	var shown strings.Builder
	for _, line := range lines {
		shown.WriteString(line.Message + "\n")
	}
	output := l.Output(i)
	for seq, bad := range refused {
		if want := fmt.Sprintf("control record %d (", seq); !strings.Contains(shown.String(), want) {
			return fmt.Errorf("%s: node %d has no line %q", bad.name, i, want)
		}
		if want := fmt.Sprintf(`msg="control record refused" id=n%d seq=%d `, i, seq); !strings.Contains(output, want) {
			return fmt.Errorf("%s: node %d has not printed %q", bad.name, i, want)
		}
	}
	return nil
}
