package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/jsrt/bundle"
)

// kernelSource is a kernel of a file.
type kernelSource struct {
	*js.Kernel
	file   string
	kernel *ir.Kernel
}

// String is FILE#NAME.
func (s *kernelSource) String() string { return s.file + "#" + s.Name }

// compileTarget compiles what FILE or FILE#NAME names.
func (a *app) compileTarget(ctx context.Context, text string) ([]*kernelSource, error) {
	t, err := parseTarget(text)
	if err != nil {
		return nil, err
	}
	all, err := bundle.Kernels(ctx, t.file, "")
	if err != nil {
		return nil, err
	}
	var sources []*kernelSource
	var names []string
	for _, k := range all {
		names = append(names, k.Name)
		if t.name == "" || k.Name == t.name {
			sources = append(sources, &kernelSource{Kernel: k, file: t.file, kernel: k.IR})
		}
	}
	if len(sources) == 0 {
		return nil, usage(fmt.Errorf("%s exports no kernel %s; it exports %s", t.file, t.name, strings.Join(names, ", ")))
	}
	return sources, nil
}

// plan is the geometry of a call.
func (s *kernelSource) plan(bytes, width int) (*frame.Plan, error) {
	return frame.New(s.kernel, bytes, width)
}

// goldens reads the kernel's golden inputs and outputs, which lie beside the source.
func (s *kernelSource) goldens(a *app) ([]proofInput, error) {
	var all []proofInput
	for _, g := range s.Golden {
		in, err := a.readInput(s.beside(g.In))
		if err != nil {
			return nil, fmt.Errorf("golden input of %s: %w", s.Name, err)
		}
		out, err := a.readInput(s.beside(g.Out))
		if err != nil {
			return nil, fmt.Errorf("golden output of %s: %w", s.Name, err)
		}
		if g.Width > 0 {
			in.width = g.Width
		}
		all = append(all, proofInput{g.In, in.words, in.width, out.words})
	}
	return all, nil
}

// beside is a file's path, given relative to the source's folder.
func (s *kernelSource) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(s.file), filepath.FromSlash(name))
}

// writeBeside writes a file into the source's folder, or where out says: a file, or a folder.
func (s *kernelSource) writeBeside(out, name string, data []byte) (string, error) {
	path := s.beside(name)
	if out != "" {
		path = out
		if info, err := os.Stat(out); err == nil && info.IsDir() || strings.HasSuffix(out, string(filepath.Separator)) {
			path = filepath.Join(out, name)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, data, 0o666)
}

// text is the kernel's text without a name.
func (s *kernelSource) text() string { return string(soft.Text(s.kernel)) }
