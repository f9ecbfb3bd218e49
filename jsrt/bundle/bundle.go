// Package bundle turns a job's source (TypeScript, ES modules, npm packages) into the one script
// that a cell runs, on the operator's machine. It is the only package that knows esbuild; a node
// never imports it.
//
// The same input gives the same bytes, wherever it lies: no absolute path gets into a bundle.
package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/capodekappa/capo/jsrt"
)

// Bundle is a job's code.
type Bundle struct {
	Name  string   // the file's name without its extension: the job's default name
	File  string   // the file's name, relative to its folder
	JS    []byte   // an IIFE that leaves its exports in jsrt.Global
	Map   []byte   // its source map, without the sources
	Files []string // what went in, relative to the file's folder, sorted

	dir   string // the file's folder, "" for an expression
	admin bool   // it imports AdminModule
}

// Digest is the hex SHA-256 of the script.
func (b *Bundle) Digest() string {
	sum := sha256.Sum256(b.JS)
	return hex.EncodeToString(sum[:])
}

// Problem is one error of the source.
type Problem struct {
	File   string
	Line   int // 1 is the first; 0: not known
	Column int // in bytes, 1 is the first
	Text   string
	Source string // the line, may be empty
}

// Error is "file:line:column: text", then the source line and a mark below its column.
func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.Text
	}
	text := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
	if p.Source == "" || len(p.Source) > 400 {
		return text
	}
	return text + "\n    " + p.Source + "\n    " + pad(p.Source, p.Column-1) + "^"
}

// pad is as wide as the first n bytes of a line.
func pad(line string, n int) string {
	return regexp.MustCompile(`[^\t]`).ReplaceAllString(line[:min(max(n, 0), len(line))], " ")
}

// Build bundles the job in a file. What is wrong with the source is told as *[Problem], several
// of them joined.
func Build(file string) (*Bundle, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", file, err)
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", file, err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("bundle %s: it is not a file", file)
	}
	dir, base := filepath.Split(path)
	uses := &admin{}
	b := &Bundle{Name: defaultName(base), File: base, dir: filepath.Clean(dir)}
	err = b.build(options(b.dir, uses), base, 0)
	b.admin = uses.used
	return b, err
}

// defaultName is a job's name when it says none: the file's, in the form that names have.
func defaultName(base string) string {
	name := strings.TrimSuffix(base, filepath.Ext(base))
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	return strings.Trim(name, "-")
}

func options(dir string, uses *admin) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir:  dir,
		Outfile:        filepath.Join(dir, "bundle.js"),
		Bundle:         true,
		Write:          false,
		Format:         api.FormatIIFE,
		GlobalName:     jsrt.Global,
		Target:         api.ES2021,
		Supported:      supported(),
		Platform:       api.PlatformNeutral,
		MainFields:     []string{"module", "main"},
		Conditions:     []string{"worker", "browser", "module"},
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		Charset:        api.CharsetASCII,
		LegalComments:  api.LegalCommentsNone,
		LogLevel:       api.LogLevelSilent,
		LogLimit:       20,
		Metafile:       false,
		TreeShaking:    api.TreeShakingTrue,
		Plugins:        []api.Plugin{capoModules(uses)},
	}
}

// supported tells esbuild what goja lacks within ES2021.
func supported() map[string]bool {
	return map[string]bool{
		"async-generator": false, "for-await": false, "regexp-unicode-property-escapes": false,
	}
}

// build runs esbuild and fills b; the entry is the file named entry unless the options say another. Lines of the file named entry are counted from after its first shift.
func (b *Bundle) build(options api.BuildOptions, entry string, shift int) error {
	if len(options.EntryPoints) == 0 {
		options.EntryPoints = []string{"./" + entry}
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return problems(result.Errors, entry, shift)
	}
	for _, f := range result.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			b.Map = f.Contents
		} else {
			b.JS = f.Contents
		}
	}
	if len(b.JS) == 0 {
		return fmt.Errorf("bundle %s: esbuild made nothing", entry)
	}
	var err error
	b.Files, b.Map, err = sources(b.Map)
	return err
}

func problems(messages []api.Message, entry string, shift int) error {
	var all []error
	for _, m := range messages {
		p := &Problem{Text: m.Text}
		if at := m.Location; at != nil {
			p.File, p.Line, p.Column, p.Source = filepath.ToSlash(at.File), at.Line, at.Column+1, at.LineText
			p.File = strings.TrimPrefix(p.File, expressionNamespace+":")
			if p.File == entry {
				p.Line -= shift
			}
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(x, y error) int {
		a, b := x.(*Problem), y.(*Problem)
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return errors.Join(all...)
}
