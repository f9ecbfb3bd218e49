// Package api is the HTTP API of a node as bytes on the wire: the JSON forms that the command prints
// (their field names are a contract), the manifest of a job, and a client.
//
// Times are RFC 3339, durations end in _ms, sizes in _bytes.
package api

import (
	"encoding/json"
	"time"

	"github.com/capodekappa/capo/jsrt/job"
)

// Node is a row of `capo nodes`, and what a node says of itself in its heartbeat.
type Node struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Address  string            `json:"address"`
	Board    string            `json:"board"`
	Arch     string            `json:"arch"`
	Version  string            `json:"version"`
	State    string            `json:"state"`
	Log      string            `json:"log"` // server, client or anchor
	UptimeMS int64             `json:"uptime_ms"`
	MemTotal int64             `json:"mem_total_bytes"`
	MemFree  int64             `json:"mem_free_bytes"`
	Cells    string            `json:"cells"` // full or weak
	FPGAs    []FPGA            `json:"fpgas"`
	Jobs     []string          `json:"jobs"`  // name@version
	Clock    string            `json:"clock"` // build, fleet or ntp
	Labels   map[string]string `json:"labels"`
	Boot     string            `json:"boot"`
	// CellsLack names the isolation that a weak host does not give.
	CellsLack []string `json:"cells_lack,omitempty"`
	// Resident is the memory of the node's process.
	Resident int64 `json:"resident_bytes"`
	// Fingerprint is that of the key of a node that waits to be approved.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Ready is when the node became ready, in milliseconds since its machine started (since the process
	// started, for a host node); 0 before.
	ReadyMS int64 `json:"ready_ms"`
}

// FPGA is a part of a node that takes bitstreams.
type FPGA struct {
	Name      string `json:"name"`
	Part      string `json:"part"`
	Kind      string `json:"kind"` // silicon or fabric
	State     string `json:"state"`
	Bitstream string `json:"bitstream"`
}

// The states of a job.
const (
	JobPending  = "pending"
	JobRunning  = "running"
	JobDegraded = "degraded"
	JobParked   = "parked"
	JobStopped  = "stopped"
)

// Job is a row of `capo jobs`.
type Job struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Generation uint64   `json:"generation"`
	State      string   `json:"state"`
	Nodes      []string `json:"nodes"`
	Lag        uint64   `json:"lag"`
	InPerS     float64  `json:"in_per_s"`
	OutPerS    float64  `json:"out_per_s"`
	Errors     uint64   `json:"errors"`
	Restarts   uint64   `json:"restarts"`
	P50MS      float64  `json:"p50_ms"`
	P99MS      float64  `json:"p99_ms"`
	// Waits says what a pending job waits for, if that is something to be done by somebody.
	Waits string `json:"waits,omitempty"`
	// LastError and Versions are given for one job, not in a list.
	LastError *JobError    `json:"last_error,omitempty"`
	Versions  []JobVersion `json:"versions,omitempty"`
	// Missing says of each node that does not run the job yet, why.
	Missing map[string]string `json:"missing,omitempty"`
}

// JobError is the newest error of a job, with its place in the user's source.
type JobError struct {
	Message string    `json:"message"`
	File    string    `json:"file"`
	Line    int       `json:"line"`
	Column  int       `json:"column"`
	Seq     uint64    `json:"seq"` // the record that was being handled, 0 if none
	Node    string    `json:"node"`
	Time    time.Time `json:"time"`
}

// JobVersion is one version that a job had or has.
type JobVersion struct {
	Version    string    `json:"version"`
	Generation uint64    `json:"generation"`
	State      string    `json:"state"`
	Since      time.Time `json:"since"`
}

// ControlEntry is a line of `capo log`.
type ControlEntry struct {
	Seq        uint64          `json:"seq"`
	Time       time.Time       `json:"time"`
	Kind       string          `json:"kind"`
	Target     string          `json:"target"`
	Generation uint64          `json:"generation"`
	Signer     string          `json:"signer"`
	OK         bool            `json:"ok"`
	Reason     string          `json:"reason"`
	Body       json.RawMessage `json:"body,omitempty"` // of an event: what it says
}

