package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/capodekappa/capo/images/filelock"
)

const modulePath = "github.com/capodekappa/capo"

// Node returns the path of the node's executable for Linux on the architecture: from a dist folder, or built by the
// go tool if the current folder or this program is inside a checkout.
func (s *Source) Node(ctx context.Context, arch string) (string, error) {
	return s.NodeFor(ctx, "linux", arch)
}

// NodeFor is [Source.Node] for another operating system, where a node can be a host process.
func (s *Source) NodeFor(ctx context.Context, goos, arch string) (string, error) {
	name := NodeName(goos, arch)
	for _, dir := range s.dists() {
		if path := filepath.Join(dir, name); isFile(path) {
			return path, nil
		}
	}
	checkout, ok := findCheckout()
	if !ok {
		return "", fmt.Errorf("the node's executable %s is not in --dist, $CAPO_DIST or the cache, and this is no checkout to build it in: run `make dist` in one", name)
	}
	return s.buildNode(ctx, checkout, goos, arch)
}

// NodeName is the file name of a node's executable in a dist folder.
func NodeName(goos, arch string) string { return "node-" + goos + "-" + arch }

// buildNode builds ./init. The result stays at one path for each checkout and version, so that the go tool sees that
// nothing changed and does not even link again.
func (s *Source) buildNode(ctx context.Context, checkout, goos, arch string) (string, error) {
	key := sha256.Sum256([]byte(checkout + "\x00" + Version()))
	out, err := cachePath("node", hex.EncodeToString(key[:8]), NodeName(goos, arch))
	if err != nil {
		return "", err
	}
	flags := fmt.Sprintf("-s -w -X %[1]s/init/build.version=%[2]s -X %[1]s/init/build.unix=%[3]d", modulePath, Version(), buildTime(ctx, checkout))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", out, "./init")
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch, "GOARM=7")
	err = filelock.With(out+".lock", func() error {
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the node's executable for %s/%s in %s: %w\n%s", goos, arch, checkout, err, text)
		}
		return nil
	})
	if err == nil {
		pruneNodes(filepath.Dir(filepath.Dir(out)), filepath.Dir(out), 3*24*time.Hour)
	}
	return out, err
}

// pruneNodes removes the executables of other versions that nobody has built for a while.
func pruneNodes(dir, keep string, age time.Duration) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := e.Info(); err == nil && path != keep && time.Since(info.ModTime()) > age {
			_ = os.RemoveAll(path) // what cannot be removed stays
		}
	}
}

// buildTime returns the time below which a node's clock never goes: SOURCE_DATE_EPOCH, else the time of the last commit,
// so that the same source gives the same bytes.
func buildTime(ctx context.Context, checkout string) int64 {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct")
		cmd.Dir = checkout
		out, err := cmd.Output()
		if err != nil {
			return 0
		}
		text = strings.TrimSpace(string(out))
	}
	unix, err := strconv.ParseInt(text, 10, 64)
	if err != nil || unix < 0 {
		return 0
	}
	return unix
}

// findCheckout looks for the source tree above the current folder and above this program.
func findCheckout() (string, bool) {
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for {
			mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && strings.HasPrefix(string(mod), "module "+modulePath+"\n") {
				return dir, true
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", false
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
