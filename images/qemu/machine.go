package qemu

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Machine is a running QEMU that this process started.
type Machine struct {
	cmd    *exec.Cmd
	stderr *lockedBuffer
	done   chan struct{}
	err    error // set before done is closed
}

// Start starts a machine. It ends when the context does, unless detached: then it outlives this process, and its
// [Process] is the way to stop it.
func Start(ctx context.Context, c Config, detached bool) (*Machine, error) {
	args, err := Args(c)
	if err != nil {
		return nil, err
	}
	program := "qemu-system-" + c.Board.QEMU.System
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("start board %s: %w (capo doctor names the package)", c.Board.Name, err)
	}
	m := &Machine{stderr: &lockedBuffer{}, done: make(chan struct{})}
	if detached {
		ctx = context.WithoutCancel(ctx)
	}
	m.cmd = exec.CommandContext(ctx, path, args...)
	m.cmd.SysProcAttr = processAttr(detached)
	if detached {
		m.cmd.Stderr = nil // a pipe would end with this process, and QEMU with it
	} else {
		m.cmd.Stderr = m.stderr
	}
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		defer close(m.done)
		if err := m.cmd.Wait(); err != nil {
			m.err = fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(m.stderr.String()))
		}
	}()
	return m, nil
}

// Process identifies the machine's process, for a later command that stops it.
func (m *Machine) Process() (Process, error) {
	return Identify(m.cmd.Process.Pid)
}

// Done is closed when QEMU has ended.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Wait waits until QEMU has ended. It is nil if the guest powered off, or rebooted with NoReboot.
func (m *Machine) Wait(ctx context.Context) error {
	select {
	case <-m.done:
		return m.err
	case <-ctx.Done():
		return fmt.Errorf("wait for QEMU to end: %w", ctx.Err())
	}
}

// Stop asks QEMU to end and kills it if it does not within two seconds. The guest is not asked: it is as if the
// power were cut.
func (m *Machine) Stop() {
	_ = m.cmd.Process.Signal(os.Interrupt) // an error means that it has ended
	select {
	case <-m.done:
	case <-time.After(2 * time.Second):
		_ = m.cmd.Process.Kill()
		<-m.done
	}
}

// lockedBuffer keeps the first bytes of what QEMU says about itself.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := 16<<10 - b.buf.Len(); room > 0 {
		b.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
