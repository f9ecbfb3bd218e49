package qemu

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Process identifies a process for longer than its number does: numbers are used again.
type Process struct {
	PID int `json:"pid"`
	// Started is when the process began, in a form that only compares for equality.
	Started string `json:"started"`
}

// ErrGone is returned for a process that has ended.
var ErrGone = errors.New("the process has ended")

// Identify returns the identity of a running process, or [ErrGone].
func Identify(pid int) (Process, error) {
	started, err := startOf(pid)
	if err != nil {
		return Process{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	return Process{PID: pid, Started: started}, nil
}

// Alive reports whether it is still that process that runs.
func (p Process) Alive() bool {
	started, err := startOf(p.PID)
	return err == nil && p.PID > 0 && started == p.Started
}

// Stop interrupts the process, waits for it to end, and kills it after grace. A process that is no longer there, or is
// another one, is left alone.
func (p Process) Stop(grace time.Duration) error {
	for _, sig := range []os.Signal{os.Interrupt, os.Kill} {
		if !p.Alive() {
			return nil
		}
		proc, err := os.FindProcess(p.PID)
		if err != nil {
			return fmt.Errorf("stop process %d: %w", p.PID, err)
		}
		if err := proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop process %d: %w", p.PID, err)
		}
		for end := time.Now().Add(grace); time.Now().Before(end) && p.Alive(); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	if p.Alive() {
		return fmt.Errorf("process %d does not end", p.PID)
	}
	return nil
}

// Kill ends the process at once. One that is no longer there is left alone.
func (p Process) Kill() error {
	if !p.Alive() {
		return nil
	}
	proc, err := os.FindProcess(p.PID)
	if err != nil {
		return fmt.Errorf("kill process %d: %w", p.PID, err)
	}
	if err := proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", p.PID, err)
	}
	return nil
}
