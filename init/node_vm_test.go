package main_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
)

// TestNodeIsReadyInASmallMachine boots the real node, alone in its fleet, with 128 MB.
func TestNodeIsReadyInASmallMachine(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	f, member := testFleet(t)
	vm := qemutest.Boot(t, qemutest.Options{
		Image: images.Options{Size: 1, Expect: 1, Fleet: member},
		Machine: qemu.Config{MemoryMB: 128, UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", NICs: []qemu.NIC{
			{MAC: qemu.MAC(1, 0), SegmentPort: qemutest.SegmentPort(t)},
			{MAC: qemu.MAC(1, 1), HostPort: port, GuestPort: 8470},
		}},
	})
	since := vm.Expect(`capo: ready .*since_boot=(\S+)`, boot)[1]
	t.Logf("ready %s after PID 1 began, %v after QEMU did", since, time.Since(vm.Started).Round(time.Millisecond))
	operator, err := f.Authority()
	if err != nil {
		t.Fatal(err)
	}
	hello, err := fleet.Ask(t.Context(), nil, operator, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	if hello.ID != "f988d3b7ccaa" || hello.Board != "qemu-amd64" || hello.State != "ready" {
		t.Errorf("hello = %+v", hello)
	}
	t.Log(vm.Console())
}

// testFleet is a new fleet, and what its nodes get.
func testFleet(t *testing.T) (*fleet.Fleet, []byte) {
	t.Helper()
	f, err := fleet.New("test")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.WithToken("test")
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return f, data
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
