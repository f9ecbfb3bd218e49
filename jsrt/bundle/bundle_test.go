package bundle

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/jsrt/job"
)

// TestMain is also the main function of the cells that the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "cell" {
		os.Exit(cell.Main(os.Args[2:], Tasks()...))
	}
	os.Exit(m.Run())
}

// write makes a folder with these files ("name", "contents", …) and returns it.
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func build(t *testing.T, path string) *Bundle {
	t.Helper()
	b, err := Build(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run starts a cell with a bundle and calls its run handler.
func run(t *testing.T, b *Bundle) (string, error) {
	t.Helper()
	c, err := cell.Start(t.Context(), cell.Config{Name: b.Name, File: b.File, Bundle: b.JS, Map: b.Map,
		Env: map[string]cell.Binding{AdminModule: {Kind: cell.BindCalls, Value: `{"id":"n1","uptime":5,"labels":{}}`, Methods: []string{"label", "drain"}}}, Call: answer})
	if err != nil {
		return "", err
	}
	defer c.Close()
	out, err := c.Run(t.Context(), cell.Run{Limit: 5 * time.Second})
	return string(out), err
}

// answer is a node that is asked by an admin job.
func answer(_ context.Context, _, method string, args []cell.Value) (cell.Value, error) {
	if method == "drain" {
		return cell.Value{}, errors.New("drain: not today")
	}
	return args[0], nil
}

func TestModernSourceRuns(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"types", `import type { Job, Env } from '@capo/types'; export const job: Job = { name: 'x' };
			enum E { A = 3 } export default { async run(env: Env): Promise<number> { return E.A as number } }`, `3`},
		{"fields named get and set", `class A { get = 1; set = 2; static get = 3 } export default { run() { const a = new A(); return [a.get, a.set, A.get] } }`, `[1,2,3]`},
		{"private fields", `class A { #x = 1; static #n = 0; #m() { return ++this.#x } go() { A.#n++; return [this.#m(), A.#n, #x in this] } } export default { run: () => new A().go() }`, `[2,1,true]`},
		{"async generators", `async function* g() { for (let i = 0; i < 3; i++) { await null; yield i } }
			export default { async run() { const o = []; for await (const x of g()) o.push(x); return o } }`, `[0,1,2]`},
		{"for await over promises", `export default { async run() { const o = []; for await (const x of [Promise.resolve(1), 2]) o.push(x); return o } }`, `[1,2]`},
		{"static blocks", `class A { static x; static { A.x = 7 } } export default { run: () => A.x }`, `7`},
		{"logical assignment", `export default { run() { let a = null; a ??= 5; a &&= a + 1; return a } }`, `6`},
		{"big integers", `export default { run: () => String(2n ** 70n) }`, `"1180591620717411303424"`},
		{"unicode property that nothing uses", `const r = () => /\p{L}/u; export default { run: () => typeof r }`, `"function"`},
		{"a value import of types", `import { Job } from '@capo/types'; export const job: Job = {}; export default { run: () => 1 }`, `1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := run(t, build(t, filepath.Join(write(t, "a.ts", tt.source), "a.ts")))
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestPackagesAreBundled(t *testing.T) {
	dir := write(t,
		"job.ts", `import { twice } from 'twice'; import data from './data.json'; export default { run: () => twice(data.n) }`,
		"data.json", `{"n": 21}`,
		"node_modules/twice/package.json", `{"name":"twice","main":"cjs.js","module":"esm.js"}`,
		"node_modules/twice/esm.js", `export const twice = n => 2 * n; export const unused = 1`,
		"node_modules/twice/cjs.js", `exports.twice = n => 'cjs'`,
	)
	b := build(t, filepath.Join(dir, "job.ts"))
	if got, err := run(t, b); err != nil || got != "42" {
		t.Errorf("got %s, %v", got, err)
	}
	if got := strings.Join(b.Files, " "); got != "data.json job.ts node_modules/twice/esm.js" {
		t.Errorf("files %s", got)
	}
}

func TestPositionOfAThrowInAnImportedFile(t *testing.T) {
	dir := write(t,
		"lib/deep.ts", "// one\ninterface X { a: number }\n\nexport function fail(x: X): never {\n  const y: number = x.a\n  throw new RangeError(`bad ${y}`)\n}\n",
		"job.ts", "import { fail } from './lib/deep.ts'\ntype A = 1\nexport default {\n  async run() {\n    await null\n    return fail({ a: 1 })\n  },\n}\n",
	)
	_, err := run(t, build(t, filepath.Join(dir, "job.ts")))
	var js *cell.JSError
	if !errors.As(err, &js) {
		t.Fatalf("got %v", err)
	}
	if got := js.Error(); got != "lib/deep.ts:6:9: RangeError: bad 1" {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(js.Stack, "job.ts:6:") {
		t.Errorf("the stack does not name the caller:\n%s", js.Stack)
	}
}

func TestProblemsHavePositions(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"syntax", "export default {\n  run() { return 1 + }\n}\n", "a.ts:2:22: Unexpected \"}\"\n      run() { return 1 + }\n                         ^"},
		{"missing module", "import x from 'nowhere'\nexport default { run: () => x }", "a.ts:1:15: Could not resolve \"nowhere\""},
		{"missing file", "import x from './b.ts'\nexport default { run: () => x }", "a.ts:1:15: Could not resolve \"./b.ts\""},
		{"later module", "\nimport { stream } from 'capo:streams'\nexport default { run: () => stream }", "a.ts:2:24: capo:streams is not there yet"},
		{"unknown module", "import x from 'capo:nothing'\nexport default { run: () => x }", "a.ts:1:15: there is no module capo:nothing"},
		{"Node's modules", "import x from 'node:fs'\nexport default { run: () => x }", "a.ts:1:15: node:fs is a module of Node.js"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Build(filepath.Join(write(t, "a.ts", tt.source), "a.ts"))
			var p *Problem
			if err == nil || !errors.As(err, &p) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := Build(filepath.Join(t.TempDir(), "none.ts")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestSameInputSameBytes(t *testing.T) {
	files := []string{"job.ts", "import { b } from './b/b.ts'\nexport default { run: () => b }", "b/b.ts", "export const b = 1"}
	one := build(t, filepath.Join(write(t, files...), "job.ts"))
	two := build(t, filepath.Join(write(t, files...), "job.ts"))
	if !bytes.Equal(one.JS, two.JS) || !bytes.Equal(one.Map, two.Map) || one.Digest() != two.Digest() {
		t.Error("two folders give two bundles")
	}
	if all := string(one.JS) + string(one.Map); strings.Contains(all, os.TempDir()) {
		t.Errorf("the bundle names the folder:\n%s", all)
	}
}

func TestDescribe(t *testing.T) {
	dir := write(t, "My Edges.ts", `export const job = { in: 'frames', needs: { mem: '32M' } }; export default { queue() {}, run() {} }`)
	j, err := Describe(t.Context(), build(t, filepath.Join(dir, "My Edges.ts")), "")
	if err != nil || j.Name != "my-edges" || j.In != "frames" || j.Needs.MemBytes != 32<<20 || strings.Join(j.Handlers, " ") != "queue run" {
		t.Errorf("got %+v, %v", j, err)
	}
}

func TestKernelsAreNamedInTheSettings(t *testing.T) {
	dir := write(t, "k.ts", "import { kernel } from 'capo:kernel'\nexport const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b) >> 8)",
		"a.ts", `import { kernel } from 'capo:kernel'
import { gray } from './k.ts'
const invert = kernel({ in: 'u8', out: 'u8' }, x => 255 - x)
export const job = { kernels: { gray, negative: gray.pipe(invert) } }`,
		"b.ts", "import { kernel } from 'capo:kernel'\nkernel('u8')", "c.ts", "import { kernel } from 'capo:kernel'\nkernel({}, x => x).pipe(1)")
	b := build(t, filepath.Join(dir, "a.ts"))
	j, err := Describe(t.Context(), b, "")
	if err != nil || strings.Join(j.Kernels, " ") != "gray negative" || strings.Join(b.Files, " ") != "a.ts k.ts" {
		t.Errorf("kernels %v of %v, %v", j.Kernels, b.Files, err)
	}
	for file, want := range map[string]string{"b.ts": "TypeError: kernel takes a description", "c.ts": "TypeError: pipe takes a kernel"} {
		if _, err := Describe(t.Context(), build(t, filepath.Join(dir, file)), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestDescribeTellsWhatTheTopLevelDid(t *testing.T) {
	tests := []struct {
		name, source string
		kind         error
		want         string
	}{
		{"throws", "const a: number = 1\nnull.x\nexport default { run() {} }", nil, "a.ts:2:6: TypeError: "},
		{"loops", "let n = 0\nwhile (true) n++\nexport default { run() {} }", cell.ErrTimeout, "a.ts:2:"},
		{"eats memory", "export const s = 'x'.repeat(2 ** 31)\nexport default { run() {} }", cell.ErrMemory, "ran out of memory"},
		{"settings with a function", "export const job = { kernels: { f() {} } }\nexport default { run() {} }", nil, "TypeError: job.kernels.f is a function"},
		{"bad unit", "export const job = { needs: { mem: 'much' } }\nexport default { run() {} }", nil, `job.needs.mem: "much" is not a size`},
		{"no handler", "export const x = 1", nil, "default: the file exports no handler"},
		{"reads env", "export const k = env.API\nexport default { run() {} }", nil, "a.ts:1:18: ReferenceError: env is not defined"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := Describe(ctx, build(t, filepath.Join(write(t, "a.ts", tt.source), "a.ts")), "")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	var field *job.FieldError
	_, err := Describe(t.Context(), build(t, filepath.Join(write(t, "a.ts", tests[4].source), "a.ts")), "")
	if !errors.As(err, &field) || field.Field != "job.needs.mem" {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAdminJobsImportTheAdminModule(t *testing.T) {
	const use = "import { node } from 'capo:admin'\n"
	tests := []struct{ name, source, want string }{
		{"an admin job", use + "export const job = { admin: true }\nexport default { run: () => node.id }", ""},
		{"no settings", use + "export default { run: () => node.id }", "a.ts:1:22: capo:admin is for admin jobs: write admin: true"},
		{"admin: false", "\n" + use + "export const job = { admin: false }\nexport default { run: () => node.id }", "a.ts:2:22: capo:admin is for admin jobs"},
		{"in another file", "import { id } from './b.ts'\nexport default { run: id }", "b.ts:1:22: capo:admin is for admin jobs"},
		{"at the top level", use + "export const job = { admin: true, name: node.id }\nexport default { run() {} }", "a.ts:2:46: Error: node of capo:admin can be used while run() is called"},
		{"with a queue", use + "export const job = { admin: true, in: 'a' }\nexport default { queue: () => node.id }", "job.admin: an admin job has a run handler and no other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, "a.ts", tt.source, "b.ts", use+"export const id = () => node.id")
			_, err := Describe(t.Context(), build(t, filepath.Join(dir, "a.ts")), "")
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestExpression(t *testing.T) {
	tests := []struct{ name, js, want string }{
		{"value", "1 + 1", "2"},
		{"await", "await Promise.resolve({ a: [1] });", `{"a":[1]}`},
		{"node", "node.id", `"n1"`},
		{"node's methods", "(await node.label({ site: 'lab' }), node.labels)", `{"site":"lab"}`},
		{"node refuses", "await node.drain()", "expression:1:12: Error: drain: not today"},
		{"node's uptime goes on", "node.uptime >= 5", "true"},
		{"all of node", "Object.keys(node).length", "15"},
		{"lines", "[1,\n 2]", "[1,2]"},
		{"throws", "(() => {\n  throw new Error('x')\n})()", "expression:2:9: Error: x"},
		{"throws on the first line", "null.x", "expression:1:6: TypeError"},
		{"syntax", "1 +", "expression:2:1: Unexpected \")\""},
		{"syntax on the first line", "1 + }", "expression:1:5: Unexpected \"}\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Expression(tt.js)
			var got string
			if err == nil {
				got, err = run(t, b)
			}
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
