package wasm_test

import (
	"testing"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/ir/irtest"
	"github.com/capodekappa/capo/gateware/wasm"
)

var oneCore = wasm.Limits(band.Limits{Workers: 1})

func BenchmarkOneCore(b *testing.B)     { irtest.Bench(b, open(oneCore)) }
func BenchmarkAllCores(b *testing.B)    { irtest.Bench(b, open()) }
func BenchmarkScalar(b *testing.B)      { irtest.Bench(b, open(oneCore, wasm.Scalar())) }
func BenchmarkInterpreter(b *testing.B) { irtest.Bench(b, open(oneCore, wasm.Interpreter())) }
func BenchmarkInterpreterScalar(b *testing.B) {
	irtest.Bench(b, open(oneCore, wasm.Interpreter(), wasm.Scalar()))
}
