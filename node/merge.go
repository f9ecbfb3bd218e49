package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// Times of a log's giving way to another one.
const (
	sealSettle  = 500 * time.Millisecond // for the nodes to hear that they shall write no more
	exportLimit = 60 * time.Second
)

// mergeKey is the state key under which a log that gives way says how far it is.
const mergeKey = "merge"

// mergeState is its value.
type mergeState struct {
	Into string `json:"into"`
	Done bool   `json:"done"`
}

// MergeReport is the body of the event by which a fleet learns that a log gave way: what it held stands
// in the blobs, as NDJSON, a record a line.
type MergeReport struct {
	Event   string         `json:"event"` // merged
	From    string         `json:"from"`
	Into    string         `json:"into"`
	Records int            `json:"records"`
	Streams map[string]int `json:"streams"`
	Blobs   []api.Part     `json:"blobs"`
	Error   string         `json:"error"` // what could not be exported, or empty
}

// giveWay leaves a log for the winner: nothing is written any more; one server exports what the winner
// lacks, and the servers carry the log until that is done.
func (n *Node) giveWay(ctx context.Context, d fleet.Decision) {
	s := n.session()
	if s == nil {
		return
	}
	n.cfg.Log.Warn("this log gives way to another", "from", s.inc, "into", d.Incarnation)
	s.leave()
	if s.keeper.roleNow() != fleet.RoleServer {
		return
	}
	silent := s.isSilent()
	ctx, cancel := context.WithTimeout(ctx, exportLimit)
	defer cancel()
	if !silent && s.exporter() != s.id {
		s.awaitExport(ctx)
		return
	}
	if err := s.export(ctx, d); err != nil {
		n.cfg.Log.Error("the log's records could not be exported", "from", s.inc, "err", err)
	}
	if !silent {
		s.putMerge(ctx, mergeState{Into: d.Incarnation, Done: true})
	}
}

// leave stops this node's jobs and refuses writes.
func (s *session) leave() {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	s.poke()
}

// exporter is the first of the log's servers that is there.
func (s *session) exporter() string {
	there := map[string]bool{}
	for _, b := range s.roster.all() {
		there[b.ID] = b.State != fleet.StateLost
	}
	for _, server := range s.keeper.list() {
		if there[server.ID] {
			return server.ID
		}
	}
	return s.id
}

func (s *session) putMerge(ctx context.Context, m mergeState) {
	data, err := encodeJSON(m)
	if err == nil {
		err = s.core.PutState(ctx, mergeKey+".log", data)
	}
	if err != nil {
		s.slog.Warn("the others of this log could not be told that it gives way", "err", err)
	}
}

// followMerge has this node stop writing as soon as any node says that the log gives way.
func (s *session) followMerge(ctx context.Context) error {
	return s.core.FollowState(ctx, mergeKey, nil, func(queue.StateEntry) error {
		s.leave()
		return nil
	})
}

func (s *session) awaitExport(ctx context.Context) {
	done := errors.New("exported")
	err := s.core.FollowState(ctx, mergeKey, nil, func(e queue.StateEntry) error {
		var m mergeState
		if decodeJSON(e.Value, &m) == nil && m.Done {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		s.slog.Warn("left the log before its export was known to be done", "err", err)
	}
	pause(ctx, sealSettle) // so that the others hear it too
}

// export brings what the winner lacks to the winner, as blobs and an event.
func (s *session) export(ctx context.Context, d fleet.Decision) error {
	if !s.isSilent() {
		s.putMerge(ctx, mergeState{Into: d.Incarnation})
		pause(ctx, sealSettle)
	}
	addrs := []netip.Addr{}
	for _, server := range d.Servers {
		addrs = append(addrs, server.Addr)
	}
	winner, err := queue.Open(ctx, queue.Config{Incarnation: d.Incarnation, Servers: addrs, Authority: s.n.authority, ID: s.id,
		Name: s.id + "-" + s.boot + "-export", Rank: len(addrs), MaxMemory: s.cfg.MaxMemory, Log: s.slog})
	if err != nil {
		return err
	}
	defer winner.Close()
	report := MergeReport{Event: "merged", From: s.inc, Into: d.Incarnation, Streams: map[string]int{}, Blobs: []api.Part{}}
	if s.isSilent() {
		report.Error = "this log's servers are too few to read it; what it held is lost with them"
	} else if err := errors.Join(s.seal(ctx), s.copyInto(ctx, winner, &report)); err != nil {
		report.Error = err.Error()
	}
	event := &control.Record{Fleet: s.cfg.Membership.ID(), Log: d.Incarnation, Kind: control.KindEvent, Target: "log-" + s.inc, Generation: 1}
	if err := event.Seal(report); err != nil {
		return err
	}
	if err := event.SignEvent(s.id, s.n.speaker.Key(), s.n.authority.Own().Certificate); err != nil {
		return err
	}
	core := newRemoteCore(ctx, s.n.authority, d.Incarnation, s.cfg.Address, s.cfg.Port, addrs)
	defer core.Close()
	_, err = core.AppendControl(ctx, event)
	return err
}

// seal has the log take no more records. Only its servers can.
func (s *session) seal(ctx context.Context) error {
	core, err := s.inside()
	if err != nil {
		return err
	}
	return errors.Join(core.Seal(ctx), s.log.Seal(ctx))
}

// exportChunk is about how large an exported blob becomes.
const exportChunk = 16 << 20

// copyInto writes the control log and the user's streams as NDJSON into the winner's blobs.
func (s *session) copyInto(ctx context.Context, winner *queue.Log, report *MergeReport) error {
	var chunk bytes.Buffer
	flush := func() error {
		if chunk.Len() == 0 {
			return nil
		}
		data := bytes.Clone(chunk.Bytes())
		chunk.Reset()
		digest := control.Digest(data)
		report.Blobs = append(report.Blobs, api.Part{Digest: digest, Bytes: int64(len(data))})
		return winner.PutBlob(ctx, digest, data)
	}
	line := func(v any) error {
		data, err := encodeJSON(v)
		if err != nil {
			return err
		}
		chunk.Write(append(data, '\n'))
		report.Records++
		if chunk.Len() < exportChunk {
			return nil
		}
		return flush()
	}
	if err := s.exportControl(ctx, line); err != nil {
		return err
	}
	streams, err := s.log.Streams(ctx)
	if err != nil {
		return err
	}
	for _, info := range streams {
		n, err := s.exportStream(ctx, info.Name, line)
		report.Streams[info.Name] = n
		if err != nil {
			return fmt.Errorf("stream %s: %w", info.Name, err)
		}
	}
	return flush()
}

func (s *session) exportControl(ctx context.Context, line func(any) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := s.core.FollowControl(ctx, 1, cancel, func(e queue.ControlEntry) error {
		if e.Err != nil {
			return nil
		}
		return line(map[string]any{"control": e.Record})
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *session) exportStream(ctx context.Context, name string, line func(any) error) (int, error) {
	reader, err := s.log.Read(ctx, name, queue.ReadOptions{})
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	for n := 0; ; n++ {
		rec, err := reader.Next(ctx)
		if errors.Is(err, queue.ErrEnd) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if err := line(map[string]any{"stream": name, "record": recordRow(rec)}); err != nil {
			return n, err
		}
	}
}
