package house

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// Written so that this file does not match itself.
var (
	packageHosts = regexp.MustCompile(`(?i)\b(proxy|sum|index)[.]golang[.]org|\b(deb|ftp|security|snapshot|http)([.][a-z]{2})?[.]debian[.]org|` +
		`\b(archive|security|ports)[.]ubuntu[.]com|\bregistry[.]npmjs[.]org|\bregistry[.]yarnpkg[.]com|\bfiles[.]pythonhosted[.]org|\bgoproxy[.](io|cn)`)
	machinePaths = regexp.MustCompile(`(^|[^A-Za-z0-9_.~-])/(root|work|home/[a-z][a-z0-9_-]*|Users/[A-Za-z]+|mnt/[a-z]+)/[A-Za-z0-9_.-]`)
)

func TestNoPackageHostAndNoMachinesPathIsInTheTree(t *testing.T) {
	var problems []string
	err := walk(func(name string) error {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		for i, line := range bytes.Split(data, []byte("\n")) {
			if m := packageHosts.Find(line); m != nil {
				problems = append(problems, fmt.Sprintf("%s:%d: %s is a package host: where packages come from is the user's setting", name, i+1, m))
			}
			if m := machinePaths.Find(line); m != nil {
				problems = append(problems, fmt.Sprintf("%s:%d: %s is a path of one machine", name, i+1, bytes.TrimSpace(m)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	report(t, problems)
}

// Lines of a file of source: long ones are listed, and one that is longer than maxLines fails.
const (
	longLines = 350
	maxLines  = 600
)

func TestNoFileHasTooManyLines(t *testing.T) {
	err := walk(func(name string) error {
		if !slices.Contains([]string{".go", ".ts", ".js", ".mjs", ".sh", ".md", ".c", ".v"}, path.Ext(name)) {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		switch n := bytes.Count(data, []byte("\n")); {
		case n > maxLines:
			t.Errorf("%s has %d lines, more than %d: split it", name, n, maxLines)
		case n > longLines:
			t.Logf("%s is long: %d lines", name, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
