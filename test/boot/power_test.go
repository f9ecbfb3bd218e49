package boot

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu/qemutest"
)

// cuts is how often the power is cut: CAPO_SOAK (make soak), or five times.
func cuts(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CAPO_SOAK")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CAPO_SOAK=%s: want a number", text)
	}
	return n
}

// TestPowerMayFailAtAnyMoment cuts the power of a machine at random moments of its boot and of its work. The machine could write to its
// disk; nothing does, and so the disk keeps its bytes and boots the next time.
func TestPowerMayFailAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("CAPO_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatalf("CAPO_SEED=%s: %v", text, err)
		}
	}
	t.Logf("seed %d (CAPO_SEED=%d for the same moments)", seed, seed)
	random := rand.New(rand.NewPCG(seed, 0))

	const name = "qemu-zynq" // of the machines with firmware the one that boots fastest
	disk := qemutest.Image(t, alone(t, name, images.FormatSD))
	before := digest(t, disk)
	start := func() *qemutest.VM {
		return qemutest.BootDisk(t, qemutest.Options{Board: name, Machine: wired()}, disk)
	}
	vm := start()
	ready(t, vm)
	whole := time.Since(vm.Started)
	for i := range cuts(t) {
		vm.Cut() // the first time it is at work
		if now := digest(t, disk); now != before {
			t.Fatalf("the disk changed after power cut %d", i)
		}
		vm = start()
		wait := time.Duration(random.Float64() * 1.3 * float64(whole))
		t.Logf("power cut %d after %v", i+1, wait.Round(time.Millisecond))
		time.Sleep(wait)
	}
	vm.Cut()
	ready(t, start())
	if now := digest(t, disk); now != before {
		t.Error("the disk changed")
	}
}

func digest(t *testing.T, path string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}
