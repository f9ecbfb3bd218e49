package bundle

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/evanw/esbuild/pkg/api"
)

// expressionNamespace is esbuild's name for where the text of an expression comes from.
const expressionNamespace = "capo-expression"

// ExpressionFile is what errors in an expression are attributed to.
const ExpressionFile = "expression"

// Expression bundles one expression as an admin job whose `run` returns its value. await is allowed; env
// and ctx are in scope, and node of capo:admin.
func Expression(js string) (*Bundle, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("bundle an expression: %w", err)
	}
	options := options(dir, &admin{})
	options.EntryPoints = []string{ExpressionFile}
	options.Plugins = append(options.Plugins, expressionModule(js))
	b := &Bundle{Name: "exec", File: ExpressionFile}
	return b, b.build(options, ExpressionFile, 1)
}

// expressionModule gives the wrapped expression to esbuild, with a source map that undoes the wrapping.
func expressionModule(js string) api.Plugin {
	js = strings.TrimRight(strings.TrimSpace(js), "; \n\t")
	contents := "import { node } from '" + AdminModule + "'; export default { async run(env, ctx) { return (\n" + js + "\n) } }\n" +
		"//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(shiftMap(js))
	return api.Plugin{Name: expressionNamespace, Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: "^" + ExpressionFile + "$"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			if a.Kind != api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Path: ExpressionFile, Namespace: expressionNamespace}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: expressionNamespace}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			return api.OnLoadResult{Contents: &contents, ResolveDir: ".", Loader: api.LoaderTS}, nil
		})
	}}
}

// shiftMap is a source map that takes each line to the one before it, column by column.
func shiftMap(js string) []byte {
	var mappings strings.Builder
	last := 0 // the column of the segment before, which a segment is relative to
	for i, line := range strings.Split(js, "\n") {
		mappings.WriteByte(';')
		for column := range len(utf16.Encode([]rune(line))) + 1 {
			if column > 0 {
				mappings.WriteString(",CAAC") // one to the right in both
				last++
				continue
			}
			step := "A"
			if i > 0 {
				step = "C"
			}
			mappings.WriteString("AA" + step + vlq(-last))
			last = 0
		}
	}
	out, _ := json.Marshal(map[string]any{"version": 3, "sources": []string{ExpressionFile}, "names": []string{}, "mappings": mappings.String()})
	return out
}

// vlq is a number in base 64, as source maps (ECMA-426) write it.
func vlq(n int) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	v := n << 1
	if n < 0 {
		v = -n<<1 | 1
	}
	var out []byte
	for {
		digit := v & 31
		if v >>= 5; v > 0 {
			digit |= 32
		}
		out = append(out, digits[digit])
		if v == 0 {
			return string(out)
		}
	}
}
