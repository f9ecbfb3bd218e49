package ref_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/js"
)

// before stands before the bodies below.
const before = `import { kernel } from 'capo:kernel'
const TABLE = [3, 1, 4, 1, 5, 9, 2, 6]
const GRID = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]
const RAGGED = [[1], [2, 3], [4, 5, 6], [7, 8, 9, 10]]
const RECORDS = [{ a: 1, b: [1, 2] }, { a: 5, b: [3, 4] }]
const BYTES = new Uint8Array([1, 2, 250, 255])
const FLAGS = [true, false, true, true]
const { min, max, abs } = Math
const WEIGHTS = [0.299, 0.587, 0.114].map(f => Math.round(f * 256))
function clamp(v, lo, hi) { return v < lo ? lo : v > hi ? hi : v }
const twice = f => v => f(f(v))
const add = n => v => v + n
const swap = ([a, b]) => [b, a]
function make(n) { const scale = n * 2; return kernel({ in: 'u8', out: 'u16' }, v => v * scale) }
`

// bodies are functions of a, an i16, and b, a u8.
var bodies = []struct{ name, body string }{
	{"arithmetic", "return a * b - 3 * a + (b << 3) - ~a"},
	{"division", "return Math.floor(a / 7) + Math.trunc(a / -3) * 2 + Math.round(a / 5) + Math.round(a / -4) + Math.ceil(a / 9) + (a / 3 | 0) + (a / 5 >>> 0) % 100 + a % 7 + a % -5 + ~~(a / 2)"},
	{"shifts", "return (a << 20) ^ (a >> 3) ^ (a >>> 5) ^ (a << (b & 31)) ^ (a >> b) ^ (a >>> b)"},
	{"shift by anything", "return (a * 65536 + b) << (b - 128)"},
	{"imul", "return Math.imul(a * 40503, b * 2654435 - a) ^ Math.imul(a << 16 | b, b * 16843009) ^ Math.clz32(a) + Math.clz32(b)"},
	{"unsigned", "return (a >>> 0) > 2147483647 ? (a >>> 0) % 1000 : -((a ^ -1) >>> 0) % 1000"},
	{"values of and and or", "const x = a && b, y = a || b, z = !a && 7, w = (a > 3) && b; return x + y * 3 + z + w + (a > 2 && b > 3) + (a < 2 || b < 7)"},
	{"nullish", "const r = { x: undefined }; return (r.x ?? a) + (r.y ?? 3) + (b ?? 1)"},
	{"truth values", "const t = a > b; return t + (t ? 1 : 2) * 10 + +t + (t === true) + (t == 1) + (t === 1) + (a === b) + (a == b) + (a != b) + (a !== 5)"},
	{"early returns", "if (a > 1000) return 1; if (b > 100) { if (a < -5) return 2; if (a === 7) return a } else if (b & 1) return 3; a += 5; return a"},
	{"refinement", "let x = a; if (x < 0) x = -x; if (x > 255) return TABLE[7]; return TABLE[x >> 5]"},
	{"index by condition", "return a >= 0 && a < 8 ? TABLE[a] : -1"},
	{"index by early return", "if (a < 0 || a >= 4) return 77; return GRID[a][b & 3] + GRID[a][2] + GRID[1][a]"},
	{"index by min and max", "return TABLE[Math.min(7, Math.max(0, a))] + BYTES[b & 3] + FLAGS[b & 3] + (FLAGS[b >> 6] ? 4 : 0)"},
	{"tables of records", "const r = RECORDS[b & 1]; return r.a * 10 + r.b[a & 1] + RECORDS[a & 1].b.length"},
	{"ragged tables", "return RAGGED[b & 3][0] + RAGGED[b & 3].length + RAGGED[2 + (b & 1)][a & 1]"},
	{"local arrays", "const v = [a, b, a + b, a - b]; v[b & 3] = 9; v[a & 1] += 5; v.push(b); return v[a & 3] + v[4] + v.length"},
	{"histogram", "const h = [0, 0, 0, 0]; for (let i = 0; i < 8; i++) h[(a >> i) & 3]++; return h[0] + 10 * h[1] + 100 * h[2] + 1000 * h[3]"},
	{"records", "const r = { x: a, y: { z: b } }; r.y.z += 3; r['x']--; const { x, y: { z }, q = 4 } = r; return x * z + q"},
	{"destructuring", "let [x, y = 3, ...rest] = [a, undefined, b, 2]; [x, y] = [y, x]; [rest[0], rest[1]] = swap(rest); return x + 2 * y + 3 * rest[0] + 5 * rest[1]"},
	{"spread", "const v = [...TABLE.slice(1, 3), a, ...[b]]; const r = { ...RECORDS[0], a: b }; return Math.max(...v) + Math.min(...v, -3) + r.a + r.b[1]"},
	{"loops", "let s = 0; for (let i = 0; i < 4; i++) for (let j = i; j < 4; j++) { if (i === j) continue; s += GRID[i][j] * (a & (1 << i)) } let k = 3; while (k > 0) { s += k-- } do s++; while (k++ < 2); return s"},
	{"break by a value", "let s = 0; for (let i = 0; i < 16; i++) { if (a >> i === 0) break; s += i & b } return s"},
	{"continue by a value", "let s = 0; for (let i = 0; i < 8; i++) { if (!((b >> i) & 1)) continue; s += TABLE[i]; if (s > 12) return -s } return s"},
	{"labels", "let n = 0; outer: for (let i = 0; i < 4; i++) { for (let j = 0; j < 4; j++) { if (GRID[i][j] === b) break outer; if (j > (a & 3)) continue outer; n++ } } done: { if (a > 0) break done; n += 100 } return n"},
	{"return in a loop", "for (const [i, v] of TABLE.entries()) { if (v > (a & 7)) return i * 10 + v } return 99"},
	{"for of and in", "let s = 0; for (const row of GRID) for (const v of row) s += v & a; for (const k in RECORDS[0]) s += k === 'a' ? 1 : 2; return s"},
	{"switch", "let s = 0; switch (b & 7) { case 0: return a; case 1: case 2: s = 5; case 3: s += 7; break; default: s = 100; case 4: s++; break; case 5: { s = 3 } } return s"},
	{"switch of a constant", "switch (TABLE.length) { case 7: return 1; case 8: return a; default: return 2 }"},
	{"helpers", "return clamp(a, -100, b) + twice(add(3))(b) + abs(a) + min(a, b, 4) + max(a, 3)"},
	{"closures", "const fs = []; for (let i = 0; i < 3; i++) fs.push(v => v * i + a); return fs[0](1) + fs[1](2) + fs[2](3)"},
	{"higher functions", "return TABLE.map((v, i) => v * (i & a)).reduce((s, v) => s + v, b) + TABLE.filter(v => v > 3).length + (TABLE.some(v => v === (a & 15)) ? 1 : 0) + (TABLE.every(v => v > a) ? 10 : 0) + (TABLE.includes(b) ? 100 : 0)"},
	{"array methods", "const v = Array.from({ length: 4 }, (_, i) => a >> i); v.reverse(); const w = v.concat([b], 7).slice(1, -1); w.unshift(b); w.pop(); w.shift(); return w.reduceRight((s, x) => s * 3 + x) + w.at(-1) + [[1, a], [b]].flat().length + new Array(3).fill(b)[1] + Array(2).fill(1).flatMap(x => [x, a])[3]"},
	{"array methods with effects", "let n = 0; const t = [a, b, 5].some(v => { n++; return v > 100 }); const u = [a, b].every(v => { n += 10; return v > 0 }); return n + (t ? 1000 : 0) + (u ? 2000 : 0)"},
	{"objects chosen at run time", "const p = [a, 1], q = [b, 2]; const r = a > b ? p : q; r[0] += 5; p[1] = 9; return r[0] * 10 + r[1] + p[0] + q[0]"},
	{"objects changed in arms", "const r = { n: 0, v: [1, 2] }; if (a > 0) { r.n = b; r.v[1] = a } else if (b & 1) r.v[0]++; return r.n + r.v[0] * 3 + r.v[1]"},
	{"var and hoisting", "var two = 2; if (a > 0) { var x = 5 } else x = 2; return x + f(a); function f(v) { return v * two }"},
	{"compound assignment", "let x = a; x += b; x -= 3; x *= 2; x &= 4095; x |= 5; x ^= b; x <<= 2; x >>= 1; x >>>= 1; x %= 100; x ||= 9; x &&= x + 1; let y; y ??= x; return y-- + --y + x++ + ++x"},
	{"sequence and void", "let x = 0; return (x = a, x += b, x) + (void 0 === undefined) + (typeof a === 'number' ? 1 : 0) + (typeof TABLE === 'object')"},
	{"powers and constants", "return a ** 2 % 1000 + 2 ** 5 + WEIGHTS[0] * b + Math.round(Math.sin(1) * 100) + Math.hypot(3, 4) + Math.sqrt(16) + Math.PI * 0 + Math.sign(a) * 3 + Math.round(0.5) + Math.round(-0.5)"},
	{"comparisons with fractions", "return (a < 2.5) + (a <= -2.5) * 2 + (a > 99.5) * 4 + (b >= 0.1) * 8 + (a == 1.5) + (a < Infinity) * 16 + (a > -Infinity) * 32 + (b === NaN)"},
	{"least of many", "let best = Infinity; for (const v of [a, b, 7]) if (v < best) best = v; return best"},
	{"relations", "let n = b, r = 0; for (let bit = 1 << 6; bit > 0; bit >>= 2) { const t = r + bit; r >>= 1; if (n >= t) { n -= t; r += bit } } return r"},
	{"either number or truth", "const x = a > 3 && b; return (x ? 1 : 0) + (x || 5) + (x == 0)"},
	{"deep decisions", "let s = 0; if (a & 1) { s = 1; if (a & 2) { s += 2; if (b & 4) return s + 100; s += b } else s = b - 1 } else { if (b & 8) s = -a; else return 7 } return s * 2"},
	{"named function expression", "return (function twice2(v) { return v + v })(a) + (() => b)()"},
	{"default arguments", "const f = (x, y = x + 1, { z = 2 } = {}) => x * y + z; return f(a) + f(b, 2) + f(1, 2, { z: a })"},
	{"numbers of a string key", "const m = { one: 1, two: 2 }; let s = 0; for (const [k, v] of Object.entries(m)) s += v * (k === 'two' ? a : b); return s + Object.keys(m).length + Object.values(m)[1] + m['o' + 'ne']"},
	{"conversions", "return Number(a) + +(b > 3) + (Boolean(a) ? 1 : 0) + (a | 0) + Number(true)"},
	{"wide", "return (a * 16777216 * 60 + b) % 65521 + Math.floor((a * 16777216 * 60 + b) / 65536)"},
	{"ternaries", "return a > 0 ? b > 7 ? a : b : a < -9 ? -a : 3"},
	{"helpers in helpers", "const each = (v, f) => v.map(f), compose = (f, g) => x => f(g(x)); return each(GRID, row => each(row, v => v & a).reduce((s, v) => s + v)).at(1) + compose(compose(add(1), add(2)), compose(x => x * 2, abs))(a)"},
	{"increments of truth values", "let t = a > 3; const u = t++; return u + t + (u === 1) + (typeof t === 'number')"},
	{"a negative or", "return Math.sign(a) > ((b - 128) | a) ? a >>> 0 : 7"},
	{"mask of wide", "return ((a * 1073741824) & 0xffff) + ((a * 1073741825) & -256) + ((a * 3 + b * 5) & 0x1ff)"},
}

