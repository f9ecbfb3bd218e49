package node

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// The metrics of a node, in the order in which they are told; docs/metrics.md is made from them.
var (
	metricBuild     = metric{"capo_build_info", gauge, "What runs: always 1.", []string{"version", "goversion", "arch", "board"}}
	metricUptime    = metric{"capo_uptime_seconds", gauge, "Time since the node's process started.", nil}
	metricCPU       = metric{"capo_cpu_seconds_total", counter, "CPU time of the node's process, without its cells.", nil}
	metricResident  = metric{"capo_memory_resident_bytes", gauge, "Memory of the node's process, without its cells.", nil}
	metricMemory    = metric{"capo_machine_memory_bytes", gauge, "Memory of the machine.", nil}
	metricFree      = metric{"capo_machine_memory_available_bytes", gauge, "Memory of the machine that is available.", nil}
	metricRoutines  = metric{"capo_goroutines", gauge, "Goroutines of the node's process.", nil}
	metricState     = metric{"capo_node_state", gauge, "1 for the state that the node is in.", []string{"state"}}
	metricClock     = metric{"capo_clock_known", gauge, "1 if the node knows the time.", nil}
	metricCells     = metric{"capo_cells_full", gauge, "1 if the host confines cells fully, 0 if it lacks something.", nil}
	metricRefused   = metric{"capo_refused_total", counter, "Requests, connections and control records that were refused, by reason.", []string{"reason"}}
	metricDropped   = metric{"capo_log_lines_dropped_total", counter, "Printed lines that were dropped since they came faster than the log took them.", nil}
	metricShipped   = metric{"capo_shipped_lines_total", counter, "Printed lines that were shipped to capo.logs.", nil}
	metricUnshipped = metric{"capo_shipping_dropped_lines_total", counter, "Printed lines that were not shipped, since too many waited or they were refused.", nil}
	metricShipFails = metric{"capo_shipping_failures_total", counter, "Attempts to ship lines that failed.", nil}
	metricShipWaits = metric{"capo_shipping_waiting_lines", gauge, "Printed lines that wait to be shipped.", nil}
	metricLogRole   = metric{"capo_log_role", gauge, "1 for the part that the node has in its log: server, client, or none.", []string{"role"}}
	metricConnected = metric{"capo_log_connected", gauge, "1 if the node is connected to its log.", nil}
	metricBeatAge   = metric{"capo_heartbeat_age_seconds", gauge, "Time since the log last took this node's heartbeat.", nil}
	metricNodes     = metric{"capo_fleet_nodes", gauge, "Nodes of the fleet as this node knows them, by state.", []string{"state"}}
	metricFolded    = metric{"capo_control_sequence", gauge, "Sequence of the newest control record that was read.", nil}
	metricUsed      = metric{"capo_log_used_bytes", gauge, "What the streams on this log server hold together; log servers only.", nil}
	metricUsedMost  = metric{"capo_log_limit_bytes", gauge, "What the streams on this log server may hold together; log servers only.", nil}
	metricMessages  = metric{"capo_stream_messages", gauge, "Records that a stream holds; log servers only.", []string{"stream"}}
	metricBytes     = metric{"capo_stream_bytes", gauge, "Bytes that a stream holds; log servers only.", []string{"stream"}}
	metricJob       = metric{"capo_job_info", gauge, "The jobs that are on this node: always 1.", []string{"job", "version", "state"}}
	metricRead      = metric{"capo_job_records_read_total", counter, "Records that a job has handled on this node.", []string{"job"}}
	metricWrote     = metric{"capo_job_records_sent_total", counter, "Records that a job has sent on this node.", []string{"job"}}
	metricErrors    = metric{"capo_job_errors_total", counter, "Errors of a job's handlers on this node.", []string{"job"}}
	metricRestarts  = metric{"capo_job_restarts_total", counter, "Cells of a job that were started in the place of one that ended, on this node.", []string{"job"}}
	metricLag       = metric{"capo_job_lag_records", gauge, "Records of this node's partitions that a job has not handled yet.", []string{"job"}}
	metricCalls     = metric{"capo_job_call_seconds", summary, "Time of a job's batches and scheduled calls on this node; the quantiles are of the newest 256.", []string{"job"}}
	metricSlots     = metric{"capo_scheduled_slots_total", counter, "Slots of scheduled jobs that this node decided on, by what became of them.", []string{"job", "outcome"}}
	metricKernels   = metric{"capo_kernel_calls_total", counter, "Calls of kernels over HTTP that this node answered.", []string{"job", "kernel"}}
	metricRequests  = metric{"capo_http_requests_total", counter, "Requests to the HTTP API, by route and status.", []string{"route", "code"}}

	metricRequestSeconds = metric{"capo_http_request_duration_seconds", histogram, "Time of the requests to the HTTP API; what is followed takes as long as the caller wants.", []string{"route"}}
)

