package js

import (
	"context"
	"strings"
	"testing"
	"time"
)

// FuzzCompileSource looks for sources that the compiler fails inside on, in place of refusing them with a position.
func FuzzCompileSource(f *testing.F) {
	for _, body := range refusedBodies {
		f.Add("import { kernel } from 'capo:kernel'\nconst TABLE = [3, 1, 4, 1]\nexport const k = kernel({ in: { a: 'i16', b: 'u8' }, out: 'i32' }, ({ a, b }) => { " + body + " })")
	}
	for _, call := range refusedCalls {
		f.Add("import { kernel } from 'capo:kernel'\nexport const k = " + call)
	}
	for _, s := range refusedSources {
		f.Add(s.source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		kernels, err := CompileSource(ctx, "fuzz.ts", source, Options{})
		if err != nil {
			if strings.Contains(err.Error(), "internal error") {
				t.Fatal(err)
			}
			return
		}
		for _, k := range kernels {
			if err := k.IR.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzSnapshot gives the compiler snapshots that a process which runs foreign code might have written.
func FuzzSnapshot(f *testing.F) {
	s, err := transform("s.js", "import { kernel } from 'capo:kernel'\nconst T = [1, 2], R = { a: [T, 'x'] }\nexport const k = kernel({ in: ['u8', 2], state: 'u8', init: 1, out: 'u8' }, (s, v) => ({ state: R.a[0][v[0] & 1], out: s }))")
	if err != nil {
		f.Fatal(err)
	}
	left, err := Describe(f.Context(), s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(left))
	f.Fuzz(func(t *testing.T, left string) {
		describe := func(context.Context, *Script) ([]byte, error) { return []byte(left), nil }
		if _, err := compile(t.Context(), s, Options{Describe: describe}); err != nil && strings.Contains(err.Error(), "internal error") {
			t.Fatal(err)
		}
	})
}
