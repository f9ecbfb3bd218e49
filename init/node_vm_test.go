package main_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
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
	vm := qemutest.Boot(t, qemutest.Options{
		Image: images.Options{Size: 1, Expect: 1, Fleet: testFleet(t)},
		Machine: qemu.Config{MemoryMB: 128, UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", NICs: []qemu.NIC{
			{MAC: qemu.MAC(1, 0), SegmentPort: qemutest.SegmentPort(t)},
			{MAC: qemu.MAC(1, 1), HostPort: port, GuestPort: 8470},
		}},
	})
	since := vm.Expect(`capo: ready .*since_boot=(\S+)`, boot)[1]
	t.Logf("ready %s after PID 1 began, %v after QEMU did", since, time.Since(vm.Started).Round(time.Millisecond))
	hello := struct{ ID, Board, State string }{}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/v1/hello?nonce=00112233445566778899aabbccddeeff", port))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	if hello.ID != "f988d3b7ccaa" || hello.Board != "qemu-amd64" || hello.State != "ready" {
		t.Errorf("hello = %+v", hello)
	}
	t.Log(vm.Console())
}

// testFleet is a fleet.json that nobody has the key of.
func testFleet(t *testing.T) []byte {
	t.Helper()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := fleet.Membership{Fleet: fleet.ID(key), Name: "test", Operators: []ed25519.PublicKey{key}, Token: make([]byte, 32)}
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
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
