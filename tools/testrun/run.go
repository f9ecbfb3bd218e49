package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

type counts struct{ passed, failed int }

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// tally follows the tests of one run.
type tally struct {
	out     io.Writer
	ci      bool
	output  map[string]*strings.Builder
	parents map[string]bool
	ended   map[string]event // by package and test
	skipped []string
	total   counts
}

// runAll runs the packages together, but for those that need the machine to themselves.
func runAll(ctx context.Context, args []string, alone string, out io.Writer) (counts, error) {
	if alone == "" {
		return runTests(ctx, args, out)
	}
	single := strings.Split(alone, ",")
	var flags, packages []string
	for _, a := range args {
		if strings.HasPrefix(a, ".") {
			packages = append(packages, a)
		} else {
			flags = append(flags, a)
		}
	}
	list, err := exec.CommandContext(ctx, "go", append([]string{"list"}, packages...)...).Output()
	if err != nil {
		return counts{failed: 1}, fmt.Errorf("go list: %w", err)
	}
	var together, last []string
	for pkg := range strings.FieldsSeq(string(list)) {
		if slices.Contains(single, short(pkg)) {
			last = append(last, pkg)
		} else {
			together = append(together, pkg)
		}
	}
	total, err := runTests(ctx, append(slices.Clone(flags), together...), out)
	for _, pkg := range last {
		c, perr := runTests(ctx, append(slices.Clone(flags), pkg), out)
		total.passed += c.passed
		total.failed += c.failed
		err = errors.Join(err, perr)
	}
	return total, err
}

func runTests(ctx context.Context, args []string, out io.Writer) (counts, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return counts{}, fmt.Errorf("go test: %w", err)
	}
	t := &tally{out: out, ci: os.Getenv("CI") != "", output: map[string]*strings.Builder{}, parents: map[string]bool{}, ended: map[string]event{}}
	scan := bufio.NewScanner(pipe)
	scan.Buffer(make([]byte, 1<<20), 64<<20)
	for scan.Scan() {
		var e event
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			fmt.Fprintln(out, scan.Text())
			continue
		}
		t.take(e)
	}
	t.finish()
	err = cmd.Wait()
	if err != nil && t.total.failed == 0 {
		t.total.failed++ // it did not even come to a test
		return t.total, fmt.Errorf("go test: %w", err)
	}
	return t.total, nil
}

func (t *tally) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Action == "build-output" {
			key = "build " + e.ImportPath
		}
		b := t.output[key]
		if b == nil {
			b = &strings.Builder{}
			t.output[key] = b
		}
		if b.Len() < 256<<10 {
			b.WriteString(e.Output)
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.pkg(e)
			return
		}
		t.ended[key] = e
		for i := strings.LastIndexByte(e.Test, '/'); i > 0; i = strings.LastIndexByte(e.Test[:i], '/') {
			t.parents[e.Package+" "+e.Test[:i]] = true
		}
		if e.Action == "fail" {
			fmt.Fprintf(t.out, "--- FAIL %s %s (%.1fs)\n%s", short(e.Package), e.Test, e.Elapsed, t.text(key))
		}
	}
}

// pkg reports a package's end.
func (t *tally) pkg(e event) {
	if e.Action == "skip" {
		return // it has no tests
	}
	fmt.Fprintf(t.out, "%-5s %s (%.1fs)\n", map[string]string{"pass": "ok", "fail": "FAIL"}[e.Action], short(e.Package), e.Elapsed)
	if e.Action != "fail" {
		return
	}
	failedTests := false
	for key, end := range t.ended {
		failedTests = failedTests || end.Action == "fail" && strings.HasPrefix(key, e.Package+" ")
	}
	if !failedTests { // it does not build, or it died outside a test
		t.total.failed++
		fmt.Fprint(t.out, t.text("build "+e.FailedBuild), t.text(e.Package+" "))
		for key, b := range t.output {
			if _, done := t.ended[key]; !done && strings.HasPrefix(key, e.Package+" ") && key != e.Package+" " {
				fmt.Fprintf(t.out, "unfinished: %s\n%s", key, b)
			}
		}
	}
}

func (t *tally) text(key string) string {
	if b := t.output[key]; b != nil {
		return b.String()
	}
	return ""
}

// finish counts the tests that have no subtests.
func (t *tally) finish() {
	for key, e := range t.ended {
		if t.parents[key] {
			if e.Action == "fail" && !t.hasFailedChild(key) {
				t.total.failed++
			}
			continue
		}
		switch e.Action {
		case "pass":
			t.total.passed++
		case "fail":
			t.total.failed++
		case "skip":
			t.skip(key, e)
		}
	}
	slices.Sort(t.skipped)
	for _, s := range t.skipped {
		fmt.Fprintln(t.out, "skipped:", s)
	}
}

func (t *tally) hasFailedChild(key string) bool {
	for k, e := range t.ended {
		if e.Action == "fail" && strings.HasPrefix(k, key+"/") {
			return true
		}
	}
	return false
}

// skip names a skipped test; in CI only those of the long run may be.
func (t *tally) skip(key string, e event) {
	if strings.Contains(t.text(key), "a long test") {
		return
	}
	t.skipped = append(t.skipped, short(e.Package)+" "+e.Test)
	if t.ci {
		t.total.failed++
	}
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "github.com/capodekappa/capo/") }

func join(errs ...error) error { return errors.Join(errs...) }

func readCounts(path string) (counts, error) {
	var total counts
	data, err := os.ReadFile(path)
	if err != nil {
		return total, err
	}
	for line := range strings.Lines(string(data)) {
		var c counts
		if _, err := fmt.Sscanf(line, "%d %d", &c.passed, &c.failed); err != nil {
			return total, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		total.passed += c.passed
		total.failed += c.failed
	}
	return total, nil
}

func addCounts(path string, c counts) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d %d\n", c.passed, c.failed)
	return errors.Join(err, f.Close())
}
