package local

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/node"
)

// machines is what the QEMU machines of one fleet share.
type machines struct {
	o       Options
	dir     string
	segment int
	base    uint16 // of their hardware addresses
	accel   map[string]qemu.Accel
	initrds map[string]string
}

// newMachines chooses a segment, unless the fleet has one.
func newMachines(o Options, dir string, segment int) *machines {
	var seed [4]byte
	_, _ = rand.Read(seed[:]) // never fails, see crypto/rand
	n := binary.LittleEndian.Uint32(seed[:])
	if segment == 0 {
		segment = 20000 + int(n%20000)
	}
	return &machines{o: o, dir: dir, segment: segment, base: uint16(n >> 16), accel: map[string]qemu.Accel{}, initrds: map[string]string{}}
}

// startMachine starts node i in QEMU, on the fleet's segment and with a port of this machine that leads to
// its API.
func (r *Running) startMachine(ctx context.Context, m *machines, i int) error {
	b, err := board.Load(m.o.boardOf(i))
	if err != nil {
		return err
	}
	parts, err := m.o.Source.Parts(ctx, b)
	if err != nil {
		return err
	}
	initrd, err := m.initrd(b, parts)
	if err != nil {
		return err
	}
	accel, ok := m.accel[b.Name]
	if !ok {
		accel = qemu.Probe(ctx, b, parts.Kernel, filepath.Dir(m.dir))
		m.accel[b.Name] = accel
		m.o.say("starting %s in QEMU with %s", b.Name, accel)
	}
	cmdline, err := images.Cmdline(b, images.Options{Board: b.Name, Size: m.o.Size, Expect: m.o.expect()})
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	console := filepath.Join(m.dir, fmt.Sprintf("node%d.console", i+1))
	if err := os.Remove(console); err != nil && !os.IsNotExist(err) {
		return err
	}
	number := m.base + uint16(i)
	cfg := qemu.Config{Board: b, Accel: accel, Kernel: parts.Kernel, Initrd: initrd, Cmdline: cmdline, MemoryMB: m.o.MemoryMB, Console: console,
		NICs: []qemu.NIC{{MAC: qemu.MAC(number, 0), SegmentPort: m.segment}, {MAC: qemu.MAC(number, 1), HostPort: port, GuestPort: node.DefaultPort}}}
	machine, err := m.launch(ctx, cfg)
	if err != nil {
		return err
	}
	r.Segment = m.segment
	r.Nodes = append(r.Nodes, Node{Board: b.Name, Address: net.JoinHostPort("127.0.0.1", fmt.Sprint(port)), Console: console, Process: machine})
	return nil
}

// launch starts QEMU so that it outlives this process, and ends by itself where the fleet's time is limited.
func (m *machines) launch(ctx context.Context, cfg qemu.Config) (qemu.Process, error) {
	if m.o.TTL <= 0 {
		machine, err := qemu.Start(ctx, cfg, true)
		if err != nil {
			return qemu.Process{}, err
		}
		return machine.Process()
	}
	args, err := qemu.Args(cfg)
	if err != nil {
		return qemu.Process{}, err
	}
	cmd := exec.Command("timeout", append([]string{"--foreground", "-k", "2", fmt.Sprintf("%.0fs", m.o.TTL.Seconds()), "qemu-system-" + cfg.Board.QEMU.System}, args...)...)
	cmd.SysProcAttr = detached()
	if err := cmd.Start(); err != nil {
		return qemu.Process{}, fmt.Errorf("start QEMU under a time limit: %w", err)
	}
	go func() { _ = cmd.Wait() }() // reaped, should it end while this process lives
	return childOf(ctx, cmd.Process.Pid)
}

// childOf waits for the process that timeout started.
func childOf(ctx context.Context, pid int) (qemu.Process, error) {
	path := fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)
	for range 200 {
		data, err := os.ReadFile(path)
		if err != nil {
			return qemu.Process{}, fmt.Errorf("QEMU under a time limit: %w", err)
		}
		var child int
		if _, err := fmt.Sscan(string(data), &child); err == nil {
			return qemu.Identify(child)
		}
		select {
		case <-ctx.Done():
			return qemu.Process{}, context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return qemu.Process{}, fmt.Errorf("QEMU under a time limit: timeout(1) did not start it")
}

// initrd writes a board's initramfs with the fleet's part.
func (m *machines) initrd(b *board.Board, parts *images.Parts) (string, error) {
	if path := m.initrds[b.Name]; path != "" {
		return path, nil
	}
	member, err := os.ReadFile(filepath.Join(m.dir, fleetFile))
	if err != nil {
		return "", err
	}
	own, err := images.FleetArchive(member)
	if err != nil {
		return "", err
	}
	path := filepath.Join(m.dir, b.Name+".initrd")
	if err := parts.WriteInitrd(path, own); err != nil {
		return "", err
	}
	m.initrds[b.Name] = path
	return path, nil
}

// freePort finds a TCP port of 127.0.0.1 that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
