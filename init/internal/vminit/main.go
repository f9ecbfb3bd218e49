// Command vminit is a node for tests of init: it does what capo.test= on the kernel's command line says and prints the
// outcome on the console.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/capodekappa/capo/init/boot"
	"github.com/capodekappa/capo/init/cmdline"
)

func main() {
	if len(os.Args) > 1 && os.Getpid() != 1 {
		child(os.Args[1])
		return
	}
	if err := boot.Run(run, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// tests are the values of capo.test.
func tests() map[string]boot.Node {
	return map[string]boot.Node{
		"":       idle,
		"tour":   tour,
		"panic":  func(context.Context, boot.Handover) error { panic("as the test wants it") },
		"error":  func(context.Context, boot.Handover) error { return errors.New("as the test wants it") },
		"reboot": func(ctx context.Context, h boot.Handover) error { h.Reboot(); return idle(ctx, h) },
		"stuck":  func(_ context.Context, h boot.Handover) error { h.Poweroff(); select {} },
		"run":    runBinary,
		"die":    die,
		"freeze": freeze,
		"routes": routes,
		"led":    watchLED,
	}
}

func run(ctx context.Context, h boot.Handover) error {
	line, _ := os.ReadFile("/proc/cmdline")
	name, _ := cmdline.Lookup(string(line), "capo.test")
	h.Log.Info("TEST node", "test", name, "id", h.ID, "name", h.Name, "board", h.Board)
	test := tests()[name]
	if test == nil {
		return fmt.Errorf("no test %q", name)
	}
	return test(ctx, h)
}

func idle(ctx context.Context, h boot.Handover) error {
	<-ctx.Done()
	h.Log.Info("TEST stopped")
	return nil
}

// tour looks at everything that a node is promised, then reports addresses until an interface eth2 has one.
func tour(ctx context.Context, h boot.Handover) error {
	h.Log.Info("TEST clock", "unix", time.Now().Unix(), "source", h.ClockSource())
	controllers, err := os.ReadFile(h.CellsCgroup + "/cgroup.subtree_control")
	h.Log.Info("TEST cgroup", "path", h.CellsCgroup, "controllers", strings.TrimSpace(string(controllers)), "err", err)
	h.Log.Info("TEST children", "err", children())
	h.Log.Info("TEST store", "err", os.WriteFile(h.StoreDir+"/x", []byte("x"), 0o600))
	for _, p := range h.Phases {
		h.Log.Info("TEST phase", "name", p.Name, "took_ms", p.Took.Milliseconds(), "ok", p.Err == nil)
	}
	changes := h.Net.Watch(ctx)
	for {
		var text []string
		last := false
		for _, a := range h.Net.Addrs() {
			text = append(text, a.Interface+":"+a.Prefix.String())
			last = last || a.Interface == "eth2" && a.Prefix.Addr().Is4()
		}
		h.Log.Info("TEST addrs", "list", strings.Join(text, ","))
		if last {
			h.Poweroff()
			return idle(ctx, h)
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return idle(ctx, h)
		}
	}
}

// children starts processes that leave orphans, and checks that their own exit status comes back and that no zombie
// stays.
func children() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	for range 10 {
		err := exec.Command(exe, "leave-orphan").Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 {
			return fmt.Errorf("the child ended with %v, not with status 3", err)
		}
	}
	for end := time.Now().Add(3 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		n := processes()
		if n == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d processes are left", n)
		}
	}
}

// processes counts the processes with an executable or none left (zombies) besides this one and kernel threads.
func processes() int {
	entries, _ := os.ReadDir("/proc")
	n := 0
	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if _, notPID := strconv.Atoi(e.Name()); notPID != nil || err != nil {
			continue
		}
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if f[1] == "1" {
			n++
		}
	}
	return n
}

func child(what string) {
	exe, err := os.Executable()
	switch {
	case err != nil:
	case what == "leave-orphan":
		err = exec.Command(exe, "sleep").Start()
		if err == nil {
			os.Exit(3)
		}
	case what == "sleep":
		time.Sleep(100 * time.Millisecond)
		return
	}
	fmt.Fprintln(os.Stderr, what, err)
	os.Exit(4)
}

