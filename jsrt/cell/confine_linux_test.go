package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/test/need"
)

// call runs one raw system call in the cell and returns its result, or the error's name.
func rawIn(t *testing.T, c *Cell, call string) (string, error) {
	t.Helper()
	out, err := c.Queue(t.Context(), Batch{Limit: patience(5 * time.Second), Messages: []Message{{Body: []byte(call)}}})
	if err != nil || len(out.Sends) != 1 {
		return "", err
	}
	return string(out.Sends[0].Body), nil
}

const attacker = `queue(batch, env) { for (const m of batch.messages) env.out.send(String(__syscall(...m.json()))) }`

// callJSON writes a system call's number and arguments for the attacker.
func callJSON(args ...any) string {
	b, _ := json.Marshal(args)
	return string(b)
}

func TestSystemCallsAreRefused(t *testing.T) {
	tests := []struct{ name, call, want string }{
		{"open a file", callJSON(unix.SYS_OPENAT, -100, "/etc/passwd", 0), "EPERM"},
		{"open the root", callJSON(unix.SYS_OPENAT, -100, "/", 0), "EPERM"},
		{"make a file", callJSON(unix.SYS_OPENAT, -100, "/x", unix.O_CREAT|unix.O_WRONLY, 0o644), "EPERM"},
		{"a socket", callJSON(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0), "EPERM"},
		{"a netlink socket", callJSON(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, 0), "EPERM"},
		{"a process", callJSON(unix.SYS_CLONE, int(unix.SIGCHLD)), "EPERM"},
		{"a thread with a namespace", callJSON(unix.SYS_CLONE, unix.CLONE_VM|unix.CLONE_THREAD|unix.CLONE_SIGHAND|unix.CLONE_NEWNET), "EPERM"},
		{"clone3", callJSON(unix.SYS_CLONE3, 0, 0), "ENOSYS"},
		{"a signal to another process", callJSON(unix.SYS_TGKILL, 2, 2, 9), "EPERM"},
		{"kill", callJSON(unix.SYS_KILL, -1, 9), "EPERM"},
		{"executable memory", callJSON(sysMmap, 0, 4096, unix.PROT_EXEC|unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE, -1, 0), "EPERM"},
		{"setuid", callJSON(unix.SYS_SETUID, 0), "EPERM"},
		{"prctl", callJSON(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1), "EPERM"},
		{"ioctl", callJSON(unix.SYS_IOCTL, 1, 0), "EPERM"},
		{"raise a limit", callJSON(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_DATA, 0, 0), "EPERM"},
		{"what is allowed", callJSON(unix.SYS_GETTID), ""},
	}
	c := start(t, testConfig(attacker))
	for _, tt := range tests {
		got, err := rawIn(t, c, tt.call)
		if err != nil || tt.want != "" && got != tt.want || tt.want == "" && strings.HasPrefix(got, "E") {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestDeadlySystemCallsKill(t *testing.T) {
	for name, call := range map[string]string{
		"execve":  callJSON(unix.SYS_EXECVE, "/bin/sh", 0, 0),
		"ptrace":  callJSON(unix.SYS_PTRACE, 0, 0, 0, 0),
		"mount":   callJSON(unix.SYS_MOUNT, "a", "b", "c", 0, 0),
		"unshare": callJSON(unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		"bpf":     callJSON(unix.SYS_BPF, 0, 0, 0),
	} {
		c := start(t, testConfig(attacker))
		_, err := rawIn(t, c, call)
		if err == nil || !strings.Contains(err.Error(), "crashed") || !strings.Contains(err.Error(), "bad system call") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// status reads fields of /proc/PID/status.
func status(t *testing.T, pid int) map[string]string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			out[k] = strings.TrimSpace(v)
		}
	}
	return out
}

func TestNothingIsLeftToTheProcess(t *testing.T) {
	leak, err := os.Open("/etc/hostname") // an inheritable file, as a careless library leaves them
	if err != nil {
		leak, err = os.Open("/proc/self/status")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	if _, err := unix.FcntlInt(leak.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	c := start(t, testConfig(attacker))
	s := status(t, c.Pid())
	const none = "0000000000000000"
	for k, want := range map[string]string{"CapEff": none, "CapPrm": none, "CapInh": none, "CapAmb": none, "NoNewPrivs": "1", "Seccomp": "2"} {
		if s[k] != want {
			t.Errorf("%s is %s, want %s", k, s[k], want)
		}
	}
	if os.Geteuid() == 0 && strings.HasPrefix(s["Uid"], "0\t") {
		t.Errorf("the cell of root runs as root: %s", s["Uid"])
	}
	for _, ns := range []string{"net", "mnt", "pid", "ipc", "uts"} {
		if link(t, c.Pid(), "ns/"+ns) == link(t, os.Getpid(), "ns/"+ns) && os.Geteuid() == 0 {
			t.Errorf("the cell shares our %s namespace", ns)
		}
	}
	if os.Geteuid() != 0 {
		return // what follows cannot be read in the /proc of another user
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target := link(t, c.Pid(), "fd/"+fd.Name()); !strings.HasPrefix(target, "pipe:") && !strings.HasPrefix(target, "anon_inode:") {
			t.Errorf("file %s is open: %s", fd.Name(), target)
		}
	}
	if entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/root/", c.Pid())); err != nil || len(entries) > 0 {
		t.Errorf("the root is not empty: %v, %v", entries, err)
	}
}

func TestCellsHaveTheirOwnUser(t *testing.T) {
	need.Root(t)
	a, b := start(t, testConfig(attacker)), start(t, testConfig(attacker))
	if x, y := status(t, a.Pid())["Uid"], status(t, b.Pid())["Uid"]; x == y {
		t.Errorf("two cells run as %s", x)
	}
}

func link(t *testing.T, pid int, name string) string {
	t.Helper()
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil && os.Geteuid() == 0 {
		t.Fatal(err)
	}
	return target
}

func TestStrengthIsFullForRoot(t *testing.T) {
	need.Root(t)
	s, err := Probe(t.Context(), testConfig(""))
	if err != nil || s.String() != "full" {
		t.Errorf("got %s %q, %v", s, s.Missing, err)
	}
}

func TestStrengthNamesWhatIsMissing(t *testing.T) {
	if os.Geteuid() == 0 {
		return // TestAsAnUnprivilegedUser runs this
	}
	s, err := Probe(t.Context(), testConfig(""))
	if err != nil || s.String() != "weak" || !strings.Contains(strings.Join(s.Missing, "; "), "own uid") {
		t.Errorf("got %s %q, %v", s, s.Missing, err)
	}
}

// Each plan must work by itself: the weaker ones are for hosts that refuse the stronger.
func TestEveryPlanStarts(t *testing.T) {
	cfg := testConfig("")
	cfg.complete()
	for _, p := range plans(cfg) {
		t.Run(p.name, func(t *testing.T) {
			c, err := spawnAs(t.Context(), cfg, p)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s := status(t, c.Pid())
			if s["Seccomp"] != "2" || s["NoNewPrivs"] != "1" || s["CapEff"] != "0000000000000000" {
				t.Errorf("seccomp %s, no_new_privs %s, capabilities %s", s["Seccomp"], s["NoNewPrivs"], s["CapEff"])
			}
			if os.Geteuid() == 0 && strings.HasPrefix(s["Uid"], "0\t") && !slices.Contains(p.missing, "own uid") {
				t.Error("it runs as root")
			}
			for _, m := range c.Strength().Missing {
				if strings.HasPrefix(m, "empty root:") {
					t.Error(m)
				}
			}
		})
	}
}

func TestTheCellDiesWithItsParent(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestHelperParent$")
	cmd.Env = append(os.Environ(), "CAPO_TEST_PARENT=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for range 200 {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/statm", pid)); os.IsNotExist(err) || zombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

func zombie(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return strings.Contains(string(b), "State:\tZ")
}

// TestHelperParent is the process that TestTheCellDiesWithItsParent kills: its cell is looping.
func TestHelperParent(t *testing.T) {
	if os.Getenv("CAPO_TEST_PARENT") == "" {
		return // only a helper process
	}
	c := start(t, testConfig(`run() { for (let n = 0;; n++) n ^= 1 }`))
	fmt.Println(c.Pid())
	_, _ = c.Run(t.Context(), Run{Limit: time.Minute})
}

// TestAsAnUnprivilegedUser runs the tests of this package once more as nobody.
func TestAsAnUnprivilegedUser(t *testing.T) {
	need.Root(t)
	if os.Getpid() == 1 || os.Getenv("CAPO_TEST_CGROUP") != "" {
		return // inside a VM it is cgroup v2 that counts
	}
	dir, err := os.MkdirTemp("", "capo-cell")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cell.test")
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-test.v", "-test.timeout=60s", "-test.skip=TestCellsHaveTheirOwnUser|TestStrengthIsFullForRoot|TestAsAn|Helper")
	cmd.Dir = "/"
	cmd.Env = []string{"CI=true", "TMPDIR=" + os.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !strings.Contains(text, "--- PASS: TestHostileScripts") || strings.Contains(text, "--- SKIP: TestHostile") {
		t.Errorf("the hostile scripts did not run:\n%s", text)
	}
}

// The filter as a table: the BPF machine of x/net reads the packet big-endian, so it is written so.
func TestFilter(t *testing.T) {
	a := table(77)
	vm, err := bpf.NewVM(filter(a))
	if err != nil {
		t.Fatal(err)
	}
	judge := func(arch, call uint32, args ...uint32) uint32 {
		p := make([]byte, 64)
		put := func(at int, v uint32) {
			p[at], p[at+1], p[at+2], p[at+3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
		}
		put(0, call)
		put(4, arch)
		for i, v := range args {
			put(16+8*i, v)
		}
		v, err := vm.Run(p)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(v)
	}
	const eperm = retErrno | uint32(unix.EPERM)
	tests := []struct {
		name string
		got  uint32
		want uint32
	}{
		{"read", judge(a.audit, unix.SYS_READ), retAllow},
		{"exit_group", judge(a.audit, unix.SYS_EXIT_GROUP), retAllow},
		{"openat", judge(a.audit, unix.SYS_OPENAT), eperm},
		{"a call of the future", judge(a.audit, 9999), eperm},
		{"another architecture", judge(a.audit+1, unix.SYS_READ), retKill},
		{"execve", judge(a.audit, unix.SYS_EXECVE), retKill},
		{"tgkill of this process", judge(a.audit, unix.SYS_TGKILL, 77), retAllow},
		{"tgkill of another", judge(a.audit, unix.SYS_TGKILL, 78), eperm},
		{"Go's thread", judge(a.audit, unix.SYS_CLONE, 0x50f00), retAllow},
		{"fork", judge(a.audit, unix.SYS_CLONE, 17), eperm},
		{"mprotect to executable", judge(a.audit, unix.SYS_MPROTECT, 0, 0, unix.PROT_READ|unix.PROT_EXEC), eperm},
		{"mprotect to none", judge(a.audit, unix.SYS_MPROTECT, 0, 0, 0), retAllow},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %#x, want %#x", tt.name, tt.got, tt.want)
		}
	}
}

// RLIMIT_DATA counts whole arenas of the Go heap, so it alone is too coarse: the cgroup, or the
// parent's watch where there is none, must end a cell that slowly takes more than it may.
func TestMemoryLimitIsExact(t *testing.T) {
	cfg := testConfig(`async run() { const a = []; for (;;) { a.push(new Uint8Array(1 << 18).fill(1)); await new Promise(d => setTimeout(d, 1)) } }`)
	cfg.Memory = 20 << 20
	c := start(t, cfg)
	_, err := c.Run(t.Context(), Run{Limit: 20 * time.Second})
	if !errors.Is(err, ErrMemory) {
		t.Fatalf("got %v", err)
	}
	most := int64(c.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
	const text = 16 << 20 // pages of the executable, shared with the parent
	if most > cfg.Memory+Overhead+text {
		t.Errorf("it reached %d MB, its limit is %d+%d MB", most>>20, cfg.Memory>>20, Overhead>>20)
	}
	t.Logf("it reached %d MB", most>>20)
}
