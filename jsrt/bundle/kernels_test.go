package bundle

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/js"
)

const kernelFile = `import { kernel } from 'capo:kernel'
export const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b) >> 8)
export const invert = kernel({ in: 'u8', out: 'u8' }, x => 255 - x)
`

func TestKernelsOfAJobAreCompiled(t *testing.T) {
	dir := write(t, "k.ts", kernelFile, "a.ts", `import { gray, invert as inverted } from './k.ts'
const started = new Date(), text = new TextEncoder().encode('x'), timer = setTimeout(() => {}, 1)
class Thing { #n = 1; static s = 2; async *each() { yield this.#n } }
export const job = { kernels: { negative: gray.pipe(inverted), gray } }
export default { async run(env) { for await (const x of new Thing().each()) console.log(x, started, text, timer); return env.kernels } }`)
	b := build(t, filepath.Join(dir, "a.ts"))
	settings, err := Describe(t.Context(), b, "")
	if err != nil {
		t.Fatal(err)
	}
	job, err := JobKernels(t.Context(), b, settings, "")
	if err != nil || len(job) != 2 || job[0].Name != "gray" || job[1].Name != "negative" || len(job[1].IR.Stages) != 2 {
		t.Fatalf("%v, %v", job, err)
	}
	exported, err := Kernels(t.Context(), filepath.Join(dir, "k.ts"), "")
	if err != nil || len(exported) != 2 || exported[0].IR.Digest() != job[0].IR.Digest() {
		t.Errorf("%v, %v", exported, err)
	}
}

func TestKernelProblemsComeOutOfTheCell(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"no kernel", "export const x = 1", "a.ts:1:1: the source exports no kernel"},
		{"a top level that throws", "import { kernel } from 'capo:kernel'\nnull.x", "a.ts:2:6: the top level of the source throws"},
		{"a top level that loops", "import { kernel } from 'capo:kernel'\nfor (;;);", "a.ts:"},
		{"a top level that eats memory", "export const s = 'x'.repeat(2 ** 31)", "run the top level of a.ts: ran out of memory"},
		{"a function with a memory", kernelFile + "let n = 0\nexport const bad = kernel({ in: 'u8', out: 'u8' }, x => x + n++)", "a.ts:5:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Kernels(t.Context(), filepath.Join(write(t, "a.ts", tt.source), "a.ts"), "")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if problem := new(js.Problem); strings.HasPrefix(tt.want, "a.ts") && !errors.As(err, &problem) {
				t.Errorf("%v is no problem of the source", err)
			}
		})
	}
}
