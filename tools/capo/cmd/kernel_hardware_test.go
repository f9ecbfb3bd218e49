package cmd

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/test/need"
)

func TestKernelExplain(t *testing.T) {
	dir := kernelFolder(t)
	file, pictures := filepath.Join(dir, "k.ts"), filepath.Join(dir, "pictures")
	code, out, errs := say(t, "kernel", "explain", file+"#both", "--out", pictures)
	if code != 0 {
		t.Fatalf("%d, %s", code, errs)
	}
	for _, want := range []string{"both, at 48 MHz on ice40up5k-sg48", "r g b: u8", "window 3 × 3", "2 line buffers", "ice40up5k-sg48  verilog"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	svg, err := os.ReadFile(filepath.Join(pictures, "both.svg"))
	if err != nil || xml.Unmarshal(svg, new(struct{})) != nil {
		t.Errorf("%v, %.200s", err, svg)
	}
	code, out, errs = say(t, "kernel", "explain", file, "-o", "json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 4 {
		t.Fatalf("%d, %s, %s", code, out, errs)
	}
	for _, row := range rows {
		if row["stages"] == nil || row["latency"] == nil || row["part"] != defaultPart || row["luts"] != nil {
			t.Errorf("%v", row)
		}
	}
	if code, _, errs := say(t, "kernel", "explain", file, "--part", "z80"); code != 2 || !strings.Contains(errs, "ice40up5k") {
		t.Errorf("%d, %s", code, errs)
	}
}

func TestAKernelIsBuiltAndItsBitstreamProved(t *testing.T) {
	for _, tool := range []string{"yosys", "nextpnr-ice40", "icepack", "icebox_vlog", "iverilog"} {
		need.Command(t, tool)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := kernelFolder(t)
	file := filepath.Join(dir, "k.ts")
	const small = "ice40hx1k-tq144"
	code, out, errs := say(t, "kernel", "build", file+"#gray", "--part", small, "-o", "json")
	var rows []kernelRow
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 1 || rows[0].LUTs == nil || rows[0].FmaxHz == nil || rows[0].Digest == nil {
		t.Fatalf("%d, %s, %s, %v", code, out, errs, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "gray."+small+".kernel"))
	if err != nil || sumOf(data) != *rows[0].Digest {
		t.Fatalf("%v, or another digest than was told", err)
	}
	f, err := artefact.Decode(data)
	if err != nil || len(f.Manifest.Golden) < 5 {
		t.Fatalf("%v, %+v", err, f)
	}
	t.Run("explained with what it takes", func(t *testing.T) {
		code, out, errs := say(t, "kernel", "explain", file+"#gray", "--part", small, "-o", "json")
		if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 2 || rows[1].LUTs == nil || *rows[1].LUTs != f.Manifest.Resources.LUTs {
			t.Errorf("%d, %s, %s, %v", code, out, errs, err)
		}
	})
	t.Run("proved", func(t *testing.T) {
		code, out, errs := say(t, "kernel", "prove", file+"#gray", "--part", small, "--noise", "300", "-o", "json")
		if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 6 {
			t.Fatalf("%d, %s, %s, %v", code, out, errs, err)
		}
		for _, row := range rows {
			if row.Digest == nil || *row.Digest != *rows[0].Digest {
				t.Errorf("%s: %v", row.Engine, row.Digest)
			}
		}
	})
	t.Run("a changed bitstream is found, and the others are proved all the same", func(t *testing.T) {
		data[len(data)-100] ^= 1
		if err := os.WriteFile(filepath.Join(dir, "gray."+small+".kernel"), data, 0o666); err != nil {
			t.Fatal(err)
		}
		code, out, errs := say(t, "kernel", "prove", file+"#gray", "--part", small, "--noise", "300", "--engine", "batch,bitstream", "-o", "json")
		if err := json.Unmarshal([]byte(out), &rows); code != 1 || err != nil || !strings.Contains(errs, "damaged") || len(rows) != 3 || rows[1].Digest == nil || rows[2].Digest != nil {
			t.Errorf("%d, %s, %s", code, out, errs)
		}
	})
}

func TestMissingToolsAreNull(t *testing.T) {
	dir := kernelFolder(t)
	t.Setenv("PATH", dir)
	code, out, errs := say(t, "kernel", "prove", filepath.Join(dir, "k.ts")+"#gray", "--noise", "300", "-o", "json")
	var rows []kernelRow
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 6 || rows[4].Digest != nil || rows[5].Digest != nil || rows[0].Digest == nil {
		t.Errorf("%d, %s, %s, %v", code, out, errs, err)
	}
	if !strings.Contains(errs, "iverilog is not on the PATH; capo doctor --install") || strings.Count(errs, "note: verilog") != 1 {
		t.Errorf("%s", errs)
	}
}