// die reboots after a boot that ended as nobody wanted, and else has the kernel panic.
func die(ctx context.Context, h boot.Handover) error {
	h.Log.Info("TEST previous", "lines", len(h.Previous))
	if len(h.Previous) > 0 {
		h.Reboot()
		return idle(ctx, h)
	}
	time.Sleep(200 * time.Millisecond) // for the console
	os.Exit(3)
	return nil
}

// freeze has the kernel run this program no more, as if it hung, but after a boot that ended as nobody wanted.
func freeze(ctx context.Context, h boot.Handover) error {
	if len(h.Previous) == 0 {
		time.Sleep(200 * time.Millisecond) // for the console
		h.Log.Info("TEST not frozen", "err", os.WriteFile("/sys/fs/cgroup/node/cgroup.freeze", []byte("1"), 0))
	}
	return idle(ctx, h)
}

// routes waits for two link-local addresses and tells how their network is routed, with the interface and the metric of each route.
func routes(ctx context.Context, h boot.Handover) error {
	for changes := h.Net.Watch(ctx); ; {
		n := 0
		for _, a := range h.Net.Addrs() {
			if a.Prefix.Addr().Is4() && a.Prefix.Addr().IsLinkLocalUnicast() {
				n++
			}
		}
		if n == 2 {
			break
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// An address is announced before its routes are made.
	list, err := linkLocalRoutes()
	for end := time.Now().Add(5 * time.Second); err == nil && !settled(list) && time.Now().Before(end); list, err = linkLocalRoutes() {
		time.Sleep(50 * time.Millisecond)
	}
	h.Log.Info("TEST routes", "list", strings.Join(list, ","), "err", err)
	h.Poweroff()
	return idle(ctx, h)
}

// settled tells whether each of two interfaces has the one route with a metric that it is to keep.
func settled(list []string) bool {
	return len(list) == 2 && !strings.HasSuffix(list[0], ":0") && !strings.HasSuffix(list[1], ":0")
}

// linkLocalRoutes are the routes to 169.254.0.0, as INTERFACE:METRIC.
func linkLocalRoutes() ([]string, error) {
	table, err := os.ReadFile("/proc/net/route")
	var list []string
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 6 && f[1] == "0000FEA9" {
			list = append(list, f[0]+":"+f[6])
		}
	}
	return list, err
}

// watchLED counts the flashes of the board's LED between two long pauses.
func watchLED(ctx context.Context, h boot.Handover) error {
	const pause = time.Second
	flashes, groups := 0, []string{}
	was, since := "", time.Now()
	for len(groups) < 3 && ctx.Err() == nil {
		text, err := os.ReadFile("/sys/class/leds/ACT/brightness")
		if err != nil {
			h.Log.Info("TEST led", "err", err)
			time.Sleep(time.Second)
			continue
		}
		now := strings.TrimSpace(string(text))
		if now != was {
			if was == "0" && time.Since(since) > pause {
				groups, flashes = append(groups, strconv.Itoa(flashes)), 0
			}
			if now != "0" {
				flashes++
			}
			was, since = now, time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.Log.Info("TEST led", "groups", strings.Join(groups, ","))
	h.Poweroff()
	return idle(ctx, h)
}

// runBinary runs /test.bin, which the test has put into the image, with a cgroup for cells, and powers off.
func runBinary(ctx context.Context, h boot.Handover) error {
	line, _ := os.ReadFile("/proc/cmdline")
	args, _ := cmdline.Lookup(string(line), "capo.testargs")
	cmd := exec.CommandContext(ctx, "/test.bin", strings.Fields(args)...)
	cmd.Env = []string{"CI=true", "CAPO_TEST_SLOW=20", "CAPO_TEST_CGROUP=" + h.CellsCgroup, "HOME=/tmp", "PATH=/", "GOTRACEBACK=all"}
	cmd.Dir = "/tmp"
	console, err := os.OpenFile("/dev/console", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer console.Close()
	cmd.Stdout, cmd.Stderr = console, console
	err = cmd.Run()
	fmt.Fprintln(console, "TEST binary ended:", err)
	h.Poweroff()
	return idle(ctx, h)
}
