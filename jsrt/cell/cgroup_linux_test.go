package cell

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCgroupV2 needs a cgroup v2 folder that is ours (CAPO_TEST_CGROUP); the VM test of init gives one.
func TestCgroupV2(t *testing.T) {
	parent := os.Getenv("CAPO_TEST_CGROUP")
	if parent == "" {
		t.Log("no CAPO_TEST_CGROUP: this runs in the VM test of init")
		return
	}
	read := func(path, file string) string {
		b, err := os.ReadFile(filepath.Join(path, file))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	cfg := testConfig(`async run() { const a = []; for (;;) { a.push(new Uint8Array(1 << 18).fill(1)); await new Promise(d => setTimeout(d, 1)) } }`)
	cfg.Memory, cfg.Pids, cfg.CPU = 24<<20, 20, 500
	c := start(t, cfg)
	g, ok := c.group.(*groupV2)
	if !ok {
		t.Fatalf("the cell has a %T", c.group)
	}
	for file, want := range map[string]string{
		"memory.max": strconv.Itoa(24<<20 + Overhead), "memory.oom.group": "1", "pids.max": "20", "cpu.max": "50000 100000",
		"cgroup.procs": strconv.Itoa(c.Pid()),
	} {
		if got := read(g.path, file); got != want {
			t.Errorf("%s is %s, want %s", file, got, want)
		}
	}
	if s := c.Strength(); s.String() != "full" {
		t.Errorf("strength %s: %q", s, s.Missing)
	}
	if _, err := c.Run(t.Context(), Run{Limit: time.Minute}); !errors.Is(err, ErrMemory) {
		t.Errorf("got %v", err)
	}
	if exists(g.path) {
		t.Error("the cgroup is still there")
	}
	t.Log("cgroup v2 limits hold")
}

func TestCgroupIsRemoved(t *testing.T) {
	c := start(t, testConfig("run() {}"))
	var path string
	switch g := c.group.(type) {
	case *groupV1:
		path = g.memory
	case *groupV2:
		path = g.path
	default:
		return // this host has none
	}
	if !exists(path) {
		t.Fatalf("%s is not there", path)
	}
	_ = c.Close()
	if exists(path) {
		t.Errorf("%s is still there", path)
	}
}
