package house

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// mayPanic are folders where a panic is something else: in a function that JavaScript calls it is how goja throws.
var mayPanic = []string{"jsrt"}

// mayExit are folders that end their process: a cell's child, which is nothing but that.
var mayExit = []string{"jsrt/cell"}

func TestNothingOutsideMainEndsTheProcess(t *testing.T) {
	var problems []string
	for _, f := range goFiles(t) {
		if f.test || f.ast.Name.Name == "main" || strings.HasSuffix(f.dir, "test") {
			continue
		}
		for call := range calls(f.ast) {
			switch {
			case call == "panic" && !within(f.dir, mayPanic), call == "os.Exit" && !within(f.dir, mayExit),
				strings.HasPrefix(call, "log.Fatal"), strings.HasPrefix(call, "log.Panic"), call == "syscall.Exit", call == "runtime.Goexit":
				problems = append(problems, fmt.Sprintf("%s calls %s: in PID 1 that is a kernel panic", f.path, call))
			}
		}
	}
	report(t, problems)
}

func TestNothingServesTheDefaultMux(t *testing.T) {
	served := []string{"http.Handle", "http.HandleFunc", "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve", "http.ServeTLS"}
	var problems []string
	for _, f := range goFiles(t) {
		for call := range calls(f.ast) {
			if !f.test && slices.Contains(served, call) {
				problems = append(problems, fmt.Sprintf("%s calls %s: the default mux has handlers of libraries (pprof, expvar)", f.path, call))
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "DefaultServeMux" {
				problems = append(problems, f.path+" uses http.DefaultServeMux")
			}
			return true
		})
	}
	report(t, problems)
}

// calls yields the functions that a file calls, as f or pkg.F.
func calls(file *ast.File) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fn := call.Fun.(type) {
		case *ast.Ident:
			found[fn.Name] = true
		case *ast.SelectorExpr:
			if pkg, ok := fn.X.(*ast.Ident); ok {
				found[pkg.Name+"."+fn.Sel.Name] = true
			}
		}
		return true
	})
	return found
}

func TestLongTestsAreNamedSo(t *testing.T) {
	var problems []string
	for _, f := range goFiles(t) {
		if !f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") {
				continue
			}
			long := calls(&ast.File{Name: f.ast.Name, Decls: []ast.Decl{fn}})["need.Long"]
			if named := strings.HasSuffix(fn.Name.Name, "Long"); long && !named {
				problems = append(problems, fmt.Sprintf("%s: %s calls need.Long; make test-long runs only tests whose names end in Long", f.path, fn.Name.Name))
			} else if named && !long {
				problems = append(problems, fmt.Sprintf("%s: %s does not call need.Long", f.path, fn.Name.Name))
			}
		}
	}
	report(t, problems)
}

// A test that does more when the environment says so does not do it in make test-long, which runs by name.
func TestOnlyNeedAsksForLongTests(t *testing.T) {
	const variable = "CAPO_" + "LONG"
	var problems []string
	for _, f := range goFiles(t) {
		if f.dir == "test/need" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.BasicLit); ok && strings.Contains(s.Value, variable) {
				problems = append(problems, f.path+" knows "+variable+"; write a test of its own that calls need.Long")
			}
			return true
		})
	}
	report(t, problems)
}
