package cmd

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
)

// say runs the command and returns its exit code and what it printed.
func say(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// contractFields are those that the contract of `boards` and `board` names.
var contractFields = []string{"name", "arch", "soc", "fpga", "formats", "tested"}

func TestBoardsTellsWhatTheContractNames(t *testing.T) {
	code, out, errs := say(t, "boards", "-o", "json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != len(board.Names()) {
		t.Fatalf("exit %d, %d rows, %v, %s", code, len(rows), err, errs)
	}
	for _, row := range rows {
		for _, field := range contractFields {
			if _, ok := row[field]; !ok {
				t.Errorf("%v has no %s", row["name"], field)
			}
		}
		if formats, ok := row["formats"].([]any); !ok || formats == nil {
			t.Errorf("%v: formats is %v, no list", row["name"], row["formats"])
		}
	}
}

func TestBoardTellsAllAboutOne(t *testing.T) {
	code, out, _ := say(t, "board", "zedboard", "-o", "json")
	var row map[string]any
	if err := json.Unmarshal([]byte(out), &row); code != 0 || err != nil {
		t.Fatalf("exit %d, %v", code, err)
	}
	for _, field := range append([]string{"title", "linux", "console", "boot", "text"}, contractFields...) {
		if _, ok := row[field]; !ok {
			t.Errorf("zedboard has no %s", field)
		}
	}
	code, out, _ = say(t, "board", "pynq-z1")
	for _, want := range []string{"pynq-z1", "xc7z020clg400", "ttyPS0,115200", "JP4", "BOOT.BIN", "UG585"} { // the last is of the base's notes
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("board pynq-z1 (exit %d) does not say %s", code, want)
		}
	}
}

func TestAWrongBoardIsAWrongUse(t *testing.T) {
	for _, args := range [][]string{{"board", "zedbord"}, {"board", "zed"}, {"image", "--board", "zedbord"}} {
		if code, _, errs := say(t, args...); code != exitUsage || !strings.Contains(errs, "did you mean zedboard?") {
			t.Errorf("%q: exit %d, %s", args, code, errs)
		}
	}
	if code, _, _ := say(t, "board"); code != exitUsage {
		t.Errorf("board without a name: exit %d", code)
	}
}

func TestBoardsAreCompleted(t *testing.T) {
	_, out, _ := say(t, "__complete", "board", "")
	if lines := strings.Split(out, "\n"); !slices.Contains(lines, "zedboard\tAvnet/Digilent ZedBoard") {
		t.Errorf("capo board <tab>: %q", out)
	}
	for _, verb := range []string{"image", "flash"} {
		if _, out, _ := say(t, "__complete", verb, "--board", ""); !strings.Contains(out, "zedboard\t") {
			t.Errorf("capo %s --board <tab>: %q", verb, out)
		}
	}
	names, _ := completeBoards(nil, nil, "qemu-arm,qemu-ar")
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "qemu-arm,qemu-arm64\t") }) || slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "qemu-arm,qemu-arm\t") }) {
		t.Errorf("--board qemu-arm,<tab>: %q", names)
	}
}

func TestAnImageThatNobodyCanMakeSaysWhy(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for board, want := range map[string]string{"raspberrypi5": "RP1", "host": "plain processes"} {
		if code, _, errs := say(t, "image", "--board", board, "--no-token"); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("image of %s: exit %d, %s", board, code, errs)
		}
	}
}
