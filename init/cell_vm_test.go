package main_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
	"github.com/capodekappa/capo/test/need"
)

// TestCellLimitsWithCgroupV2 runs those tests of package cell that are about limits in a machine as a node has it: many
// computers that develop this have no cgroup v2 with a memory controller.
func TestCellLimitsWithCgroupV2(t *testing.T) {
	t.Parallel()
	memory := []string{"repeat_2^30", "repeat_2^40", "one_typed_array", "typed_arrays", "growing_map", "s_+=_s", "loop", "recursion"}
	var only []string
	for _, name := range memory {
		only = append(only, regexp.QuoteMeta(name))
	}
	passed := []string{"TestStrengthIsFullForRoot", "TestAnotherCellGoesOn", "TestPrintingAGigabyteHurtsNobody", "TestHostileScripts"}
	text := runInMachine(t, "qemu-amd64", "^("+strings.Join(passed, "|")+")$/^("+strings.Join(only, "|")+")$")
	for _, name := range memory {
		passed = append(passed, "TestHostileScripts/"+name)
	}
	for _, name := range passed {
		if !strings.Contains(text, "--- PASS: "+name+" ") {
			t.Errorf("%s did not pass in the machine", name)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestEveryCellTestWithCgroupV2Long is the whole of it.
func TestEveryCellTestWithCgroupV2Long(t *testing.T) {
	need.Long(t)
	for _, name := range []string{"qemu-amd64", "qemu-arm64", "qemu-arm"} {
		t.Run(name, func(t *testing.T) {
			text := runInMachine(t, name, ".")
			if !strings.Contains(text, "\nPASS\n") {
				t.Errorf("tests of jsrt/cell failed in the machine:\n%s", text)
			}
		})
	}
}

// runInMachine runs the tests of package cell whose names match on a board, and returns what was printed.
func runInMachine(t *testing.T, boardName, pattern string) string {
	t.Helper()
	data, err := os.ReadFile(qemutest.BuildTest(t, boardName, "github.com/capodekappa/capo/jsrt/cell"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := images.FileArchive("test.bin", data, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	vm := qemutest.Boot(t, qemutest.Options{
		Board:    boardName,
		Init:     qemutest.Build(t, boardName, "./internal/vminit"),
		Image:    images.Options{Cmdline: `capo.test=run "capo.testargs=-test.v -test.timeout=` + cellLimit.String() + ` -test.run=` + pattern + `"`},
		Machine:  qemu.Config{MemoryMB: 1024, CPUs: 2, UUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		Archives: [][]byte{archive},
	})
	vm.Expect(`TEST binary ended: (.*)$`, cellLimit+boot)
	text := vm.Console()
	vm.ExpectEnd(boot)
	return text
}

// cellLimit is how long the tests of package cell may take in a machine.
const cellLimit = 4 * time.Minute
