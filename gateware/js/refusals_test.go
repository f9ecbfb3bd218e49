package js

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens")

// outside is what stands before the bodies of refusedBodies: five lines.
const outside = `import { kernel } from 'capo:kernel'
const TABLE: number[] = [3, 1, 4, 1], GRID = [[1, 2], [3, 4]], SETTINGS = { gain: 2, deep: { n: 1 } }
let counter = 0, changed = 1; const bump = () => { changed++ }; const MANY = new Uint8Array(1000000), FLOATS = [0.5, 1.5]
function recursive(n: number): number { return n > 0 ? recursive(n - 1) : 0 }; function set(v: number[]) { v[0] = 1; return v[1] }
const now = () => Date.now(), copy = TABLE, nested = { list: TABLE }; class Thing { n = 1 }; const async1 = async (v: number) => v
`

// refusedBodies are bodies of functions of a, an i16, b, a u8, and v, an array.
var refusedBodies = []string{
	"counter++; return a",
	"counter = a; return a",
	"counter += a; return a",
	"[counter, a] = [1, 2]; return a",
	"({ counter } = { counter: a }); return counter",
	"for (counter of [1, 2]); return a",
	"for (counter = 0; counter < 4; counter++); return a",
	"return changed + a",
	"TABLE[0] = a; return a",
	"TABLE[b & 3] = a; return a",
	"TABLE[0]++; return a",
	"TABLE.push(a); return a",
	"TABLE.sort(); return a",
	"TABLE.fill(0); return a",
	"TABLE.splice(0, 1); return a",
	"TABLE.reverse(); return a",
	"TABLE.length = 0; return a",
	"GRID[1][0] = a; return a",
	"GRID[b & 1][0] = a; return a",
	"const row = GRID[b & 1]; row[1] = a; return a",
	"SETTINGS.gain = a; return a",
	"SETTINGS.deep.n += 1; return a",
	"SETTINGS['gain'] ||= a; return a",
	"delete SETTINGS.gain; return a",
	"Object.assign(SETTINGS, { gain: a }); return a",
	"const alias = TABLE; alias[0] = 1; return a",
	"const { list } = nested; list[1] = 1; return a",
	"copy.pop(); return a",
	"return set(TABLE) + a",
	"return ((t) => { t[0] = 1; return t[0] })(TABLE)",
	"for (const row of GRID) row[0] = 1; return a",
	"GRID.forEach(row => { row[1]++ }); return a",
	"v[0] = 1; return a",
	"v.push(1); return a",
	"Math.PI = 3; return a",
	"globalThis.x = a; return a",
	"undeclared = a; return a",
	"return undeclared + a",
	"while (true) {} return a",
	"while (a > 0) { a-- } return a",
	"for (let i = 0; i < b; i++) {} return a",
	"for (let i = 0; i < 10000; i++) {} return a",
	"for (;;) { if (a > 3) break } return a",
	"let s = 0; for (let i = 0; i < 4000; i++) for (let j = 0; j < 4000; j++) s += 1; return s",
	"return recursive(3) + a",
	"const f = (n: number): number => n ? f(n - 1) : 0; return f(2) + a",
	"return Date.now() + a",
	"return new Date().getTime() + a",
	"return now() + a",
	"return Math.random() * a",
	"console.log(a); return a",
	"fetch('http://example.org'); return a",
	"return a * 0.299",
	"return a + FLOATS[0]",
	"return FLOATS[b & 1] + a",
	"return a / 2",
	"return a / 2 + 1",
	"return 0.5",
	"return a / b",
	"return a % b",
	"return a % 0",
	"return a / 1.5",
	"return Math.sqrt(a)",
	"return Math.sin(a) * 3",
	"return a ** 0.5",
	"return a ** b",
	"return NaN",
	"return Math.floor(a * 0.5)",
	"return a * a * a * a * b",
	"let x = b; for (let i = 0; i < 8; i++) x = x * x; return x",
	"return TABLE[a]",
	"return TABLE[b]",
	"return TABLE[b >> 5]",
	"return GRID[b & 1][b & 3]",
	"return TABLE[b / 2]",
	"return SETTINGS[b]",
	"return TABLE[7] + a",
	"return MANY[b] + a",
	"let local = [1, a]; return local[b]",
	"return",
	"if (a > 3) return a",
	"return undefined",
	"return null",
	"return 'text'",
	"return `a${a}`",
	"return 'x' + a",
	"return a.toString()",
	"return TABLE",
	"return { a }",
	"return /x/.test('x') ? a : b",
	"return 10n",
	"return eval('1') + a",
	"throw new Error('no')",
	"try { return a } catch { return b }",
	"return this.x + a",
	"return new Thing().n + a",
	"return new Map().size + a",
	"return async1(a)",
	"function* g() { yield 1 } return [...g()][0] + a",
	"const f = async () => 1; return f()",
	"class C {} return a",
	"return a in SETTINGS",
	"return a instanceof Thing",
	"return SETTINGS.gian + a",
	"return SETTINGS.deep.m.k + a",
	"return a.x",
	"return a()",
	"return TABLE.indexOf(a)",
	"return (a > 3 ? TABLE : 5)[0]",
	"return (a > 3 ? [1, 2] : [1])[1]",
	"const x = [1]; if (a > 3) x.push(2); return x[0]",
	"let x; if (a > 3) x = 1; return x + 1",
	"return x + a; let x = 1",
	"const x = 1; { x = 2 } return x",
	"return (a > 3 && b) === true",
	"return parseInt(a)",
	"return arguments[0]",
	"with_: for (const k of b) {} return a",
	"const { p } = undefined; return p + a",
	"return [...a][0]",
	"return Array(b).length",
	"return TABLE.filter(t => t > a).length",
	"return process.env.X + a",
	"debugger; return a",
	"return isNaN(a) ? 1 : 0",
	"return TABLE[a > 3]",
	"const t = [1, 2]; t[a > 3] = 5; return t[0]",
	"return [1] == 1 ? a : b",
	"return a == TABLE ? a : b",
	"const f = (g: any): any => g(f); return f(f) + a",
	"let u = [a]; for (let i = 0; i < 30; i++) u = u.concat(u); return u[0]",
	"return (a > 3 ? Math.min : Math.max)(a, b)",
	"return { valueOf() { return 1 } } + a",
	"return { get x() { return 1 } }.x + a",
	"return [a, b].sort()[0]",
	"return -TABLE + a",
	"return !a + 'x'",
	"return (a / 3) > 2 ? 1 : 0",
	"return a << 0.5 * 3 | b / 3 * 2",
}

