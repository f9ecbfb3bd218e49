package queue

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/capodekappa/capo/fleet/trust"
)

// making are the requests of JetStream's API that make, change or remove something, or give records away in the order of a consumer.
var making = []string{"$JS.API.STREAM.CREATE.s_frames", "$JS.API.STREAM.UPDATE.s_frames", "$JS.API.STREAM.PURGE.s_frames", "$JS.API.STREAM.DELETE.s_frames",
	"$JS.API.STREAM.MSG.DELETE.s_frames", "$JS.API.STREAM.SNAPSHOT.s_frames", "$JS.API.STREAM.RESTORE.s_frames", "$JS.API.STREAM.LEADER.STEPDOWN.s_frames",
	"$JS.API.STREAM.PEER.REMOVE.s_frames", "$JS.API.CONSUMER.CREATE.s_frames", "$JS.API.CONSUMER.CREATE.s_frames.x", "$JS.API.CONSUMER.DURABLE.CREATE.s_frames.x",
	"$JS.API.CONSUMER.DELETE.s_frames.x", "$JS.API.CONSUMER.MSG.NEXT.s_frames.x", "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE", "$JS.API.ACCOUNT.PURGE.DATA",
	"$JS.ACK.s_frames.x.1.1.1.1.0", "$JS.FC.x"}

func TestANodeSpeaksForNobodyElse(t *testing.T) {
	t.Parallel()
	g := guard(t, 1)
	c := g.guest(0, g.asNode(0, "n1")...)
	c.may("in.frames.k", "x")
	c.may("$JS.API.STREAM.INFO.s_frames", "")
	c.mayNotPublish("control.job.x", "control.>", "log.n1.x", "log.n0.x", "result.1.n0", "_INBOX.n0.x", "_INBOX.n1.x", "in.frames", "in.frames.a.b", "s.frames.0.k", "$SYS.REQ.SERVER.PING", "$JS.X")
	c.mayNotSubscribe("_INBOX.n0.>", "_INBOX.>", "_INBOX.*.x", ">", "in.>", "in.frames.*", "state.>", "control.>", "$SYS.>", "$JS.API.>")
	if body := c.may("$JS.API.STREAM.NAMES", ""); strings.Contains(body, controlStream) || strings.Contains(body, resultStream) || strings.Contains(body, logStream) {
		t.Errorf("a node sees the core: %s", body)
	}
	for name, opts := range map[string][]nats.Option{
		"the core's name":    {nats.UserInfo(userCore, "x"), nats.Secure(as(t, g.members[0], "n1").Client(nil))},
		"the system's name":  {nats.UserInfo(userSystem, ""), nats.Secure(as(t, g.members[0], "n1").Client(nil))},
		"another log's name": {nats.UserInfo(ClientUser("cni"), ""), nats.Secure(as(t, g.members[0], "n1").Client(nil))},
	} {
		if c, err := g.dial(0, opts...); err == nil {
			c.Close()
			t.Errorf("a node came in under %s", name)
		}
	}
	g.counted("role")
	operator := g.guest(0, g.asOperator()...)
	operator.may("in.frames.k", "x")
	operator.mayNotPublish("control.job.x", "_INBOX.n0.x", "$SYS.REQ.SERVER.PING")
	operator.mayNotSubscribe("control.>", "state.>", "in.>")
}

func TestAViewerLooksAndNoMore(t *testing.T) {
	t.Parallel()
	g := guard(t, 1)
	g.append("one", "two")
	token, _ := g.token(trust.RoleViewer, time.Hour)
	c := g.guest(0, by(token, "_INBOX")...)
	for subject, want := range map[string]string{"$JS.API.INFO": "", "$JS.API.STREAM.NAMES": "s_frames", "$JS.API.STREAM.LIST": "s_frames", "$JS.API.STREAM.INFO.s_frames": `"messages":2`} {
		if body := c.may(subject, ""); !strings.Contains(body, want) {
			t.Errorf("%s: %s, want %s in it", subject, body, want)
		}
	}
	if body := c.may("$JS.API.STREAM.MSG.GET.s_frames", `{"seq":1}`); !strings.Contains(body, `"data":"b25l"`) {
		t.Errorf("record 1: %s", body)
	}
	if body := c.may("$JS.API.DIRECT.GET.s_frames", `{"seq":2}`); body != "two" {
		t.Errorf("record 2: %q", body)
	}
	c.mayNotPublish(append(making, "in.frames.k", "s.frames.0.k", "state.x", "control.job.x", "$O.capo_blobs.C.x", "$SYS.REQ.SERVER.PING", "_INBOX.x")...)
	c.mayNotSubscribe("in.>", "s.>", "state.>", "control.>", ">", "$JS.>", "$SYS.>")
	if n := g.holds("frames"); n != 2 {
		t.Errorf("frames has %d records, want 2", n)
	}
}

