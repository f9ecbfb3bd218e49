package js

import (
	"path/filepath"
	"testing"
	"time"
)

func TestLibraryCompiles(t *testing.T) {
	files, err := filepath.Glob("../../examples/kernels/*.ts")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		begin := time.Now()
		kernels, err := Compile(t.Context(), file, Options{})
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, k := range kernels {
			n := 0
			for _, s := range k.IR.Stages {
				n += len(s.Body.Values)
			}
			t.Logf("%s#%s at %s: %d values, %d golden", file, k.Name, k.Pos, n, len(k.Golden))
		}
		t.Logf("%s", time.Since(begin))
	}
}
