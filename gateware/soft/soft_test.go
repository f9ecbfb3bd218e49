package soft

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/scalar"
)

const window = `kernel
stage window 3 3
  in u8
  out u8
  edge mirror
  maxwidth 64
  v0 = in 0 0 0
  v1 = in 0 1 1
  v2 = in 0 2 1
  v3 = add v0 v1
  v4 = add v2 v3
  v5 = wrapu v4 8
  give v5
end
`

// long is a kernel of so many values.
func long(values int) string {
	var b strings.Builder
	b.WriteString("kernel\nstage word 1 1\n  in u8\n  out u8\n  v0 = in 0 0 0\n  v1 = x\n")
	for i := 2; i < values; i++ {
		if i%2 == 0 {
			fmt.Fprintf(&b, "  v%d = mul v%d v%d\n", i, i-1, i/4%2)
		} else {
			fmt.Fprintf(&b, "  v%d = wrapu v%d 8\n", i, i-1)
		}
	}
	fmt.Fprintf(&b, "  v%d = wrapu v%d 8\n  give v%d\nend\n", values, values-1, values)
	return b.String()
}

func TestTheEngineIsTheFastestThatThereIs(t *testing.T) {
	compiled := runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"
	for _, tt := range []struct {
		name, text string
		compiles   bool
	}{{"a window", window, true}, {"a body that takes long to compile", long(maxCompiled + 2), false}} {
		e, err := Open(t.Context(), "k", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close(context.Background())
		if got := strings.HasPrefix(e.Name(), Wasm); got != (tt.compiles && compiled) {
			t.Errorf("%s: the engine is %s", tt.name, e.Name())
		}
		want, err := scalar.New(t.Context(), e.kernel)
		if err != nil {
			t.Fatal(err)
		}
		in := make([]byte, 61*7)
		for i := range in {
			in[i] = byte(i * i)
		}
		out, err := e.Run(t.Context(), in, 61)
		if reference, err2 := want.Run(t.Context(), in, 61); err != nil || err2 != nil || !bytes.Equal(out, reference) {
			t.Errorf("%s: %v %v, or other bytes", tt.name, err, err2)
		}
		if plan, err := e.Plan(len(in), 61); err != nil || plan.OutBytes != len(out) {
			t.Errorf("%s: %+v, %v", tt.name, plan, err)
		}
	}
}

func TestATextIsNamedByItsDigest(t *testing.T) {
	k, err := ir.Parse(strings.Replace(window, "kernel", `kernel "edges"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(Text(k))
	if hex.EncodeToString(sum[:]) != k.Digest() {
		t.Errorf("the text's digest is not the kernel's:\n%s", Text(k))
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	if _, err := Open(t.Context(), "gray", []byte("kernel\nstage word 1 1\nnothing\n")); err == nil || !strings.HasPrefix(err.Error(), "kernel gray: ") || !errors.As(err, new(*ir.SyntaxError)) {
		t.Errorf("%v", err)
	}
	e, err := Open(t.Context(), "gray", []byte(window))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), make([]byte, 65), 0); !errors.As(err, new(*frame.Error)) || !strings.Contains(err.Error(), "gray: a row of 65 words is longer than maxWidth") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Run(ctx, make([]byte, 64), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
