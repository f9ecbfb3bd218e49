// Package qemutest boots machines in tests and watches their consoles.
package qemutest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/test/need"
)

// limit is how long any machine of a test may live.
const limit = 5 * time.Minute

// Options say what a test wants to boot.
type Options struct {
	// Board is a board's name; empty means qemu-amd64.
	Board string
	// Init is the executable that becomes /init; empty means the node itself.
	Init string
	// Image is the rest, as for `capo image`; Cmdline is appended to the kernel's command line.
	Image images.Options
	// Machine is changed by the test as it likes; its files and command line are set by [Boot].
	Machine qemu.Config
	// Archives are appended to the initramfs.
	Archives [][]byte
}

// VM is a machine that runs in a test. It ends with the test.
type VM struct {
	*qemu.Machine
	// Started is when QEMU was started.
	Started time.Time
	t       testing.TB
	console string
	offset  int
	qmp     string
}

// Build builds a program of this module for a board, as the node is built, and returns its path.
func Build(t testing.TB, boardName, pkg string) string {
	t.Helper()
	return compile(t, boardName, filepath.Base(pkg), "build", "-trimpath", "-buildvcs=false", "-ldflags",
		"-s -w -X github.com/capodekappa/capo/init/build.unix=1700000000", pkg)
}

// BuildTest builds the tests of a package of this module for a board, and returns the program's path.
func BuildTest(t testing.TB, boardName, pkg string) string {
	t.Helper()
	return compile(t, boardName, filepath.Base(pkg)+".test", "test", "-c", "-trimpath", "-ldflags=-s -w", pkg)
}

// compile runs the go tool; the last of its arguments is a package.
func compile(t testing.TB, boardName, name, verb string, args ...string) string {
	t.Helper()
	b, err := board.Load(boardName)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", append([]string{verb, "-o", out}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.Arch, "GOARM=7")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s for %s: %v\n%s", args[len(args)-1], boardName, err, text)
	}
	return out
}

// Boot starts a machine whose kernel QEMU loads.
func Boot(t testing.TB, o Options) *VM {
	t.Helper()
	if o.Board == "" {
		o.Board = "qemu-amd64"
	}
	c := machine(t, o)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	dir := t.TempDir()
	prepare(ctx, t, o, &c, dir)
	return start(ctx, t, c, dir)
}

// machine is the machine of the options, with its board.
func machine(t testing.TB, o Options) qemu.Config {
	t.Helper()
	c := o.Machine
	if c.Board == nil {
		var err error
		if c.Board, err = board.Load(o.Board); err != nil {
			t.Fatal(err)
		}
	}
	need.Command(t, "qemu-system-"+c.Board.QEMU.System)
	return c
}

// start starts a machine with its console and its control socket in dir.
func start(ctx context.Context, t testing.TB, c qemu.Config, dir string) *VM {
	t.Helper()
	c.Console, c.QMP = filepath.Join(dir, "console"), filepath.Join(dir, "qmp")
	vm := &VM{t: t, console: c.Console, qmp: c.QMP, Started: time.Now()}
	var err error
	if vm.Machine, err = qemu.Start(ctx, c, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		vm.Stop()
		if t.Failed() {
			t.Logf("console of %s:\n%s", c.Board.Name, vm.Console())
		}
	})
	return vm
}

func prepare(ctx context.Context, t testing.TB, o Options, c *qemu.Config, dir string) {
	t.Helper()
	from := source(t)
	init, err := o.Init, error(nil)
	if init == "" {
		if init, err = from.Node(ctx, c.Board.Arch); err != nil {
			t.Fatal(err)
		}
	}
	parts, err := from.PartsWith(ctx, c.Board, init)
	if err != nil {
		t.Fatal(err)
	}
	if c.Cmdline, err = images.Cmdline(c.Board, o.Image); err != nil {
		t.Fatal(err)
	}
	archives := o.Archives
	if o.Image.Fleet != nil {
		fleet, err := images.FleetArchive(o.Image.Fleet)
		if err != nil {
			t.Fatal(err)
		}
		archives = append([][]byte{fleet}, archives...)
	}
	c.Kernel, c.Initrd, c.DTB = parts.Kernel, filepath.Join(dir, "initrd"), parts.DTB
	if err := parts.WriteInitrd(c.Initrd, archives...); err != nil {
		t.Fatal(err)
	}
}

// Console returns everything that the machine has printed so far.
func (v *VM) Console() string {
	text, _ := os.ReadFile(v.console) // it is made by QEMU, a moment after the start
	return strings.ReplaceAll(string(text), "\r", "")
}

// Expect waits for a line that matches the pattern, after the one that the last Expect found, and returns the match and
// its groups. The test ends if the line does not come in time or the machine ends.
func (v *VM) Expect(pattern string, limit time.Duration) []string {
	v.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		ended := v.ended()
		text := v.Console()
		if at := re.FindStringSubmatchIndex(text[v.offset:]); at != nil {
			groups := re.FindStringSubmatch(text[v.offset:])
			v.offset += at[1]
			return groups
		}
		if ended {
			v.t.Fatalf("no line on the console matches %q, and the machine ended: %v", pattern, v.Wait(context.Background()))
		}
		if time.Now().After(end) {
			v.t.Fatalf("no line on the console matches %q after %v", pattern, time.Since(v.Started))
		}
	}
}

// Rewind lets the next Expect look at the whole console again.
func (v *VM) Rewind() { v.offset = 0 }

// ExpectEnd waits for QEMU to end as it does when the guest powers off, or reboots with NoReboot.
func (v *VM) ExpectEnd(limit time.Duration) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := v.Wait(ctx); err != nil {
		v.t.Fatalf("the machine did not end by itself: %v", err)
	}
}

func (v *VM) ended() bool {
	select {
	case <-v.Done():
		return true
	default:
		return false
	}
}

// Time returns when the kernel wrote the first line that matches the pattern, since it started; it waits for the line as
// [VM.Expect] does, and looks at the whole console.
func (v *VM) Time(pattern string) time.Duration {
	v.t.Helper()
	v.Rewind()
	text := v.Expect(`^\[ *(\d+\.\d+)\] .*`+pattern, limit)[1]
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		v.t.Fatal(err)
	}
	return time.Duration(seconds * float64(time.Second))
}

// QMP connects to the machine's control socket.
func (v *VM) QMP() *qemu.QMP {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := qemu.DialQMP(ctx, v.qmp)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { q.Close() })
	return q
}

// SegmentPort returns a UDP port for a segment that no other test of this computer uses at the same time.
func SegmentPort(t testing.TB) int {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// Release returns the release of the kernel that a board boots.
func Release(t testing.TB, name string) string {
	t.Helper()
	b, err := board.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := images.NewSource("", nil).Linux(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return l.Release
}
