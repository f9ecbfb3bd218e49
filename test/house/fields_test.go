package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/types"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestFieldsThatNodesWriteAreAsDescribed is for forms that only nodes read and write: it takes their fields from the source.
func TestFieldsThatNodesWriteAreAsDescribed(t *testing.T) {
	wanted := []string{"heartbeat", "jobReport", "position", "checkpoint", "slotClaim", "slotRun", "mergeState", "seats", "seat"}
	structs := map[string]*ast.StructType{}
	for _, f := range goFiles(t) {
		if f.dir != "node" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok {
				if body, ok := s.Type.(*ast.StructType); ok && !f.test {
					structs[s.Name.Name] = body
				}
			}
			return true
		})
	}
	var b bytes.Buffer
	for _, name := range wanted {
		body := structs[name]
		if body == nil {
			t.Fatalf("package node has no struct %s any more", name)
		}
		fmt.Fprintln(&b, name)
		for _, field := range body.Fields.List {
			fmt.Fprintf(&b, "  %s %s\n", jsonName(field), types.ExprString(field.Type))
		}
	}
	golden(t, "fields.txt", b.Bytes())
}

// jsonName is a field's name in JSON with its options, "embeds" for an embedded one.
func jsonName(f *ast.Field) string {
	if len(f.Names) == 0 {
		return "embeds"
	}
	if f.Tag != nil {
		if tag, err := strconv.Unquote(f.Tag.Value); err == nil {
			if name := reflect.StructTag(tag).Get("json"); name != "" {
				return name
			}
		}
	}
	return strings.ToLower(f.Names[0].Name) + " (no tag)"
}