// refusedSources are whole files.
var refusedSources = []struct{ name, source string }{
	{"empty", ""},
	{"not a program", "export const ="},
	{"no kernel", "export const x = 1"},
	{"not exported", "import { kernel } from 'capo:kernel'\nconst k = kernel({ in: 'u8', out: 'u8' }, x => x)"},
	{"another module", "import { x } from './other.ts'\nexport const y = x"},
	{"node", "import fs from 'node:fs'\nfs.readFileSync('/etc/passwd')"},
	{"throws", "import { kernel } from 'capo:kernel'\nconst f = () => {\n  throw new Error('so it is') }\nf()\nexport const k = 1"},
	{"reads what is not there", "const t = [1]\nexport const x = t[3].y"},
	{"recursion without end", "const f = n => f(n + 1)\nexport const x = f(0)"},
	{"binary", "\x00\x01\xff"},
	{"const assigned", "import { kernel } from 'capo:kernel'\nconst N = 1\nexport const k = kernel({ in: 'u8', out: 'u8' }, x => { N = x; return x })"},
	{"golden", "import { kernel } from 'capo:kernel'\nexport const k = kernel({ in: 'u8', out: 'u8' }, x => x)\nexport const golden = [{ kernel: 'k' }]"},
}

// refusedCalls are calls of kernel(), on the second line.
var refusedCalls = []string{
	"kernel()",
	"kernel('u8', x => x)",
	"kernel({ in: 'u8', out: 'u8' })",
	"kernel({ in: 'u8', out: 'u8' }, 5)",
	"kernel({ in: 'u8', out: 'u8' }, Math.abs)",
	"kernel({ in: 'u8', out: 'u8' }, async x => x)",
	"kernel({ in: 'u8', out: 'u8' }, function* (x) { yield x })",
	"kernel({ out: 'u8' }, x => x)",
	"kernel({ in: 'u8' }, x => x)",
	"kernel({ in: 'u8', out: 'u8', widnow: [3, 3] }, x => x)",
	"kernel({ in: 'u8', out: 'u33' }, x => x)",
	"kernel({ in: 'uint8', out: 'u8' }, x => x)",
	"kernel({ in: 'i1', out: 'u8' }, x => x)",
	"kernel({ in: 8, out: 'u8' }, x => x)",
	"kernel({ in: {}, out: 'u8' }, x => x)",
	"kernel({ in: { r: 'u8', g: 'f32' }, out: 'u8' }, x => x)",
	"kernel({ in: ['u8', 0], out: 'u8' }, x => x)",
	"kernel({ in: ['u8', 5000], out: 'u8' }, x => x)",
	"kernel({ in: ['u8', 64], out: ['u8', 64], taps: 3, window: [3, 3] }, x => x)",
	"kernel({ in: 'u8', window: [1001, 1001], out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', window: [2, 3], out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', window: 3, out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', window: [3, 3], edge: 'wrap', out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', window: [3, 3], maxWidth: 100000, out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', window: [3, 3], hop: 2, out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', window: [3, 3], hop: [0, 1], out: 'u8' }, w => w[0][0])",
	"kernel({ in: 'u8', taps: 2000, out: 'u8' }, t => t[0])",
	"kernel({ in: 'u8', taps: 1.5, out: 'u8' }, t => t[0])",
	"kernel({ in: 'u8', block: [100, 100], out: 'u8' }, b => b)",
	"kernel({ in: 'u8', block: [2, 2], out: 'u8' }, b => [1, 2, 3])",
	"kernel({ in: 'u8', block: [2, 2], out: 'u8' }, b => [[1, 2], [3]])",
	"kernel({ in: 'u8', block: [2, 2], out: ['u8', 3] }, b => [1, 2])",
	"kernel({ in: 'u8', block: [2, 8], maxWidth: 12, out: 'u8' }, b => b)",
	"kernel({ in: 'u8', out: 'u8', emit: 'last' }, x => x)",
	"kernel({ in: 'u8', out: 'u8', hop: 2 }, x => x)",
	"kernel({ in: 'u8', state: 'u8', emit: 'never', out: 'u8' }, (s, x) => ({ state: s, out: x }))",
	"kernel({ in: 'u8', state: 'u8', init: 300, out: 'u8' }, (s, x) => ({ state: s, out: x }))",
	"kernel({ in: 'u8', state: { n: 'u8' }, init: 3, out: 'u8' }, (s, x) => ({ state: s, out: x }))",
	"kernel({ in: 'u8', state: ['u8', 2], init: [1], out: 'u8' }, (s, x) => ({ state: s, out: x }))",
	"kernel({ in: 'u8', state: 'u8', out: 'u8' }, (s, x) => s + x)",
	"kernel({ in: 'u8', state: 'u8', out: 'u8' }, (s, x) => ({ out: x }))",
	"kernel({ in: 'u8', state: { n: 'u8' }, out: 'u8' }, (s, x) => { s.n += x; return { state: s, out: x } })",
	"kernel({ in: { r: 'u8' }, out: 'u8' }, p => { p.r = 3; return p.r })",
	"kernel({ in: 'u8', window: [3, 3], out: 'u8' }, w => { w[1][1] = 3; return w[1][1] })",
	"kernel({ in: 'u8', window: [3, 3], out: 'u8' }, w => w[3][1])",
	"kernel({ in: 'u8', out: { r: 'u8', g: 'u8' } }, x => ({ r: x }))",
	"kernel({ in: 'u8', out: ['u8', 2] }, x => [x])",
	"kernel({ in: 'u8', out: 'u16' }, x => x).pipe(kernel({ in: 'u8', out: 'u8' }, x => x))",
	"kernel({ in: 'u8', out: 'u16' }, x => x).pipe(x => x)",
	"{ kernel: 1 }",
}

func TestRefusals(t *testing.T) {
	var got strings.Builder
	try := func(what, name, source string) {
		_, err := CompileSource(t.Context(), name, source, Options{})
		text := "COMPILES"
		if err != nil {
			text = err.Error()
		}
		got.WriteString(strings.ReplaceAll(what, "\n", " ") + "\n\t" + strings.ReplaceAll(text, "\n", "\n\t") + "\n")
	}
	for _, body := range refusedBodies {
		source := outside + "export const k = kernel({ in: { a: 'i16', b: 'u8', v: ['u8', 2] }, out: 'i32' }, function ({ a, b, v }) {\n  " + body + "\n})\n"
		try(body, "body.ts", source)
	}
	for _, call := range refusedCalls {
		try(call, "call.ts", "import { kernel } from 'capo:kernel'\nexport const k = "+call+"\n")
	}
	for _, s := range refusedSources {
		try("# "+s.name, "source.ts", s.source)
	}
	const golden = "testdata/refusals.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(got.String(), "COMPILES") || strings.Contains(got.String(), "internal error") {
		t.Error("something compiles that should not, or fails inside")
	}
}
