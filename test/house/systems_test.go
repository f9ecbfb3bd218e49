package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/test/need"
)

// goTool runs the go tool for a system in the root of the tree.
func goTool(t *testing.T, system string, args ...string) {
	t.Helper()
	goos, arch, _ := strings.Cut(system, "/")
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch, "GOARM=7")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s for %s: %v\n%s", strings.Join(args, " "), system, err, out)
	}
}

// The command's packages are checked with their tests, which finds what does not compile.
func TestTheCommandIsFitForOtherSystemsLong(t *testing.T) {
	need.Long(t)
	for _, system := range []string{"darwin/arm64", "windows/amd64"} {
		t.Run(system, func(t *testing.T) { goTool(t, system, "vet", "./tools/capo/...") })
	}
}

func TestTheNodeIsFitForEveryBoardsProcessorLong(t *testing.T) {
	need.Long(t)
	for _, system := range []string{"linux/arm64", "linux/arm"} {
		t.Run(system, func(t *testing.T) {
			goTool(t, system, "vet", "./init/...", "./node/...", "./jsrt/...", "./queue/...", "./fleet/...")
			goTool(t, system, "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(t.TempDir(), "init"), "./init")
		})
	}
}
