package house

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said := map[string]bool{}
	for _, f := range goFiles(t) {
		dir := f.dir + "/" // of the folder's two packages, the external test's needs no comment
		said[dir] = said[dir] || f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != ""
	}
	var problems []string
	for dir, ok := range said {
		if !ok {
			problems = append(problems, dir+": no file of the package has a doc comment")
		}
	}
	report(t, problems)
}

func TestEveryExportedNameHasAComment(t *testing.T) {
	var problems []string
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		for _, name := range uncommented(f.ast) {
			problems = append(problems, fmt.Sprintf("%s: %s has no doc comment", f.path, name))
		}
	}
	report(t, problems)
}

// uncommented names what a file exports without a comment.
func uncommented(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if receiver := receiverName(d); d.Doc == nil && d.Name.IsExported() && ast.IsExported(receiver) {
				names = append(names, strings.TrimPrefix(receiver+"."+d.Name.Name, "Func."))
			}
		case *ast.GenDecl:
			names = append(names, uncommentedIn(d)...)
		}
	}
	return names
}

// receiverName is the type of a method's receiver, and "Func" for a function.
func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return "Func"
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// uncommentedIn looks into a declaration of types, constants or variables: a comment on a group counts for all in it,
// but for types.
func uncommentedIn(d *ast.GenDecl) []string {
	var names []string
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				names = append(names, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}
