package cmd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
	"github.com/capodekappa/capo/jsrt/bundle"
	"github.com/capodekappa/capo/jsrt/cell"
)

// TestMain is also the main function of the cells that the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "cell" {
		os.Exit(cell.Main(os.Args[2:], bundle.Tasks()...))
	}
	if len(os.Args) > 1 && os.Args[1] == toolchain.ChildArgument {
		os.Exit(toolchain.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

const kernelText = `import { kernel } from 'capo:kernel'
export const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)
export const box = kernel({ in: 'u8', window: [3, 3], out: 'u8' }, w => Math.floor((w[0][0] + w[0][2] + w[1][1] + w[2][0] + w[2][2]) / 5))
export const both = gray.pipe(box)
export const tiles = kernel({ in: 'u8', block: [2, 4], maxWidth: 64, out: 'u8' }, b => [0, 1].map(r => [3, 2, 1, 0].map(c => b[r][c])))
export const golden = [{ kernel: 'gray', in: 'in.ppm', out: 'out.pgm' }]
`

// kernelFolder is a source with kernels and their golden files.
func kernelFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"k.ts": kernelText, "in.ppm": "P6\n# by hand\n2 1\n255\n\xff\xff\xff\xff\x00\x00", "out.pgm": "P5\n2 1\n255\n\xff\x4d",
		"bad.ts": "import { kernel } from 'capo:kernel'\nexport const a = kernel({ in: 'u8', out: 'u8' }, x => x * 0.5)",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// feed runs the command with a standard input.
func feed(t *testing.T, in []byte, args ...string) (code int, out []byte, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(t.Context(), args, Streams{In: bytes.NewReader(in), Out: &o, Err: &e})
	return code, o.Bytes(), e.String()
}

func TestKernelRun(t *testing.T) {
	dir := kernelFolder(t)
	file, out := filepath.Join(dir, "k.ts"), filepath.Join(dir, "o.pgm")
	if code, got, errs := feed(t, []byte{255, 255, 255, 255, 0, 0}, "kernel", "run", file+"#gray"); code != 0 || !bytes.Equal(got, []byte{255, 77}) {
		t.Errorf("%d, %v, %s", code, got, errs)
	}
	for _, engine := range []string{"goja", "batch", "wasm", "wasm-simd"} {
		if code, got, errs := feed(t, []byte{9, 9, 9, 9, 9, 4}, "kernel", "run", file+"#box", "--width", "3", "--engine", engine); code != 0 || !bytes.Equal(got, []byte{9, 8, 8, 9, 8, 7}) {
			t.Errorf("%s: %d, %v, %s", engine, code, got, errs)
		}
	}
	code, text, errs := feed(t, nil, "kernel", "run", file+"#gray", filepath.Join(dir, "in.ppm"), "--out", out, "-o", "json")
	var rows []kernelRow
	if err := json.Unmarshal(text, &rows); code != 0 || err != nil || len(rows) != 1 || rows[0].Name != "gray" || rows[0].Digest == nil || *rows[0].Digest != sumOf([]byte{255, 77}) {
		t.Errorf("%d, %s, %s, %v", code, text, errs, err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "P5\n2 1\n255\n\xff\x4d" {
		t.Errorf("%q, %v", got, err)
	}
	in := filepath.Join(dir, "in.ppm")
	if code, got, _ := feed(t, nil, "kernel", "run", file+"#gray", in, in); code != 0 || !bytes.Equal(got, []byte{255, 77, 255, 77}) {
		t.Errorf("two frames: %d, %v", code, got)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{file}, 2, "want FILE#NAME"},
		{[]string{file + "#nope"}, 2, "exports no kernel nope; it exports gray, box, both, tiles"},
		{[]string{file + "#gray", "--width", "0"}, 2, "--width 0"},
		{[]string{file + "#gray", "--width", "-2"}, 2, "--width -2"},
		{[]string{file + "#gray", "--engine", "magic"}, 2, "there are goja, batch"},
		{[]string{file + "#gray", filepath.Join(dir, "none")}, 1, "no such file"},
		{[]string{file + "#gray", file}, 1, "are not whole words"},
		{[]string{file + "#box", in}, 2, "pixels of 3 bytes, and box takes words of 1"},
		{[]string{file + "#gray", filepath.Join(dir, "out.pgm")}, 2, "pixels of 1 bytes"},
		{[]string{filepath.Join(dir, "none.ts") + "#a"}, 1, "none.ts"},
		{[]string{filepath.Join(dir, "bad.ts") + "#a"}, 1, "bad.ts:2:"},
	} {
		if code, _, errs := feed(t, nil, append([]string{"kernel", "run"}, tt.args...)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%v: %d, %s; want %d, %s", tt.args, code, errs, tt.code, tt.want)
		}
	}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// kernelFields are the contract's.
var kernelFields = []string{"name", "part", "engine", "luts", "ffs", "brams", "fmax_hz", "stages", "latency", "bytes_per_s", "digest"}

func TestKernelProve(t *testing.T) {
	dir := kernelFolder(t)
	file := filepath.Join(dir, "k.ts")
	args := []string{"kernel", "prove", file, "--noise", "4K", "--engine", "batch,wasm,wasm-simd", "-o", "json"}
	code, out, errs := say(t, args...)
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 16 {
		t.Fatalf("%d, %s, %s, %v", code, out, errs, err)
	}
	for i, row := range rows {
		for _, field := range kernelFields {
			if _, ok := row[field]; !ok {
				t.Errorf("no %s in %v", field, row)
			}
		}
		if row["digest"] != rows[i&^3]["digest"] || row["digest"] == nil || row["bytes_per_s"] == nil {
			t.Errorf("%v and %v", rows[i&^3], row)
		}
	}
	t.Run("a golden that does not hold", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(dir, "out.pgm"), []byte("P5\n2 1\n255\n\xff\x4e"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := say(t, args...); code != 1 || !strings.Contains(errs, "byte 1 of 2 is 77, not 78") {
			t.Errorf("%d, %s", code, errs)
		}
	})
	t.Run("an engine that is not there", func(t *testing.T) {
		if code, _, errs := say(t, "kernel", "prove", file, "--engine", "magic"); code != 2 || !strings.Contains(errs, "--engine magic") {
			t.Errorf("%d, %s", code, errs)
		}
	})
}

func TestEnginesThatDifferAreTold(t *testing.T) {
	p := &proofRun{inputs: []proofInput{{name: "a", words: []byte{1}}, {name: "b", words: []byte{2, 3}}}, answers: [][]byte{{1}, {2, 3}}}
	e := &kernelEngine{row: kernelRow{Engine: "x"}}
	if err := p.compare(e, [][]byte{{1}, {2, 3}}); err != nil {
		t.Error(err)
	}
	if err := p.compare(e, [][]byte{{1}, {2, 4}}); err == nil || err.Error() != "engines differ: x and goja, over b: byte 1 of 2 is 4, not 3" {
		t.Errorf("%v", err)
	}
	if err := p.compare(e, [][]byte{{1}, {2}}); err == nil || !strings.Contains(err.Error(), "1 bytes, not 2") {
		t.Errorf("%v", err)
	}
}

func TestProofInputsFitTheirKernel(t *testing.T) {
	sources, err := (&app{}).compileTarget(t.Context(), filepath.Join(kernelFolder(t), "k.ts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		inputs := proofInputs(s.kernel, nil, 1<<20)
		last := inputs[len(inputs)-1]
		if len(last.words) < 1<<20*9/10 {
			t.Errorf("%s: %d bytes of noise", s.Name, len(last.words))
		}
		for _, in := range inputs {
			short, ok := shorten(s.kernel, in, simulated)
			if _, err := frame.New(s.kernel, len(short.words), short.width); err != nil || !ok || len(short.words) > simulated {
				t.Errorf("%s: %s: %d bytes, %v", s.Name, in.name, len(short.words), err)
			}
		}
	}
}

func FuzzPicture(f *testing.F) {
	f.Add([]byte("P6\n1 1\n255\nabc"))
	f.Add([]byte("P5 # c\n99999 99999\n255\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pixels, width, pixel, err := parsePicture(data)
		if err == nil && (width <= 0 || len(pixels)%(width*pixel) != 0 || len(pixels) > len(data)) {
			t.Errorf("%d pixels of %d in rows of %d", len(pixels), pixel, width)
		}
	})
}
