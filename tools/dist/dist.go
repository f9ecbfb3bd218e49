package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/capodekappa/capo/images"
)

const modulePath = "github.com/capodekappa/capo"

// config is what the command line says.
type config struct {
	out     string
	version string
	linux   bool
}

// nodeArches are the processors of the boards.
var nodeArches = []string{"amd64", "arm64", "arm"}

// commandSystems are where the command runs.
var commandSystems = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

func run(ctx context.Context, c config) error {
	if strings.ContainsAny(c.version, " \t\n'\"") || c.version == "" {
		return fmt.Errorf("version %q: want one word", c.version)
	}
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	unix, err := sourceTime(ctx)
	if err != nil {
		return err
	}
	for _, b := range plan(c.version, unix) {
		if err := b.build(ctx, c.out); err != nil {
			return err
		}
	}
	if !c.linux {
		return nil
	}
	// It takes the executables from the folder itself, and adds Linux.
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return images.NewSource(c.out, log).WriteDist(ctx, c.out, nodeArches)
}

// binary is an executable to build.
type binary struct {
	name, pkg, goos, arch, ldflags string
	stamped                        bool // with the revision, by the go tool
}

// plan lists all executables of a version of the source.
func plan(version string, unix int64) []binary {
	var list []binary
	for _, arch := range nodeArches {
		list = append(list, binary{name: images.NodeName("linux", arch), pkg: "./init", goos: "linux", arch: arch,
			ldflags: fmt.Sprintf("-s -w -X %[1]s/init/build.version=%[2]s -X %[1]s/init/build.unix=%[3]d", modulePath, version, unix)})
	}
	for _, system := range commandSystems {
		goos, arch, _ := strings.Cut(system, "/")
		name := "capo-" + goos + "-" + arch
		if goos == "windows" {
			name += ".exe"
		}
		list = append(list, binary{name: name, pkg: "./tools/capo", goos: goos, arch: arch, ldflags: "-s -w", stamped: true})
	}
	return list
}

func (b binary) build(ctx context.Context, dir string) error {
	path := filepath.Join(dir, b.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs="+strconv.FormatBool(b.stamped), "-ldflags", b.ldflags, "-o", path, b.pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+b.goos, "GOARCH="+b.arch, "GOARM=7")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", b.name, err, text)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("%s %.1f MB\n", path, float64(info.Size())/1e6)
	return nil
}

// sourceTime is the time below which a node's clock never goes: SOURCE_DATE_EPOCH, else that of the last commit.
func sourceTime(ctx context.Context) (int64, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return 0, fmt.Errorf("find the time of the source (set SOURCE_DATE_EPOCH where there is no git): %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	unix, err := strconv.ParseInt(text, 10, 64)
	if err != nil || unix < 0 {
		return 0, fmt.Errorf("time of the source %q: want seconds since 1970", text)
	}
	return unix, nil
}
