package house

import (
	"go/ast"
	"go/types"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestAtomicsAreAlignedOnARMv7 looks at the node's own packages, and at those it depends on that use the functions of sync/atomic most: on a
// 32-bit processor a 64-bit field that is not at a multiple of eight bytes ends the program (sync/atomic, "Bugs"), and PID 1 with it.
func TestAtomicsAreAlignedOnARMv7(t *testing.T) {
	cfg := &packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedExportFile,
		Dir:  root, Env: append(os.Environ(), "GOOS=linux", "GOARCH=arm", "GOARM=7", "CGO_ENABLED=0"),
	}
	loaded, err := packages.Load(cfg, "github.com/nats-io/nats-server/v2/server", "github.com/nats-io/nats.go", "./node/...", "./queue/...", "./fleet/...", "./jsrt/...")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range loaded {
		for _, e := range p.Errors {
			t.Errorf("%s: %v", p.PkgPath, e)
		}
		for _, f := range p.Syntax {
			ast.Inspect(f, func(n ast.Node) bool {
				field := atomicField(p.TypesInfo, n)
				if field == nil {
					return true
				}
				seen++
				if offset := fieldOffset(p.TypesInfo, field); offset%8 != 0 {
					t.Errorf("%s: the field is at byte %d of its struct on ARMv7: %s", p.Fset.Position(n.Pos()), offset, types.ExprString(field))
				}
				return true
			})
		}
	}
	if seen < 100 {
		t.Errorf("only %d atomic accesses were looked at", seen)
	}
}

// atomicField returns F of a call atomic.…64(&F, …), or nil for anything else.
func atomicField(info *types.Info, n ast.Node) *ast.SelectorExpr {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !strings.HasSuffix(fn.Sel.Name, "64") {
		return nil
	}
	if obj := info.Uses[fn.Sel]; obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != "sync/atomic" {
		return nil
	}
	address, ok := call.Args[0].(*ast.UnaryExpr)
	if !ok {
		return nil
	}
	field, _ := address.X.(*ast.SelectorExpr)
	return field
}

// fieldOffset is where a field lies from the nearest struct that was allocated by itself, as the compiler for ARM lays it out.
func fieldOffset(info *types.Info, field *ast.SelectorExpr) int64 {
	sizes := types.SizesFor("gc", "arm")
	var offset int64
	for expr := ast.Expr(field); ; {
		s, ok := expr.(*ast.SelectorExpr)
		if !ok || info.Selections[s] == nil {
			return offset
		}
		selection := info.Selections[s]
		at, inner := selection.Recv(), int64(0)
		pointed := false
		for _, index := range selection.Index() {
			if p, ok := at.Underlying().(*types.Pointer); ok {
				at, inner, pointed = p.Elem(), 0, true
			}
			of := at.Underlying().(*types.Struct)
			fields := make([]*types.Var, of.NumFields())
			for i := range fields {
				fields[i] = of.Field(i)
			}
			inner += sizes.Offsetsof(fields)[index]
			at = fields[index].Type()
		}
		offset += inner
		if pointed {
			return offset
		}
		expr = s.X
	}
}
