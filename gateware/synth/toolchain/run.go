package toolchain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ChildArgument is the first argument of a process that runs a WebAssembly tool.
const ChildArgument = "synth-tool"

// childVariable is set in a child, so that a program whose main does not call Main never starts itself for ever.
const childVariable = "CAPO_SYNTH_CHILD"

// maxLog is how much of a tool's output is kept.
const maxLog = 256 << 10

// Run is what a tool did.
type Run struct {
	Tool   string
	Took   time.Duration
	CPU    time.Duration // of all its processes
	Memory int64         // the most bytes that its process held at once; 0 where the system does not tell
	Log    string        // the end of what it printed
}

// job is what the child is told.
type job struct {
	Module string   `json:"module"`
	Work   string   `json:"work"`
	Share  string   `json:"share"`
	Cache  string   `json:"cache"`
	Memory int64    `json:"memory"`
	Args   []string `json:"args"` // the tool's name first
}

// Run runs a tool in the folder dir; file names in args are relative to it. Errors: *Error; ErrFailed when the tool says
// that the design is wrong or does not fit, with its words in Detail; the Run is there with all of them but ErrMissing.
func (t *Toolchain) Run(ctx context.Context, tool, dir string, args ...string) (*Run, error) {
	path, known := t.paths[tool]
	if !known {
		return nil, &Error{Tool: tool, Kind: ErrMissing, Mend: InstallCommand}
	}
	inner, cancel := context.WithTimeout(ctx, t.cfg.Limit)
	defer cancel()
	cmd, err := t.command(inner, tool, path, dir, args)
	if err != nil {
		return nil, err
	}
	log := &tail{max: maxLog}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = log, log, 2*time.Second
	confine(cmd)
	start := time.Now()
	err = cmd.Run()
	run := &Run{Tool: tool, Took: time.Since(start), Log: log.String()}
	if cmd.ProcessState != nil {
		run.CPU, run.Memory = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), peak(cmd.ProcessState)
	}
	if err == nil {
		return run, nil
	}
	if ctx.Err() != nil {
		return run, ctx.Err()
	}
	return run, t.verdict(tool, err, inner.Err() != nil, run)
}

func (t *Toolchain) command(ctx context.Context, tool, path, dir string, args []string) (*exec.Cmd, error) {
	if t.Kind == Native {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
		return cmd, nil
	}
	if os.Getenv(childVariable) != "" {
		return nil, errors.New("a WebAssembly tool is started by its parent only: this program's main does not call toolchain.Main")
	}
	cache := t.cache
	if err := os.MkdirAll(cache, 0o755); err != nil || !writable(cache) {
		cache = "" // it is compiled each time, then
	}
	text, err := json.Marshal(job{Module: path, Work: dir, Share: t.share[tool], Cache: cache, Memory: t.cfg.Memory, Args: append([]string{tool}, args...)})
	if err != nil {
		return nil, err
	}
	program := t.cfg.Exec
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program, to start it again: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, program, ChildArgument, string(text))
	cmd.Env = append(os.Environ(), childVariable+"=1", "GOMEMLIMIT="+strconv.FormatInt(t.cfg.Memory+1<<30, 10))
	return cmd, nil
}

// writable tells whether files can be made in a folder.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".try-")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// verdict says what it means that a tool did not end with 0.
func (t *Toolchain) verdict(tool string, err error, late bool, run *Run) error {
	e := &Error{Tool: tool + " " + t.Versions[tool], Log: run.Log}
	if t.Kind == WebAssembly {
		e.Tool = tool + " (" + t.Versions[tool] + ")"
	}
	var exit *exec.ExitError
	switch {
	case late:
		e.Kind, e.Detail = ErrTimeout, fmt.Sprintf("stopped after %v", t.cfg.Limit)
	case !errors.As(err, &exit):
		e.Kind, e.Detail, e.Mend = ErrMissing, "it cannot be started: "+err.Error(), InstallCommand
	case exit.ExitCode() < 0 || t.Kind == WebAssembly && exit.ExitCode() == codeHost:
		e.Kind, e.Detail = ErrCrashed, fmt.Sprintf("%v: %s", err, lastLines([]byte(run.Log), 3))
		e.Mend = t.other()
	default:
		e.Kind, e.Detail = ErrFailed, complaint(run.Log)
	}
	return e
}

// other advises the other kind of the same tools.
func (t *Toolchain) other() string {
	if t.Kind == Native {
		return "try the WebAssembly ones: " + InstallCommand + ", then set " + Variable + "=" + string(WebAssembly)
	}
	return "remove " + t.cache + " and try again, or apt-get install yosys nextpnr-ice40 fpga-icestorm"
}

// complaint is the tool's own error message, or the end of its log.
func complaint(log string) string {
	var errs []string
	for line := range strings.Lines(log) {
		if line = strings.TrimSpace(line); strings.Contains(line, "ERROR:") && len(errs) < 4 {
			errs = append(errs, line)
		}
	}
	if len(errs) > 0 {
		return strings.Join(errs, " | ")
	}
	return lastLines([]byte(log), 3)
}

// tail keeps the end of what is written to it.
type tail struct {
	max int
	buf bytes.Buffer
	cut bool
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - t.max; over > t.max {
		t.buf.Next(over)
		t.cut = true
	}
	return len(p), nil
}

// String is what was kept.
func (t *tail) String() string {
	text := t.buf.Bytes()
	if over := len(text) - t.max; over > 0 {
		text, t.cut = text[over:], true
	}
	if t.cut {
		return "[…]" + string(text)
	}
	return string(text)
}
