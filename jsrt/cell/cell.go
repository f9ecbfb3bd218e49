// Package cell runs one job's JavaScript in a confined child process.
//
// A cell is the same executable started again (argv[1] is "cell", [Main] is its main function) with
// namespaces, an empty root, a uid and limits of its own, no capabilities, no network and a seccomp
// allow list. It talks over two pipes in the frames that [MaxFrame] describes. What of this a host
// lacks is told by [Cell.Strength], never hidden. On other systems than Linux it is a plain child
// process that watches its own memory.
//
// A cell is crash-only: after every error but a *[JSError], [ErrNeverSettles], [ErrOutput] from a
// handler and [ErrNoHandler] the process is gone and [Cell.Done] is closed; start another.
package cell

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Config says what runs in a cell and within which limits.
type Config struct {
	Name   string // of the job, for error messages
	Exec   string // the executable; "" is this one
	Bundle []byte // the script, as package bundle makes it
	Map    []byte // its source map, may be nil
	File   string // what errors name when there is no map
	Global string // the script's variable for its exports; "" is jsrt.Global

	Memory    int64         // bytes for the program, on top of the cell's own Overhead; 0 is DefaultMemory
	CPU       int64         // thousandths of one core; 0 is no limit (kept by cgroups only)
	Pids      int64         // processes and threads; 0 is DefaultPids
	Output    int64         // bytes that one call may send and return; 0 is DefaultOutput
	LoadLimit time.Duration // for starting and running the top level; 0 is DefaultLoadLimit

	CgroupParent string // a cgroup v2 directory that is ours to fill; "" tries cgroup v1, then rlimits

	Kernels map[string][]byte // what a handler finds in env.kernels: the texts, as package soft has them

	Env  map[string]Binding // what a handler finds in env, besides out and kernels
	Log  func(Line)         // what the program prints; must not block; nil discards
	Call CallFunc           // answers the methods of the bindings of kind BindCalls

	Logger *slog.Logger // state changes; nil discards
}

// Limits that stand in for a zero in Config.
const (
	DefaultMemory    = 64 << 20
	DefaultPids      = 32
	DefaultOutput    = 16 << 20
	DefaultLoadLimit = 10 * time.Second
)

// Overhead is what a cell may use on top of Config.Memory: the runtime, its stacks and its frames.
const Overhead = 24 << 20

// grace is how long after a deadline the child may still answer with the position; a slow board needs a part of
// it just to be scheduled.
const grace = 500 * time.Millisecond

// Line is one line that a program printed.
type Line struct {
	Level string // debug, info, warn, error
	Text  string
}

// Description is what a job's file says of itself.
type Description struct {
	Job      json.RawMessage `json:"job"`      // the export `job`, null when there is none
	Handlers []string        `json:"handlers"` // of fetch, queue, scheduled, run: those it has, sorted
}

// Cell is a running child process with its program loaded. Its methods may be called from any
// goroutine; calls wait for one another.
type Cell struct {
	cfg      Config
	log      *slog.Logger
	cmd      *exec.Cmd
	in       *os.File // to the child
	out      *os.File // from the child
	stderr   *tail
	group    limiter
	about    Description
	strength Strength

	turn  chan struct{} // holds a token while a call is under way
	done  chan struct{} // closed when the process is gone and reaped
	calls sync.WaitGroup
	ctx   context.Context // ends with the process, for Config.Call
	stop  context.CancelFunc
	slots chan struct{} // bounds the calls from the child

	mu     sync.Mutex // guards what follows
	wire   sync.Mutex // one frame at a time
	number uint32
	answer chan frame // of the call under way
	reason error      // why we killed it
	death  error      // set before done is closed
}

// Done is closed when the process is gone.
func (c *Cell) Done() <-chan struct{} { return c.done }

// Err is why the process is gone, or nil while it lives.
func (c *Cell) Err() error {
	select {
	case <-c.done:
		return c.death
	default:
		return nil
	}
}

// Pid is the child's process id, as this process sees it.
func (c *Cell) Pid() int { return c.cmd.Process.Pid }

// Description is what the program's top level said.
func (c *Cell) Description() Description { return c.about }

// Strength is how well the cell is confined.
func (c *Cell) Strength() Strength { return c.strength }

// Close kills the process, if it still lives, and waits until it is reaped.
func (c *Cell) Close() error {
	c.kill(ErrClosed)
	<-c.done
	return nil
}

// Run calls the handler `run` and returns its value as JSON. Errors: *[JSError], *[Error].
func (c *Cell) Run(ctx context.Context, r Run) (json.RawMessage, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	out, err := c.call(ctx, kindRun, r.Limit, head)
	return json.RawMessage(out), err
}

// Queue hands a batch to the handler `queue` and returns what it sent and decided. Errors: *[JSError],
// *[Error]; then nothing that the handler sent counts.
func (c *Cell) Queue(ctx context.Context, b Batch) (Outcome, error) {
	out, err := c.call(ctx, kindQueue, b.Limit, appendBatch(nil, b))
	if err != nil {
		return Outcome{}, err
	}
	return c.outcome(out, len(b.Messages))
}

// Run is one call of the handler `run`.
type Run struct {
	AttemptID string        `json:"attempt"` // ctx.attemptId
	Limit     time.Duration `json:"limit"`   // wall time; 0 is DefaultLimit
}

// DefaultLimit is the wall time of a call that names none.
const DefaultLimit = 30 * time.Second
