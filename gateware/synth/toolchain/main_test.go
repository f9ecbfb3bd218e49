package toolchain_test

import (
	"os"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == toolchain.ChildArgument {
		os.Exit(toolchain.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}
