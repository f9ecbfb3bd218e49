package ref_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/capodekappa/capo/gateware/ir/irtest"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/ref"
	"github.com/capodekappa/capo/gateware/scalar"
)

func TestTheLibraryMeansWhatItCompilesTo(t *testing.T) {
	files, err := filepath.Glob("../../examples/kernels/*.ts")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, file := range files {
		kernels, err := js.Compile(t.Context(), file, js.Options{})
		if err != nil {
			t.Error(err)
		}
		for _, k := range kernels {
			t.Run(filepath.Base(file)+"#"+k.Name, func(t *testing.T) { compare(t, k, r) })
		}
	}
}

func compare(t *testing.T, k *js.Kernel, r *rand.Rand) {
	meaning, err := ref.New(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := scalar.New(t.Context(), k.IR)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		in, width, ok := irtest.Frame(r, k.IR, 40)
		if !ok { // a pipe of blocks
			in, width = make([]byte, 8*24*k.IR.In().Bytes()), 8
			for i := range in {
				in[i] = byte(r.Uint32())
			}
		}
		want, err := meaning.Run(t.Context(), in, width)
		if err != nil {
			t.Fatal(err)
		}
		got, err := plain.Run(t.Context(), in, width)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, width %d: compiled %.60v…, in goja %.60v…\n%s", len(in), width, got, want, k.IR)
		}
	}
}
