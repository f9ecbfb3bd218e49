package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root       = "../.."
	modulePath = "github.com/capodekappa/capo"
)

// made are the folders that hold nothing of the tree's own, by path; elsewhere are those that do not by name.
var (
	made      = []string{"out", "dist"}
	elsewhere = []string{".git", "node_modules", "testdata"}
)

// goFile is a parsed file of the tree, whichever system it is for.
type goFile struct {
	path string // relative to the root, with slashes
	dir  string // its folder, "" for the root
	test bool
	ast  *ast.File
}

// imports lists what the file imports.
func (f goFile) imports() []string {
	var list []string
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			list = append(list, p)
		}
	}
	return list
}

var parseTree = sync.OnceValues(func() ([]goFile, error) {
	var files []goFile
	fset := token.NewFileSet()
	err := walk(func(name string) error {
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, goFile{name, strings.TrimSuffix(strings.TrimSuffix(name, path.Base(name)), "/"), strings.HasSuffix(name, "_test.go"), tree})
		return nil
	})
	return files, err
})

// goFiles returns the Go files of the tree, parsed.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := parseTree()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d Go files only: this is not the tree", len(files))
	}
	return files
}

// walk calls fn for each file of the tree, by its path relative to the root.
func walk(fn func(name string) error) error {
	return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(made, name) || slices.Contains(elsewhere, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return fn(name)
	})
}

// report fails the test with one line for each problem.
func report(t *testing.T, problems []string) {
	t.Helper()
	slices.Sort(problems)
	for _, p := range slices.Compact(problems) {
		t.Error(p)
	}
}