func TestACallerAppendsToItsJobsInputAndNoMore(t *testing.T) {
	t.Parallel()
	g := guard(t, 1)
	token, id := g.token(trust.RoleCaller, time.Hour)
	c := g.guest(0, by(token, "_INBOX."+id)...)
	var ack struct {
		Stream string
		Seq    uint64
	}
	if err := json.Unmarshal([]byte(c.may("in.frames.k", "x")), &ack); err != nil || ack.Stream != "s_frames" || ack.Seq != 1 {
		t.Errorf("%+v, %v", ack, err)
	}
	c.mayNotPublish(append(making, "in.other.k", "in.*.k", "in.frames.a.b", "s.frames.0.k", "state.x", "control.job.x", "$O.capo_blobs.C.x")...)
	c.mayNotPublish(viewSubjects[0], "$JS.API.STREAM.INFO.s_frames", "$JS.API.STREAM.MSG.GET.s_frames", "$JS.API.DIRECT.GET.s_frames")
	c.mayNotSubscribe("_INBOX.>", "_INBOX.*.>", "_INBOX.0123456789abcdef.x", "in.frames.*", "s.>", ">")
	if n := g.holds("frames"); n != 1 {
		t.Errorf("frames has %d records, want 1", n)
	}
	// Headers with which a producer may ask a stream to forget what it holds, or to keep for later.
	for _, h := range []string{"Nats-Rollup: all", "Nats-Rollup: sub", "Nats-TTL: 1s", "Nats-Batch-Id: x", "Nats-Schedule: @at 2026-01-01T00:00:00Z", "Nats-Incr: 1"} {
		name, value, _ := strings.Cut(h, ": ")
		m := &nats.Msg{Subject: "in.frames.k", Header: nats.Header{name: {value}}, Data: []byte("1")}
		before := g.holds("frames")
		_, _ = c.RequestMsg(m, 300*time.Millisecond) // its answer, or that there is none: what counts is what it did
		if after := g.holds("frames"); after < before {
			t.Errorf("%s: frames had %d records, and has %d", h, before, after)
		}
	}
	job := trust.Claims{Fleet: g.fleet.ID(), Role: trust.RoleCaller, Job: "tiles", Issued: 1, Expires: time.Now().Unix() + 60}
	other, err := job.Sign(g.fleet.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.dial(0, by(other, "_INBOX.x")...); err == nil {
		t.Error("a caller of a job that takes no records came in")
	}
	g.counted("role")
}

// TestAnAnswerGoesNowhereElse: a NATS client says where the answer to its request goes. What it may not write to it cannot have the
// server write to.
func TestAnAnswerGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n, " servers"), func(t *testing.T) {
			t.Parallel()
			g := guard(t, n)
			g.append("one")
			viewer, _ := g.token(trust.RoleViewer, time.Hour)
			caller, _ := g.token(trust.RoleCaller, time.Hour)
			for i := range n { // one of them leads the stream, the others do not
				v, c := g.guest(i, by(viewer, "_INBOX")...), g.guest(i, by(caller, "_INBOX")...)
				for _, reply := range []string{"in.other.k", "state.x", "control.job.x", "s.other.0.k"} {
					_ = v.PublishRequest("$JS.API.DIRECT.GET.s_frames", reply, []byte(`{"seq":1}`))
					_ = v.PublishRequest("$JS.API.STREAM.MSG.GET.s_frames", reply, []byte(`{"seq":1}`))
					_ = v.PublishRequest("$JS.API.STREAM.INFO.s_frames", reply, nil)
					_ = c.PublishRequest("in.frames.k", reply, []byte("x"))
					m := &nats.Msg{Subject: "in.frames.k", Data: []byte("traced"), Header: nats.Header{"Nats-Trace-Dest": {reply}}}
					_ = c.PublishMsg(m)
				}
				for _, deleting := range []string{"$JS.API.STREAM.PURGE.s_other", "$JS.API.STREAM.DELETE.s_other"} {
					_ = v.PublishRequest("$JS.API.DIRECT.GET.s_frames", deleting, []byte(`{"seq":1}`))
					_ = c.PublishRequest("in.frames.k", deleting, []byte("x"))
				}
				for _, c := range []*guest{v, c} {
					if err := c.Flush(); err != nil {
						t.Fatal(err)
					}
					_ = c.PublishRequest(viewSubjects[0], "$JS.ACK.s_frames.x.1.1.1.1.0", nil)
					c.violated("an answer as an acknowledgement")
				}
			}
			time.Sleep(500 * time.Millisecond)
			if n := g.holds("other"); n != 0 {
				t.Errorf("answers became %d records of another stream", n)
			}
			before := g.holds("frames")
			c := g.guest(0, by(caller, "_INBOX")...)
			_ = c.PublishRequest("in.frames.k", "in.frames.k", []byte("x"))
			_ = c.Flush()
			time.Sleep(300 * time.Millisecond)
			if n := g.holds("frames"); n > before+2 {
				t.Errorf("an answer made %d records of itself", n-before)
			}
		})
	}
}

// TestWithinTheDataANodesAnswerGoesWhereItLikes is what docs/security.md says of a node's certificate.
func TestWithinTheDataANodesAnswerGoesWhereItLikes(t *testing.T) {
	t.Parallel()
	g := guard(t, 1)
	c := g.guest(0, g.asNode(0, "n1")...)
	_ = c.PublishRequest("in.frames.k", "in.other.k", []byte("x"))
	_ = c.PublishRequest("in.frames.k", "control.job.x", []byte("x"))
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Second); g.holds("other") == 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	if n := g.holds("other"); n != 1 {
		t.Errorf("%d records: the document says that this is possible", n)
	}
	n := 0
	_ = g.core.FollowControl(shortly(t), 1, nil, func(ControlEntry) error { n++; return nil })
	if n != 0 {
		t.Errorf("%d answers became control records", n)
	}
}