// allMetrics is the table of them.
var allMetrics = []*metric{
	&metricBuild, &metricUptime, &metricCPU, &metricResident, &metricMemory, &metricFree, &metricRoutines, &metricState, &metricClock, &metricCells, &metricRefused,
	&metricDropped, &metricShipped, &metricUnshipped, &metricShipFails, &metricShipWaits, &metricLogRole, &metricConnected, &metricBeatAge, &metricNodes, &metricFolded, &metricUsed, &metricUsedMost, &metricMessages, &metricBytes,
	&metricJob, &metricRead, &metricWrote, &metricErrors, &metricRestarts, &metricLag, &metricCalls, &metricSlots, &metricKernels, &metricRequests, &metricRequestSeconds,
}

// expose writes all metrics.
func (n *Node) expose(ctx context.Context, e *exposition) {
	n.exposeNode(e)
	s := n.session()
	role := "none"
	if s != nil {
		role = string(fleet.RoleClient)
		if s.keeper.carrier() != nil {
			role = string(fleet.RoleServer)
		}
	}
	for _, r := range []string{"none", string(fleet.RoleClient), string(fleet.RoleServer)} {
		e.add(&metricLogRole, one(r == role), r)
	}
	e.add(&metricConnected, one(s != nil && s.log.Connected()))
	if s != nil {
		s.exposeLog(ctx, e)
		s.exposeJobs(e)
	}
	slots := n.slots.all()
	for _, k := range slices.SortedFunc(maps.Keys(slots), comparePairs) {
		e.add(&metricSlots, float64(slots[k]), k[0], k[1])
	}
	calls := n.kernelCalls.all()
	for _, k := range slices.SortedFunc(maps.Keys(calls), comparePairs) {
		e.add(&metricKernels, float64(calls[k]), k[0], k[1])
	}
	n.served.expose(e)
}

// exposeNode writes what is there without a log.
func (n *Node) exposeNode(e *exposition) {
	row, state := n.row(), n.agent.Hello().State
	e.add(&metricBuild, 1, n.cfg.Version, runtime.Version(), n.cfg.Arch, n.cfg.Board)
	e.add(&metricUptime, time.Since(n.started).Seconds())
	e.add(&metricCPU, cpuTime().Seconds())
	e.add(&metricResident, float64(row.Resident))
	e.add(&metricMemory, float64(row.MemTotal))
	e.add(&metricFree, float64(row.MemFree))
	e.add(&metricRoutines, float64(runtime.NumGoroutine()))
	for _, st := range []string{fleet.StateJoining, fleet.StateUnapproved, fleet.StateReady, fleet.StateDraining, fleet.StateLost} {
		e.add(&metricState, one(st == state), st)
	}
	_, known := n.authority.Clock().Now()
	e.add(&metricClock, one(known))
	e.add(&metricCells, one(len(row.CellsLack) == 0))
	refused := n.refusals.all()
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		e.add(&metricRefused, float64(refused[reason]), reason)
	}
	e.add(&metricDropped, float64(n.lines.lost.Load()))
	shipped, waiting := n.ship.told()
	e.add(&metricShipped, float64(shipped.sent))
	e.add(&metricUnshipped, float64(shipped.dropped))
	e.add(&metricShipFails, float64(shipped.failures))
	e.add(&metricShipWaits, float64(waiting))
}

