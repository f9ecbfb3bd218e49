package cell

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// setup is what the child is told on its command line, before it trusts anything.
type setup struct {
	Version int   `json:"v"`
	Memory  int64 `json:"memory"`
	Pids    int64 `json:"pids"`
	Output  int64 `json:"output"`
	Kernels bool  `json:"kernels,omitempty"` // a frame of them comes first
	UID     int   `json:"uid,omitempty"`     // to change to; 0: stay
	Root    bool  `json:"root,omitempty"`    // there is a mount namespace to empty
}

// load is the head of the load frame.
type load struct {
	File   string             `json:"file"`
	Global string             `json:"global"`
	Limit  time.Duration      `json:"limit"`
	Env    map[string]Binding `json:"env,omitempty"`
}

// Start starts a cell, loads the program and runs its top level. Errors: *[JSError] when the top
// level throws or does not parse, *[Error] otherwise.
func Start(ctx context.Context, cfg Config) (*Cell, error) {
	cfg.complete()
	c, err := spawn(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := c.load(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Probe starts an empty cell and says how well this host confines it.
func Probe(ctx context.Context, cfg Config) (Strength, error) {
	cfg.complete()
	c, err := spawn(ctx, cfg)
	if err != nil {
		return Strength{}, err
	}
	defer c.Close()
	return c.strength, nil
}

func (cfg *Config) complete() {
	orElse := func(v *int64, other int64) {
		if *v <= 0 {
			*v = other
		}
	}
	orElse(&cfg.Memory, DefaultMemory)
	orElse(&cfg.Pids, DefaultPids)
	orElse(&cfg.Output, DefaultOutput)
	if cfg.LoadLimit <= 0 {
		cfg.LoadLimit = DefaultLoadLimit
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// spawn starts the process in the strongest confinement that this host permits and waits until it
// says that it is confined.
func spawn(ctx context.Context, cfg Config) (*Cell, error) {
	var tried []string
	for _, plan := range plans(cfg) {
		c, err := spawnAs(ctx, cfg, plan)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		tried = append(tried, plan.name+": "+err.Error())
		cfg.Logger.Debug("a cell could not be started this way", "job", cfg.Name, "plan", plan.name, "error", err)
	}
	return nil, &Error{Kind: ErrStart, Detail: strings.Join(tried, "; ")}
}

func spawnAs(ctx context.Context, cfg Config, p plan) (*Cell, error) {
	head, err := json.Marshal(setup{Version: frameVersion, Memory: cfg.Memory, Pids: cfg.Pids, Output: cfg.Output, Kernels: len(cfg.Kernels) > 0, UID: p.dropTo, Root: p.emptyRoot})
	if err != nil {
		return nil, err
	}
	c := &Cell{
		cfg: cfg, log: cfg.Logger, stderr: &tail{max: 16 << 10},
		turn: make(chan struct{}, 1), done: make(chan struct{}), slots: make(chan struct{}, 16),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, childIn.Close(), in.Close())
	}
	c.in, c.out = in, out
	widen(in, out)
	c.cmd = exec.Command(executable(cfg.Exec), "cell", string(head))
	c.cmd.Args[0] = "cell:" + cfg.Name
	c.cmd.Env = []string{"GOMAXPROCS=" + processors, "GOTRACEBACK=none", "TZ="}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = childIn, childOut, c.stderr
	c.cmd.WaitDelay = time.Second
	c.group, err = p.prepare(c.cmd, cfg)
	if err == nil {
		err = c.cmd.Start()
	}
	_ = childIn.Close()
	_ = childOut.Close()
	if err != nil {
		_ = in.Close()
		_ = out.Close()
		if c.group != nil {
			c.group.remove()
		}
		return nil, err
	}
	return c, c.greet(ctx, p)
}

// greet waits for the frame that says that the child is confined. On an error the child is gone.
func (c *Cell) greet(ctx context.Context, p plan) error {
	ready := make(chan frame, 1)
	c.giveKernels()
	go c.own(ready)
	missing, err := c.group.enter(c.Pid())
	if err != nil {
		_ = c.Close()
		return err
	}
	limit := time.NewTimer(c.cfg.LoadLimit)
	defer limit.Stop()
	var f frame
	select {
	case f = <-ready:
	case <-c.done:
		return c.death
	case <-ctx.Done():
		_ = c.Close()
		return ctx.Err()
	case <-limit.C:
		_ = c.Close()
		return &Error{Kind: ErrTimeout, Detail: "starting the process"}
	}
	var report struct {
		Missing []string `json:"missing"`
	}
	if err := json.Unmarshal(f.payload, &report); err != nil {
		_ = c.Close()
		return fmt.Errorf("read the cell's first frame: %w", err)
	}
	c.strength = strengthOf(p.missing, missing, report.Missing)
	return nil
}

// own reads from the child until it ends, reaps it and says why it died.
func (c *Cell) own(ready chan<- frame) {
	readErr := c.read(ready)
	if readErr != nil && !errors.Is(readErr, io.EOF) && !errors.Is(readErr, os.ErrClosed) {
		kind := ErrCrashed
		if errors.Is(readErr, errOversized) {
			kind = ErrOutput
		}
		c.kill(&Error{Kind: kind, Detail: readErr.Error()})
	}
	_ = c.cmd.Process.Kill() // it may have closed its end and live on
	waitErr := c.cmd.Wait()
	c.stop()
	c.calls.Wait()
	c.mu.Lock()
	c.death = c.verdict(waitErr)
	c.mu.Unlock()
	_ = c.in.Close()
	_ = c.out.Close()
	c.group.remove()
	c.log.Debug("cell ended", "job", c.cfg.Name, "error", c.death)
	close(c.done)
}

func (c *Cell) load(ctx context.Context) error {
	cfg := c.cfg
	head, err := json.Marshal(load{File: cfg.File, Global: cfg.Global, Limit: cfg.LoadLimit, Env: cfg.Env})
	if err != nil {
		return err
	}
	payload := make([]byte, 0, len(head)+len(cfg.Bundle)+len(cfg.Map)+32)
	payload = appendBytes(appendBytes(appendBytes(payload, head), cfg.Bundle), cfg.Map)
	c.cfg.Bundle, c.cfg.Map = nil, nil
	out, err := c.call(ctx, kindLoad, cfg.LoadLimit, payload)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, &c.about); err != nil {
		return &Error{Kind: ErrCrashed, Detail: "its description cannot be read: " + err.Error()}
	}
	return nil
}

// kill ends the process; the first reason given is the one that counts.
func (c *Cell) kill(reason error) {
	c.mu.Lock()
	if c.reason == nil {
		c.reason = reason
	}
	c.mu.Unlock()
	_ = c.cmd.Process.Kill()
	c.stop()
}

// verdict says why the process ended.
func (c *Cell) verdict(waitErr error) error {
	text := c.stderr.String()
	switch {
	case c.group.ranOut(), exitCode(waitErr) == exitMemory:
		return &Error{Kind: ErrMemory, Detail: fmt.Sprintf("its limit is %d MB", c.cfg.Memory>>20)}
	case c.reason != nil:
		return c.reason
	case strings.Contains(text, "out of memory"), strings.Contains(text, "cannot allocate memory"),
		strings.Contains(text, "failed to create new OS thread"), strings.HasPrefix(text, "SIGSEGV"):
		// The last is a fault in the Go runtime itself: its collector does not expect that mmap fails.
		return &Error{Kind: ErrMemory, Detail: fmt.Sprintf("its limit is %d MB", c.cfg.Memory>>20)}
	case strings.Contains(text, "stack exceeds"):
		return &Error{Kind: ErrMemory, Detail: "a builtin recursed too deeply"}
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if waitErr != nil && line != "" {
		line = waitErr.Error() + ": " + line
	} else if waitErr != nil {
		line = waitErr.Error()
	}
	return &Error{Kind: ErrCrashed, Detail: line}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// tail keeps the first bytes that were written to it.
type tail struct {
	mu  sync.Mutex // guards b
	b   bytes.Buffer
	max int
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := t.max - t.b.Len(); room > 0 {
		t.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
