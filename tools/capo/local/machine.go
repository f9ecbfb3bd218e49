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
	name := fmt.Sprintf("node%d", i+1)
	cfg := qemu.Config{Board: b, MemoryMB: m.o.MemoryMB, Console: filepath.Join(m.dir, name+".console")}
	if m.o.fromDisk(b) {
		err = m.bootDisk(ctx, &cfg, name)
	} else {
		err = m.bootKernel(ctx, &cfg)
	}
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	if err := os.Remove(cfg.Console); err != nil && !os.IsNotExist(err) {
		return err
	}
	number := m.base + uint16(i)
	cfg.NICs = []qemu.NIC{{MAC: qemu.MAC(number, 0), SegmentPort: m.segment}, {MAC: qemu.MAC(number, 1), HostPort: port, GuestPort: node.DefaultPort}}
	began := time.Now()
	machine, err := m.launch(ctx, cfg)
	if err != nil {
		return err
	}
	r.Segment = m.segment
	r.Nodes = append(r.Nodes, Node{Board: b.Name, Address: net.JoinHostPort("127.0.0.1", fmt.Sprint(port)), Console: cfg.Console, Process: machine, Began: began})
	return nil
}

// bootKernel lets QEMU start the kernel itself.
func (m *machines) bootKernel(ctx context.Context, cfg *qemu.Config) error {
	parts, err := m.o.Source.Parts(ctx, cfg.Board)
	if err != nil {
		return err
	}
	cfg.Kernel, cfg.DTB = parts.Kernel, parts.DTB
	if cfg.Initrd, err = m.initrd(cfg.Board, parts); err != nil {
		return err
	}
	cfg.Accel = m.accelOf(ctx, cfg.Board, parts.Kernel)
	cfg.Cmdline, err = images.Cmdline(cfg.Board, images.Options{Board: cfg.Board.Name, Size: m.o.Size, Expect: m.o.expect()})
	return err
}

// bootDisk makes the image that a real board would boot, and lets the board's firmware start it.
func (m *machines) bootDisk(ctx context.Context, cfg *qemu.Config, name string) error {
	member, err := os.ReadFile(filepath.Join(m.dir, fleetFile))
	if err != nil {
		return err
	}
	cfg.Disk = filepath.Join(m.dir, name+".img")
	m.o.say("making the image of %s (%s)", name, m.o.Format)
	_, err = m.o.Source.Build(ctx, images.Options{Board: cfg.Board.Name, Format: m.o.Format, Out: cfg.Disk, Fleet: member, Size: m.o.Size, Expect: m.o.expect()})
	if err != nil {
		return err
	}
	recipe := func(name string) (string, error) { return m.o.Source.Recipe(ctx, name) }
	if cfg.Firmware, err = qemu.OpenFirmware(cfg.Board, recipe, m.dir, name); err != nil {
		return err
	}
	cfg.Accel = m.accelOf(ctx, cfg.Board, "")
	return nil
}

// accelOf chooses how QEMU runs a board, once for each. Without a kernel to prove KVM with it is TCG.
func (m *machines) accelOf(ctx context.Context, b *board.Board, kernel string) qemu.Accel {
	accel, ok := m.accel[b.Name]
	if !ok {
		if kernel != "" {
			accel = qemu.Probe(ctx, b, kernel, filepath.Dir(m.dir))
		}
		m.accel[b.Name] = accel
		m.o.say("starting %s in QEMU with %s", b.Name, accel)
	}
	return accel
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
