// Package job is the settings of a job: what the export `job` of a file says, read, checked and
// completed with its defaults.
//
// [Parse] reads what a program wrote (units as text: 64M, 30s, '200ms..5s'). A [Job] itself is
// written with integers only, so that its canonical form can be signed.
package job

import (
	"time"
)

// Delivery says how often a record may take effect.
type Delivery string

// The deliveries of a job.
const (
	Once        Delivery = "once"
	AtLeastOnce Delivery = "at-least-once"
)

// Job is one job's settings, complete: no field stands for a default any more.
type Job struct {
	Name     string            `json:"name"`
	Handlers []string          `json:"handlers"`       // of fetch, queue, run, scheduled; sorted
	In       string            `json:"in,omitempty"`   // the stream that `queue` reads
	Out      string            `json:"out,omitempty"`  // the stream that env.out writes
	Dead     string            `json:"dead,omitempty"` // where records go that fail too often
	Batch    Batch             `json:"batch"`
	Delivery Delivery          `json:"delivery"`
	Retry    Retry             `json:"retry"`
	Bind     map[string]string `json:"bind,omitempty"`  // name in env -> blobs, kv, stream, secret:NAME or blob:FILE
	Every    Every             `json:"every,omitzero"`  // when `scheduled` is called
	Admin    bool              `json:"admin,omitempty"` // its run handler may use capo:admin
	Needs    Needs             `json:"needs"`
	Kernels  []string          `json:"-"` // what env.kernels has, sorted; the manifest lists them with their texts
	Place    Place             `json:"place"`
}

// Batch is how many records a `queue` handler gets at once.
type Batch struct {
	Size   int   `json:"size"`    // at most
	WaitMS int64 `json:"wait_ms"` // how long to wait for more
}

// Retry is what happens to a record that fails.
type Retry struct {
	Max          int   `json:"max"` // attempts after the first
	BackoffMinMS int64 `json:"backoff_min_ms"`
	BackoffMaxMS int64 `json:"backoff_max_ms"`
}

// Backoff is the wait before the attempt that follows n failed ones: doubling, within the limits.
func (r Retry) Backoff(n int) time.Duration {
	wait := r.BackoffMinMS
	for ; n > 1 && wait < r.BackoffMaxMS; n-- {
		wait *= 2
	}
	return time.Duration(min(wait, r.BackoffMaxMS)) * time.Millisecond
}

// Needs is what a node must have to run the job, and what the job may use.
type Needs struct {
	MemBytes int64    `json:"mem_bytes"`
	TimeMS   int64    `json:"time_ms"`          // wall time of one batch, one run or one call of scheduled
	Arch     []string `json:"arch,omitempty"`   // of amd64, arm, arm64; empty is any; sorted
	Prefer   string   `json:"prefer,omitempty"` // fpga
	Net      []string `json:"net,omitempty"`    // host:port
}

// Time is the wall time of one call.
func (n Needs) Time() time.Duration { return time.Duration(n.TimeMS) * time.Millisecond }

// Place says where the job runs.
type Place struct {
	On     string `json:"on,omitempty"`    // a selector; "" is every node
	Copies int    `json:"copies"`          // how many nodes; 0 is each one selected ('all', the default)
	Order  string `json:"order,omitempty"` // of an admin job: Rolling, or "" for all nodes at once
	Max    int    `json:"max,omitempty"`   // how many nodes at a time, of a rolling job; at least 1
}

// Rolling is the order of an admin job that is done on a few nodes at a time and ends at the first that fails.
const Rolling = "rolling"

// Has says whether the job's default export has this function.
func (j Job) Has(handler string) bool {
	for _, h := range j.Handlers {
		if h == handler {
			return true
		}
	}
	return false
}
