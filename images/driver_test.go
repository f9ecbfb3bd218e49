package images

import (
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/test/need"
)

func TestAKernelWithoutADriverIsNamed(t *testing.T) {
	need.Command(t, "apt-get")
	b, err := board.Load("qemu-amd64")
	if err != nil {
		t.Fatal(err)
	}
	b.Linux.Modules = append(b.Linux.Modules, "macb")
	_, err = NewSource("", nil).PartsWith(t.Context(), b, "driver_test.go") // any file stands for the node
	if err == nil || !strings.Contains(err.Error(), "qemu-amd64") || !strings.Contains(err.Error(), "has no module macb") {
		t.Errorf("%v", err)
	}
}