// streamsWithin bounds how long the log may take to list its streams.
const streamsWithin = time.Second

func (s *session) exposeLog(ctx context.Context, e *exposition) {
	s.mu.Lock()
	answered := s.answered
	s.mu.Unlock()
	e.add(&metricBeatAge, time.Since(answered).Seconds())
	states := map[string]int{fleet.StateReady: 0, fleet.StateLost: 0}
	for _, b := range s.roster.all() {
		states[b.State]++
	}
	for _, state := range slices.Sorted(maps.Keys(states)) {
		e.add(&metricNodes, float64(states[state]), state)
	}
	e.add(&metricFolded, float64(s.want.position()))
	server := s.keeper.carrier()
	if server == nil {
		return
	}
	e.add(&metricUsed, float64(server.Used()))
	e.add(&metricUsedMost, float64(s.cfg.MaxMemory))
	ctx, cancel := context.WithTimeout(ctx, streamsWithin)
	defer cancel()
	streams, err := s.log.Streams(ctx)
	if err != nil {
		return // the log does not answer, which the metrics above show
	}
	for _, st := range streams {
		e.add(&metricMessages, float64(st.Messages), st.Name)
	}
	for _, st := range streams {
		e.add(&metricBytes, float64(st.Bytes), st.Name)
	}
}

// position is the sequence of the newest control record that was read.
func (d *desired) position() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.applied
}

func (s *session) exposeJobs(e *exposition) {
	running := s.running()
	names := slices.Sorted(maps.Keys(running))
	reports := map[string]jobReport{}
	for _, name := range names {
		r := running[name].snapshot()
		reports[name] = r
		e.add(&metricJob, 1, name, r.Version, r.State)
	}
	for _, m := range []struct {
		*metric
		of func(name string) float64
	}{
		{&metricRead, func(name string) float64 { return float64(running[name].totals().read) }},
		{&metricWrote, func(name string) float64 { return float64(running[name].totals().sent) }},
		{&metricErrors, func(name string) float64 { return float64(reports[name].Errors) }},
		{&metricRestarts, func(name string) float64 { return float64(reports[name].Restarts) }},
		{&metricLag, func(name string) float64 { return float64(reports[name].Lag) }},
	} {
		for _, name := range names {
			e.add(m.metric, m.of(name), name)
		}
	}
	for _, name := range names {
		r, all, job := reports[name], running[name].totals(), []string{name}
		if r.State == api.JobPending {
			continue
		}
		e.part(&metricCalls, "", r.P50MS/1000, "quantile", "0.5", job)
		e.part(&metricCalls, "", r.P99MS/1000, "quantile", "0.99", job)
		e.part(&metricCalls, "_sum", all.busy.Seconds(), "", "", job)
		e.part(&metricCalls, "_count", float64(all.calls), "", "", job)
	}
}

func comparePairs(a, b [2]string) int { return slices.Compare(a[:], b[:]) }

// Why a control record is refused, as it is counted.
var controlReasons = []struct {
	err    error
	reason string
}{
	{control.ErrOtherLog, "control_other_log"}, {control.ErrFleet, "control_other_fleet"}, {control.ErrSignature, "control_signature"}, {control.ErrSigner, "control_signer"},
	{control.ErrKind, "control_kind"}, {control.ErrSameGen, "control_same_generation"}, {control.ErrGeneration, "control_generation"}, {control.ErrTooLarge, "control_too_large"},
	{control.ErrMalformed, "control_malformed"},
}

// controlReason is the short name under which a refused control record is counted.
func controlReason(err error) string {
	for _, r := range controlReasons {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	if reason := trust.Reason(err); reason != "other" {
		return reason
	}
	return "control_other"
}

// register has the reasons counted from 0, so that a rate shows the first one.
func (r *refusals) register() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reason := range append(trust.Reasons(), "other", "token_in_url", "control_other") {
		r.by[reason] += 0
	}
	for _, c := range controlReasons {
		r.by[c.reason] += 0
	}
}

func (r *refusals) all() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.by)
}
