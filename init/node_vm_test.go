package main_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
	"github.com/capodekappa/capo/init/phase"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/need"
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

// TestNodeIsWholeOnEveryProcessorLong boots the real node, alone in its fleet: who it is, how well it confines cells, and how its boot went.
func TestNodeIsWholeOnEveryProcessorLong(t *testing.T) {
	need.Long(t)
	for _, tt := range []struct{ board, id string }{
		{"qemu-arm64", "525400000100"}, // nothing but the network interface tells who they are
		{"qemu-arm", "525400000100"},
		{"qemu-zynq", "525400000100"},
		{"qemu-raspi3", "525400000100"},
	} {
		t.Run(tt.board, func(t *testing.T) {
			port := freePort(t)
			f, member := testFleet(t)
			vm := qemutest.Boot(t, qemutest.Options{
				Board:   tt.board,
				Image:   images.Options{Size: 1, Expect: 1, Fleet: member},
				Machine: qemu.Config{NICs: []qemu.NIC{{MAC: qemu.MAC(1, 0), HostPort: port, GuestPort: 8470}}},
			})
			line := vm.Expect(`capo: ready .* total=.* id=\S+`, boot)[0]
			times, ok := phase.ParseReady(line)
			if !ok || times.Linux == 0 || times.Init == 0 || times.Join == 0 {
				t.Errorf("%s: the line %q does not have the times of a boot", tt.board, line)
			}
			t.Logf("%s: ready %v after QEMU began: %s", tt.board, time.Since(vm.Started).Round(time.Millisecond), line)
			if row := ownRow(t, f, port); row.ID != tt.id || row.Cells != "full" || row.Board != tt.board {
				t.Errorf("%s: the node says of itself: %+v", tt.board, row)
			}
		})
	}
}

// ownRow asks a node what it says of itself, once it has tried a cell.
func ownRow(t *testing.T, f *fleet.Fleet, port int) api.Node {
	t.Helper()
	operator, err := f.Authority()
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{Base: fmt.Sprintf("https://127.0.0.1:%d", port), HTTP: api.Transport(operator.Client(nil), netip.Addr{})}
	for end := time.Now().Add(boot); ; time.Sleep(100 * time.Millisecond) {
		rows, err := client.Nodes(t.Context())
		if err == nil && len(rows) == 1 && !slices.Contains(rows[0].CellsLack, "not tried yet") {
			return rows[0]
		}
		if time.Now().After(end) {
			t.Fatalf("the node does not say how it confines cells: %+v, %v", rows, err)
		}
	}
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
