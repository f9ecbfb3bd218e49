package js

import (
	"path/filepath"
	"testing"
)

func BenchmarkCompile(b *testing.B) {
	files, err := filepath.Glob("../../examples/kernels/*.ts")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		b.Run(filepath.Base(file), func(b *testing.B) {
			for b.Loop() {
				if _, err := Compile(b.Context(), file, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
