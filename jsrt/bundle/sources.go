package bundle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// sources lists the files that a source map names, and writes their names without the folder where
// esbuild would have put the bundle.
func sources(sourceMap []byte) ([]string, []byte, error) {
	var m struct {
		Version  int      `json:"version"`
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
		Names    []string `json:"names"`
	}
	if err := json.Unmarshal(sourceMap, &m); err != nil {
		return nil, nil, fmt.Errorf("read the source map: %w", err)
	}
	m.Names = []string{}
	files := make([]string, 0, len(m.Sources))
	for i, s := range m.Sources {
		s = strings.TrimPrefix(s, expressionNamespace+":")
		s = strings.TrimPrefix(s, adminNamespace+":")
		s = strings.TrimPrefix(s, kernelNamespace+":")
		m.Sources[i] = s
		if !strings.HasPrefix(s, "capo-types:") && s != AdminModule && s != KernelModule {
			files = append(files, s)
		}
	}
	slices.Sort(files)
	out, err := json.Marshal(m)
	return slices.Compact(files), out, err
}
