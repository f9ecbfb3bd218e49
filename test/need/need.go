// Package need states what a test needs of the machine it runs on.
//
// On a developer's machine a test whose need is not met is skipped; with CI set in the
// environment it fails instead, so that a green run means that everything ran.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Root needs the test to run as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root")
	}
}

// Command needs the named program on the PATH and returns where it is.
func Command(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "the program "+name+" (capo doctor names its package)")
	}
	return path
}

// File needs a file, such as one that a Debian package installs, and returns its path.
func File(t testing.TB, path, pkg string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		Missing(t, path+" (Debian package "+pkg+")")
	}
	return path
}

// Long marks a test that only `make test-long` runs: it needs CAPO_LONG=1.
func Long(t testing.TB) {
	t.Helper()
	if os.Getenv("CAPO_LONG") == "" {
		t.Skip("a long test: make test-long runs it")
	}
}

// Missing ends a test for want of something else that the machine does not give.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("needs %s, and in CI nothing may be skipped", what)
	}
	t.Skipf("needs %s", what)
}
