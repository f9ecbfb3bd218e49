package compile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/capodekappa/capo/buildroot"
)

// job is one build.
type job struct {
	recipe  buildroot.Recipe
	tree    string // the source, unpacked for this build alone
	out     string // the result
	log     *os.File
	logPath string
	cpu     time.Duration // that all programs took
}

// run unpacks the source and builds it.
func (j *job) run(ctx context.Context, source string) error {
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return err
	}
	if j.recipe.Kind == buildroot.KindUBoot {
		if err := j.unpackDSC(ctx, source); err != nil {
			return err
		}
		return j.uboot(ctx)
	}
	if err := j.unpackTar(ctx, source); err != nil {
		return err
	}
	if j.recipe.Kind == buildroot.KindDeviceTrees {
		return j.deviceTrees(ctx)
	}
	return j.linux(ctx)
}

// unpackTar unpacks the one archive of a package such as linux-source-6.1.
func (j *job) unpackTar(ctx context.Context, source string) error {
	archives, _ := filepath.Glob(filepath.Join(source, "usr", "src", "*.tar.xz")) // the pattern is valid
	if len(archives) != 1 {
		return fmt.Errorf("the source package has %d archives in usr/src", len(archives))
	}
	if err := os.MkdirAll(j.tree, 0o755); err != nil {
		return err
	}
	return j.command(ctx, filepath.Dir(j.tree), "tar", "-x", "-f", archives[0], "-C", j.tree, "--strip-components=1", "--no-same-owner")
}

// unpackDSC unpacks a source package with Debian's patches applied.
func (j *job) unpackDSC(ctx context.Context, source string) error {
	dscs, _ := filepath.Glob(filepath.Join(source, "*.dsc")) // the pattern is valid
	if len(dscs) != 1 {
		return fmt.Errorf("the source package has %d .dsc files", len(dscs))
	}
	// The signature was not checked here but the digest, against linux.lock.
	return j.command(ctx, filepath.Dir(j.tree), "dpkg-source", "--no-check", "--extract", dscs[0], j.tree)
}

// make runs make in the source.
func (j *job) make(ctx context.Context, args ...string) error {
	args = append([]string{"make", "-j" + strconv.Itoa(runtime.NumCPU()), "ARCH=" + j.recipe.Arch, "CROSS_COMPILE=" + j.recipe.Cross}, args...)
	return j.command(ctx, j.tree, "nice", args...)
}

// command runs a program with its output in the log.
func (j *job) command(ctx context.Context, dir, program string, args ...string) error {
	fmt.Fprintf(j.log, "+ %s %s\n", program, strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "env", append([]string{program}, args...)...) // env looks in the PATH of Env
	cmd.Dir, cmd.Env = dir, environment()
	tail := &tail{}
	cmd.Stdout = io.MultiWriter(j.log, tail)
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if cmd.ProcessState != nil {
		j.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if err == nil {
		return nil
	}
	if strings.Contains(tail.text(), syscall.ENOSPC.Error()) || strings.Contains(tail.text(), "No space left on device") {
		err = errors.Join(err, syscall.ENOSPC)
	}
	return fmt.Errorf("%s %s: %w; all of its output is in %s, which ends with:\n%s", program, args[0], err, j.logPath, tail.text())
}

// read runs a program in the source and returns what it prints, without the space around it.
func (j *job) read(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "env", append([]string{program}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = j.tree, environment(), j.log
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w (see %s)", program, strings.Join(args, " "), err, j.logPath)
	}
	return strings.TrimSpace(string(out)), nil
}

// keep copies a file of the source into the result.
func (j *job) keep(from, to string) error {
	data, err := os.ReadFile(filepath.Join(j.tree, from))
	if err != nil {
		return fmt.Errorf("the build did not make %s: %w", from, err)
	}
	return writeFile(filepath.Join(j.out, to), data)
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
