package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/artefact"
)

func TestKernelImport(t *testing.T) {
	dir := kernelFolder(t)
	file, rbf := filepath.Join(dir, "k.ts"), filepath.Join(dir, "sobel.rbf")
	data := bytes.Repeat([]byte{0xff}, 5000)
	copy(data[128:], "jjjj")
	if err := os.WriteFile(rbf, data, 0o666); err != nil {
		t.Fatal(err)
	}
	code, out, errs := say(t, "kernel", "import", file+"#both", rbf, "--part", "5cseba6", "-o", "json")
	var rows []kernelRow
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 1 || *rows[0].Part != "5cseba6" {
		t.Fatalf("%d, %s, %s, %v", code, out, errs, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "both.5cseba6.kernel"))
	if err != nil || sumOf(raw) != *rows[0].Digest {
		t.Fatal(err)
	}
	f, err := artefact.Decode(raw)
	if err != nil || !bytes.Equal(f.Bitstream, data) || f.Manifest.Kind != "vendor" || f.Manifest.Link != nil || len(f.Manifest.Golden) == 0 {
		t.Errorf("%v, %+v", err, f)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"another part", []string{file + "#both", rbf, "--part", "xc7z020"}, 4, "for another part"},
		{"no part", []string{file + "#both", rbf}, 2, "--part"},
		{"no kernel", []string{file, rbf, "--part", "5cseba6"}, 2, "FILE#NAME"},
		{"no bitstream", []string{file + "#both", file, "--part", "5cseba6"}, 1, "no bitstream that is known here"},
		{"no file", []string{file + "#both", rbf + "x", "--part", "5cseba6"}, 1, "no such file"},
	} {
		if code, _, errs := say(t, append([]string{"kernel", "import"}, tt.args...)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: %d, %s; want %d, %s", tt.name, code, errs, tt.code, tt.want)
		}
	}
}

func TestKernelVerilog(t *testing.T) {
	dir := kernelFolder(t)
	file, out := filepath.Join(dir, "k.ts"), filepath.Join(dir, "project")
	code, text, errs := say(t, "kernel", "verilog", file+"#both", "--board", "de10-nano", "--out", out, "-o", "json")
	var rows []kernelRow
	if err := json.Unmarshal([]byte(text), &rows); code != 0 || err != nil || len(rows) != 1 || *rows[0].Part != "5cseba6" {
		t.Fatalf("%d, %s, %s, %v", code, text, errs, err)
	}
	for _, name := range []string{"README.md", "rtl/core.v", "sim/bench.v", "project.tcl"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	if code, text, _ := say(t, "kernel", "verilog", file+"#gray"); code != 0 || !strings.Contains(text, "module capo_gray") {
		t.Errorf("%d, %.100s", code, text)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{file + "#both", "--board", "de10-nano", "--out", out}, 1, "is not empty"},
		{[]string{file + "#both", "--board", "abacus", "--out", out}, 2, "for these it can: "},
		{[]string{file + "#both", "--board", "de10-nano"}, 2, "go together"},
		{[]string{file}, 2, "FILE#NAME"},
	} {
		if code, _, errs := say(t, append([]string{"kernel", "verilog"}, tt.args...)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%v: %d, %s", tt.args, code, errs)
		}
	}
}
