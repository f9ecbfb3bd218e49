package pstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const panicDump = `Panic#1 Part1
<6>[    1.100000] random: crng init done
<0>[    2.345678] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300
<4>[    2.345700] CPU: 0 PID: 1 Comm: init Not tainted 6.1.0
<0>[    2.345800] ---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300 ]---
`

const oopsDump = `Oops#1 Part1
<1>[    1.200000] BUG: kernel NULL pointer dereference, address: 0000000000000000
<4>[    1.200100] Oops: 0002 [#1] PREEMPT SMP
`

func TestRead(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	tests := []struct {
		name  string
		files fstest.MapFS
		bit   bool
		want  Previous
	}{
		{"nothing", fstest.MapFS{}, false, Previous{}},
		{"a panic", fstest.MapFS{"dmesg-ramoops-0": file(panicDump), "console-ramoops-0": file("[    2.0] capo: reboot at=1s\n")}, true,
			Previous{Panic, "Attempted to kill init! exitcode=0x00000300", []string{
				"[    1.100000] random: crng init done",
				"[    2.345678] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300",
				"[    2.345700] CPU: 0 PID: 1 Comm: init Not tainted 6.1.0",
				"[    2.345800] ---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300 ]---"}}},
		{"an oops", fstest.MapFS{"dmesg-efi_pstore-1": file(oopsDump)}, false,
			Previous{Oops, "BUG: kernel NULL pointer dereference, address: 0000000000000000", []string{
				"[    1.200000] BUG: kernel NULL pointer dereference, address: 0000000000000000",
				"[    1.200100] Oops: 0002 [#1] PREEMPT SMP"}}},
		{"an oops before a panic", fstest.MapFS{"dmesg-ramoops-0": file(oopsDump), "dmesg-ramoops-1": file("Panic#2 Part1\n<0>[ 3.0] Kernel panic - not syncing: Fatal exception\n")}, false,
			Previous{Panic, "Fatal exception", []string{"[ 3.0] Kernel panic - not syncing: Fatal exception"}}},
		{"a panic in parts", fstest.MapFS{"dmesg-efi_pstore-1001": file("Panic#1 Part1\n<0>[ 3.0] last\n"), "dmesg-efi_pstore-1002": file("Panic#1 Part2\n<0>[ 2.0] Kernel panic - not syncing: x\n")}, false,
			Previous{Panic, "x", []string{"[ 2.0] Kernel panic - not syncing: x", "[ 3.0] last"}}},
		{"a dump of something else", fstest.MapFS{"dmesg-ramoops-0": file("Shutdown#1 Part1\n<0>[ 3.0] last\n")}, false, Previous{}},
		{"told to reboot", fstest.MapFS{"console-ramoops-0": file("[ 1.0] capo: ready\n[ 9.0] capo: reboot at=9s\n[ 9.1] reboot: Restarting system\n")}, false,
			Previous{Reboot, "", []string{"[ 1.0] capo: ready", "[ 9.0] capo: reboot at=9s", "[ 9.1] reboot: Restarting system"}}},
		{"told to power off, and only pmsg", fstest.MapFS{"pmsg-ramoops-0": file("dy log=x\n[ 9.0] capo: poweroff at=9s\n")}, false,
			Previous{Poweroff, "", []string{"dy log=x", "[ 9.0] capo: poweroff at=9s"}}},
		{"without a word", fstest.MapFS{"pmsg-ramoops-0": file("[ 1.0] capo: ready\n")}, false,
			Previous{Reset, "", []string{"[ 1.0] capo: ready"}}},
		{"by a watchdog", fstest.MapFS{"pmsg-ramoops-0": file("[ 1.0] capo: ready\n")}, true,
			Previous{Watchdog, "", []string{"[ 1.0] capo: ready"}}},
		{"by a watchdog that keeps nothing", fstest.MapFS{}, true, Previous{Cause: Watchdog}},
		{"memory that nobody wrote", fstest.MapFS{"console-ramoops-0": file("\x00\xff\x1b[2Jx\x00\n\n\xfe")}, false,
			Previous{Reset, "", []string{"?[2Jx", "?"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(tt.files, tt.bit)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Lines) == 0 {
				got.Lines = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABootIsNotTakenForTheOneBeforeIt(t *testing.T) {
	first := Previous{Reset, "", []string{"[ 1.0] capo: ready", "[ 9.0] capo: reboot at=9s"}}
	var said strings.Builder
	for _, l := range first.Report() {
		said.WriteString("[ 0.5] capo: " + l + "\n")
	}
	said.WriteString("[ 0.9] capo: phase node\n")
	got, err := Read(fstest.MapFS{"console-ramoops-0": {Data: []byte(said.String())}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Previous{Reset, "", []string{"[ 0.9] capo: phase node"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestReport(t *testing.T) {
	tests := []struct {
		name string
		p    Previous
		want []string
	}{
		{"nothing known", Previous{}, nil},
		{"as it was told to", Previous{Reboot, "", []string{"a"}}, []string{"previous boot: it ended by reboot"}},
		{"a panic", Previous{Panic, "no init", []string{"a"}}, []string{"previous boot: it ended by kernel panic: no init", "previous boot: a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.p.Report()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadIsBounded(t *testing.T) {
	long := strings.Repeat(strings.Repeat("é", 500)+"\n", 5000)
	got, err := Read(fstest.MapFS{"console-ramoops-0": {Data: []byte(long)}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Lines) != MaxLines {
		t.Errorf("%d lines are kept, want %d", len(got.Lines), MaxLines)
	}
	for _, l := range got.Lines {
		if len(l) > maxLine+len("…") || !utf8.ValidString(l) {
			t.Fatalf("a line has %d bytes: %q", len(l), l)
		}
	}
}

func TestWhatStandsAroundAPanicIsKept(t *testing.T) {
	text := "Panic#1 Part1\n" + strings.Repeat("<6>[ 1.0] before\n", 100) + "<0>[ 2.0] Kernel panic - not syncing: x\n" + strings.Repeat("<6>[ 3.0] trace\n", 100)
	got, err := Read(fstest.MapFS{"dmesg-ramoops-0": {Data: []byte(text)}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Lines) != MaxLines || got.Lines[15] != "[ 1.0] before" || got.Lines[16] != "[ 2.0] Kernel panic - not syncing: x" || got.Lines[17] != "[ 3.0] trace" {
		t.Errorf("kept: %q", got.Lines)
	}
}

func TestClearFreesTheRecords(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"dmesg-ramoops-0", "pmsg-ramoops-0"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clear(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(panicDump), []byte("[ 1.0] capo: reboot at=9s\n"))
	f.Add([]byte(oopsDump), []byte{0, 0xff})
	f.Fuzz(func(t *testing.T, dump, console []byte) {
		p, err := Read(fstest.MapFS{"dmesg-ramoops-0": {Data: dump}, "console-ramoops-0": {Data: console}}, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Lines) > MaxLines {
			t.Errorf("%d lines", len(p.Lines))
		}
		for _, l := range append(p.Lines, p.Why) {
			if !utf8.ValidString(l) || len(l) > maxLine+len("…") || strings.ContainsAny(l, "\n\x1b\x00") {
				t.Errorf("line %q", l)
			}
		}
	})
}
