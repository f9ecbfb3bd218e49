package project

import (
	"bytes"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog"
)

//go:embed files
var files embed.FS

// margin is how much faster than a board's clock stages are planned to be.
const margin = 1.25

// Folder writes a kernel's project for a board into a folder, which it makes. frames become the test bench; source is how the
// user names the kernel (edges.ts#sobel). Errors: those of verilog.New and of the file system; a folder that has files in it.
func Folder(dir string, k *ir.Kernel, t Target, source string, frames []verilog.Frame) error {
	project, err := Project(k, t, source, frames)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("write the project of %s: %s is not empty", k.Name, dir)
	}
	for name, text := range project {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("write the project of %s: %w", k.Name, err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("write the project of %s: %w", k.Name, err)
		}
	}
	return nil
}

// facts are what the templates know.
type facts struct {
	Target
	Name, Module, Bench string
	Source, Digest      string
	DigestHex           string // as a Verilog literal
	InBytes, OutBytes   int
	Width               bool
	Latency             int
	Period              string
	In, Out             string
}

// Project makes the files of a folder, by their names.
func Project(k *ir.Kernel, t Target, source string, frames []verilog.Frame) (map[string][]byte, error) {
	core, err := verilog.New(k, verilog.Options{Part: sched.PartOf("generic"), Period: 1000 / (margin * float64(t.MHz))})
	if err != nil {
		return nil, err
	}
	bench, err := core.Bench(frames, verilog.BenchOptions{Finish: true})
	if err != nil {
		return nil, err
	}
	digest := k.Digest()
	if _, err := hex.DecodeString(digest); err != nil {
		return nil, fmt.Errorf("digest of %s: %w", k.Name, err)
	}
	f := facts{
		Target: t, Name: verilog.Identifier(k.Name), Module: core.Module, Bench: core.BenchModule(), Source: source, Digest: digest,
		DigestHex: "256'h" + digest, InBytes: core.InBits / 8, OutBytes: core.OutBits / 8, Width: core.Width, Latency: core.Latency,
		Period: fmt.Sprintf("%.3f", 1000/float64(t.MHz)), In: k.In().String(), Out: k.Out().String(),
	}
	out := map[string][]byte{"rtl/core.v": []byte(core.Text), "sim/bench.v": []byte(bench)}
	for _, folder := range []string{"files", "files/" + t.Family.maker()} {
		if err := f.render(out, folder); err != nil {
			return nil, fmt.Errorf("project of %s for %s: %w", k.Name, t.Board, err)
		}
	}
	return out, nil
}

// maker is the folder of a family's scripts.
func (f Family) maker() string {
	if f == Cyclone5 {
		return "quartus"
	}
	return "vivado"
}

// render fills in the templates of a folder. Verilog goes to rtl, but for a maker's own.
func (f *facts) render(out map[string][]byte, folder string) error {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		raw, err := files.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		t, err := template.New(e.Name()).Delims("<%", "%>").Parse(string(raw))
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, f); err != nil {
			return err
		}
		name := e.Name()
		if folder == "files" && strings.HasSuffix(name, ".v") {
			name = "rtl/" + name
		}
		out[name] = text.Bytes()
	}
	return nil
}
