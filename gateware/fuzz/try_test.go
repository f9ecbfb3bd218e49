package fuzz_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/gateware/fuzz"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/ref"
	"github.com/capodekappa/capo/gateware/scalar"
)

func TestTry(t *testing.T) {
	refused := map[string]int{}
	var tc, tr, ts time.Duration
	frames, bad, values := 0, 0, 0
	for batch := range 20 {
		var cases []fuzz.Case
		for i := range 100 {
			cases = append(cases, fuzz.Next(uint64(batch*100+i), fuzz.Medium))
		}
		begin := time.Now()
		kernels, err := js.CompileSource(t.Context(), "fuzz.js", fuzz.File(cases), js.Options{})
		tc += time.Since(begin)
		if err != nil {
			for _, l := range strings.Split(err.Error(), "\n") {
				_, why, _ := strings.Cut(l, ": ")
				if refused[why] == 0 && len(refused) < 12 {
					fmt.Println(l)
				}
				refused[why]++
			}
		}
		if len(kernels) == 0 {
			continue
		}
		begin = time.Now()
		src, err := ref.Load(t.Context(), kernels[0].Script)
		if err != nil {
			t.Fatal(err)
		}
		tr += time.Since(begin)
		for _, k := range kernels {
			e, err := src.Engine(k)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range k.IR.Stages {
				values += len(s.Body.Values)
			}
			p, _ := scalar.New(t.Context(), k.IR)
			var seed uint64
			fmt.Sscanf(k.Name, "k%d", &seed)
			for _, f := range fuzz.Frames(seed, k.IR) {
				frames++
				begin = time.Now()
				want, err := e.Run(t.Context(), f.In, f.Width)
				tr += time.Since(begin)
				if err != nil {
					t.Errorf("%v\n%s", err, fuzz.Next(seed, fuzz.Medium).Source)
					break
				}
				begin = time.Now()
				got, err := p.Run(t.Context(), f.In, f.Width)
				ts += time.Since(begin)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					if bad++; bad < 4 {
						t.Errorf("%s\n%d %x\n%x\n%x\n%s", fuzz.Next(seed, fuzz.Medium).Source, f.Width, f.In, got, want, k.IR)
					}
					break
				}
			}
		}
	}
	t.Logf("compile %v ref %v scalar %v, %d frames, %d values, %d bad, %d kinds refused", tc, tr, ts, frames, values, bad, len(refused))
	n := 0
	for _, c := range refused {
		n += c
	}
	t.Log(n, "refused")
}
