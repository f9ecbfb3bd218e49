// Package pstore reads what the kernel kept of the boot before this one, in memory that a reset leaves as it is (Linux,
// Documentation/admin-guide/ramoops.rst and Documentation/ABI/testing/pstore).
//
// There are three kinds of records: dmesg holds the kernel's log up to a panic or an oops, console what was printed last, and pmsg
// what this program wrote for the purpose.
package pstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is where the file system of records is mounted.
const Dir = "/sys/fs/pstore"

// Pmsg is the device that takes the lines of the next record pmsg. Writing to it is writing to memory.
const Pmsg = "/dev/pmsg0"

// Cause is how a boot ended.
type Cause string

// The causes. The zero value is that of a machine without records: it was without power, or it keeps none.
const (
	Unknown  Cause = ""
	Panic    Cause = "kernel panic"
	Oops     Cause = "kernel oops"
	Watchdog Cause = "watchdog"
	Reboot   Cause = "reboot"   // as it was told to
	Poweroff Cause = "poweroff" // as it was told to
	Reset    Cause = "reset"    // without a word: a button, the power, or a watchdog that does not tell
)

// Expected reports whether somebody wanted the boot to end so.
func (c Cause) Expected() bool { return c == Unknown || c == Reboot || c == Poweroff }

// Previous is what is known of the boot before this one.
type Previous struct {
	Cause Cause
	// Why is the kernel's own word for a panic or an oops.
	Why string
	// Lines are the last lines of it, the oldest first, at most [MaxLines].
	Lines []string
}

// Quote begins what is said of a previous boot's lines. Lines with it are passed over, or a boot's words would be
// taken for those of the boot after it.
const Quote = "previous boot: "

// Bounds of what is read and kept. A record is memory that nobody may have written.
const (
	MaxLines  = 40
	maxLine   = 200
	maxRecord = 1 << 20
)

// Read reads the records in a folder. bit tells whether a watchdog says that it ended the boot. An error says which record could
// not be read; the others count all the same.
func Read(dir fs.FS, bit bool) (Previous, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return Previous{}, fmt.Errorf("list the records of the previous boot: %w", err)
	}
	var p Previous
	var errs []error
	var dumps []dump
	var prints, words []string
	for _, e := range entries {
		text, err := readRecord(dir, e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		switch kind, _, _ := strings.Cut(e.Name(), "-"); kind {
		case "dmesg":
			dumps = append(dumps, parseDump(text))
		case "console":
			prints = append(prints, lines(text)...)
		case "pmsg":
			words = append(words, lines(text)...)
		}
	}
	p.Lines = words
	if len(prints) > 0 { // they have the kernel's lines as well
		p.Lines = prints
	}
	worst := worstOf(dumps)
	switch {
	case worst.cause != Unknown:
		p = Previous{worst.cause, worst.why, worst.around()}
	case bit:
		p.Cause = Watchdog
	case len(prints)+len(words) > 0:
		p.Cause = ending(append(prints, words...))
	}
	p.Lines = slices.Clone(p.Lines[max(0, len(p.Lines)-MaxLines):])
	return p, errors.Join(errs...)
}

// dump is a record dmesg: one part of the kernel's log, of which the first is the newest.
type dump struct {
	cause   Cause
	n, part int
	why     string
	lines   []string
}

// worstOf puts the dump together that ended a boot: of several an oops may come first, and the panic counts.
func worstOf(dumps []dump) dump {
	var worst dump
	slices.SortStableFunc(dumps, func(a, b dump) int { return b.part - a.part })
	for _, d := range dumps {
		switch {
		case d.cause == worst.cause && d.n == worst.n:
			worst.lines = append(worst.lines, d.lines...)
			worst.why = cmp.Or(worst.why, d.why)
		case d.cause == worst.cause && d.n > worst.n, d.cause == Panic && worst.cause != Panic, d.cause == Oops && worst.cause == Unknown:
			worst = d
		}
	}
	return worst
}

// around is what stands around the kernel's word for it: what came before is worth more than a long trace.
func (d dump) around() []string {
	const before = 16
	for i, l := range d.lines {
		if reason(l, d.cause) != "" {
			from := max(0, min(i-before, len(d.lines)-MaxLines))
			return d.lines[from:min(from+MaxLines, len(d.lines))]
		}
	}
	return d.lines
}

func readRecord(dir fs.FS, name string) (string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return "", fmt.Errorf("read the record %s: %w", name, err)
	}
	defer f.Close()
	data := make([]byte, 0, 4096)
	for len(data) < maxRecord {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil || n == 0 {
			break // what was read counts
		}
		data = slices.Grow(data, 4096)
	}
	return string(data), nil
}

// parseDump reads a record dmesg. Its first line says what for and which part it is, such as "Panic#1 Part1"; then come the
// kernel's lines with their priority.
func parseDump(text string) dump {
	head, rest, _ := strings.Cut(text, "\n")
	var d dump
	var what string
	if _, err := fmt.Sscanf(strings.Replace(head, "#", " ", 1), "%s %d Part%d", &what, &d.n, &d.part); err != nil {
		return dump{}
	}
	switch what {
	case "Panic":
		d.cause = Panic
	case "Oops":
		d.cause = Oops
	default: // such as Shutdown
		return dump{}
	}
	for _, l := range lines(rest) {
		if _, bare, ok := strings.Cut(l, ">"); ok && strings.HasPrefix(l, "<") {
			l = bare
		}
		d.why = cmp.Or(d.why, reason(l, d.cause))
		d.lines = append(d.lines, l)
	}
	return d
}

// reason is the kernel's word for it in a line, or "".
func reason(line string, cause Cause) string {
	marks := []string{"Kernel panic - not syncing: "}
	if cause == Oops {
		marks = []string{"Unable to handle kernel ", "BUG: ", "Oops: ", "kernel BUG at "}
	}
	for _, m := range marks {
		if _, after, ok := strings.Cut(line, m); ok {
			return strings.TrimSpace(strings.TrimPrefix(m, "Kernel panic - not syncing: ") + after)
		}
	}
	return ""
}

// ending finds in the last lines how the machine was ended.
func ending(last []string) Cause {
	for _, l := range slices.Backward(last) {
		switch {
		case strings.Contains(l, "capo: reboot at="):
			return Reboot
		case strings.Contains(l, "capo: poweroff at="):
			return Poweroff
		}
	}
	return Reset
}

// lines splits a record into lines that can be printed.
func lines(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		if l = printable(l); l != "" && !strings.Contains(l, Quote) {
			out = append(out, l)
		}
	}
	return out
}

// printable leaves of a line what is text, and not too much of it.
func printable(line string) string {
	line = strings.ToValidUTF8(line, "?")
	line = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, line))
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}

// Report is what to tell of it: a sentence and, if it ended as nobody wanted, its last lines.
func (p Previous) Report() []string {
	if p.Cause == Unknown {
		return nil
	}
	head := "it ended by " + string(p.Cause)
	if p.Why != "" {
		head += ": " + p.Why
	}
	report := []string{Quote + head}
	if p.Cause.Expected() {
		return report
	}
	for _, l := range p.Lines {
		report = append(report, Quote+l)
	}
	return report
}

// Clear removes the records, so that their memory takes those of this boot.
func Clear(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the records of the previous boot: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, path.Base(e.Name()))); err != nil {
			errs = append(errs, fmt.Errorf("free the record of the previous boot: %w", err))
		}
	}
	return errors.Join(errs...)
}