func TestTheLanguageMeansWhatItCompilesTo(t *testing.T) {
	var text strings.Builder
	text.WriteString(before)
	for i, b := range bodies {
		fmt.Fprintf(&text, "export const k%d = kernel({ in: { a: 'i16', b: 'u8' }, out: 'i32' }, ({ a, b }) => { %s }) // %s\n", i, b.body, b.name)
	}
	text.WriteString("export const made = make(300)\n")
	kernels, err := js.CompileSource(t.Context(), "language.js", text.String(), js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, k := range kernels {
		name := k.Name
		if i, err := strconv.Atoi(name[1:]); err == nil {
			name = bodies[i].name
		}
		t.Run(name, func(t *testing.T) { compare(t, k, r) })
	}
	if len(kernels) != len(bodies)+1 {
		t.Errorf("%d kernels of %d", len(kernels), len(bodies)+1)
	}
}

func TestShapesMeanWhatTheyCompileTo(t *testing.T) {
	kernels, err := js.CompileSource(t.Context(), "shapes.ts", before+`
export const word = kernel({ in: 'i5', out: 'u3c' }, (v, { x, y }) => v * 3 + (x & 3) - y)
export const records = kernel({ in: { h: ['u12', 3], t: 'i2' }, out: { a: ['i9c', 2], b: { c: 'u1' } } }, ({ h, t }) => ({ a: [h[0] - h[1], h[2] * t], b: { c: h[0] > h[2] } }))
export const taps = kernel({ in: 'i16', taps: 5, hop: 3, out: 'i32' }, (t, { i }) => t.reduce((s, v, k) => s + v * (k + 1), i & 7))
export const zero = kernel({ in: { g: 'u8' }, window: [3, 5], edge: 'zero', hop: [2, 3], out: 'u8c' }, (w, p) => w[0][0].g + w[2][4].g * 2 - w[1][2].g + p.x + p.y)
export const mirror = kernel({ in: 'i8', window: [7, 5], edge: 'mirror', out: 'i16' }, w => { let s = 0; for (const [r, row] of w.entries()) for (const [c, v] of row.entries()) s += v * (r * 5 + c); return s })
export const fold = kernel({ in: 'u8', state: { h: ['u16', 4], n: 'i9c' }, init: { h: [1, 2, 3, 4], n: -7 }, out: ['u16', 4] }, (s, v, { i }) => {
  const h = [...s.h]; h[v & 3] += v + (i & 1); return { state: { h, n: s.n + v - 100 }, out: s.n > 50 ? h : s.h } })
export const last = kernel({ in: 'i8', state: 'i20', out: 'i20', emit: 'last' }, (s, v) => ({ state: s + v * s - v, out: s }))
export const block = kernel({ in: 'u8', block: [2, 4], maxWidth: 64, out: 'u8' }, (b, { x, y }) => b.map((row, r) => row.map((v, c) => v + b[1 - r][3 - c] + x * y)))
export const flat = kernel({ in: 'u8', block: [2, 3], maxWidth: 30, out: { v: 'i9' } }, b => b.flat().map(v => ({ v: -v })))
export const perBlock = kernel({ in: 'u8', block: [3, 2], maxWidth: 30, out: ['u16', 2] }, b => [b.flat().reduce((s, v) => s + v), b[0][0]])
export const piped = word.pipe(kernel({ in: 'u3', taps: 2, out: 'i4' }, t => t[0] - t[1])).pipe(kernel({ in: 'i4', window: [3, 3], out: 'i8', maxWidth: 4096 }, w => w[0][0] * w[2][2]))
`, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for _, k := range kernels {
		t.Run(k.Name, func(t *testing.T) { compare(t, k, r) })
	}
}