// Appended answers POST /v1/log.
type Appended struct {
	Seq uint64 `json:"seq"`
}

// CellsUntried stands in [Node.CellsLack] until the node has started a first cell, for trial.
const CellsUntried = "not tried yet"

// Result is one node's answer to a run.
type Result struct {
	Node   string          `json:"node"`
	OK     bool            `json:"ok"`
	Value  json.RawMessage `json:"value"`
	Error  *RunError       `json:"error"`
	TookMS int64           `json:"took_ms"`
	// NotRun: a rolling run ended before this node's turn.
	NotRun bool `json:"not_run,omitempty"`
	// Then is how the node ends once it has answered: reboot, poweroff, or not at all.
	Then string `json:"then,omitempty"`
}

// RunError is why a run failed on a node.
type RunError struct {
	Message  string `json:"message"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	TimedOut bool   `json:"timed_out"`
}

// Line is something that a job, or the node itself (job ""), printed.
type Line struct {
	Time    time.Time `json:"time"`
	Node    string    `json:"node"`
	Job     string    `json:"job"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
}

// Record is a record of a stream: a line of `capo get`.
type Record struct {
	Seq     uint64            `json:"seq"`
	Time    time.Time         `json:"time"`
	Key     string            `json:"key"`
	Headers map[string]string `json:"headers"`
	Data    *string           `json:"data,omitempty"`
	DataB64 *string           `json:"data_b64,omitempty"`
}

// PutRecord is a line of an NDJSON append: data is text, data_b64 bytes.
type PutRecord struct {
	Key     string            `json:"key,omitempty"`
	Type    string            `json:"type,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Data    string            `json:"data,omitempty"`
	DataB64 []byte            `json:"data_b64,omitempty"`
}

// Put answers an append.
type Put struct {
	Stream   string `json:"stream"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Count    int    `json:"count"`
}

// Part names one part of a bundle by its bytes.
type Part struct {
	Digest string `json:"digest"`
	Bytes  int64  `json:"bytes"`
}

// Manifest is the body of a job's control record, and a part of a run's: what to run and how. Its
// canonical JSON's SHA-256 names the job's version.
type Manifest struct {
	Name     string   `json:"name"`
	File     string   `json:"file"`     // the source file's name, for messages
	JS       Part     `json:"js"`       // the bundled program
	Map      Part     `json:"map"`      // its source map
	Handlers []string `json:"handlers"` // of fetch, queue, run, scheduled
	Settings job.Job  `json:"settings"`
	On       string   `json:"on"`                // a selector beside the job's own
	Kernels  []Kernel `json:"kernels,omitempty"` // sorted by name
}

// Run is the body of a run's control record.
type Run struct {
	Manifest Manifest          `json:"manifest"`
	Nodes    map[string]string `json:"nodes"` // id → boot nonce of the nodes that shall run it
	Record   *RecordRef        `json:"record,omitempty"`
}

// RecordRef names a record of a stream.
type RecordRef struct {
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
}

// StreamSet is the body of a stream's control record; zero fields leave what is there.
type StreamSet struct {
	MaxBytes   int64 `json:"max_bytes"`
	KeepMS     int64 `json:"keep_ms"`
	Partitions int   `json:"partitions"`
	Replicas   int   `json:"replicas"`
	Compact    bool  `json:"compact"`
}

// Revoke is the body of a revoke record: what shall count no more, see trust.ValidMark.
type Revoke struct {
	Marks []string `json:"marks"`
}

// Approve is the body of an approve record: the node with that id, which shows the key of that fingerprint, is let in.
type Approve struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Always bool   `json:"always"` // whatever its key: the id alone is known again after a reboot
}

// OperatorSet is the body of an operator record: an ed25519 key, base64, that counts from now on, or no more.
type OperatorSet struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Remove bool   `json:"remove"`
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Limit is the limit that was reached, for 413 and 429.
	Limit int64 `json:"limit,omitempty"`
}
