package main

import (
	"strings"
	"testing"
)

func TestPlanHasANodeForEachProcessorAndACommandForEachSystem(t *testing.T) {
	want := map[string]string{
		"node-linux-amd64": "./init", "node-linux-arm64": "./init", "node-linux-arm": "./init",
		"capo-linux-amd64": "./tools/capo", "capo-linux-arm64": "./tools/capo", "capo-darwin-amd64": "./tools/capo",
		"capo-darwin-arm64": "./tools/capo", "capo-windows-amd64.exe": "./tools/capo", "capo-windows-arm64.exe": "./tools/capo",
	}
	for _, b := range plan("v1.2.3", 1234) {
		if want[b.name] != b.pkg {
			t.Errorf("%s is built from %s, not %q", b.name, b.pkg, want[b.name])
		}
		delete(want, b.name)
		if b.pkg == "./init" && (!strings.Contains(b.ldflags, "build.version=v1.2.3 ") || !strings.HasSuffix(b.ldflags, "build.unix=1234")) {
			t.Errorf("%s is linked with %s", b.name, b.ldflags)
		}
	}
	for name := range want {
		t.Errorf("%s is not built", name)
	}
}

func TestRunRefusesAVersionThatTheLinkerWouldSplit(t *testing.T) {
	for _, v := range []string{"", "a b", "a'b"} {
		if err := run(t.Context(), config{out: t.TempDir(), version: v}); err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("version %q: %v", v, err)
		}
	}
}

func TestSourceTimeComesFromTheEnvironmentFirst(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "77")
	if got, err := sourceTime(t.Context()); got != 77 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := sourceTime(t.Context()); err == nil {
		t.Error("a time that is none is taken")
	}
}
