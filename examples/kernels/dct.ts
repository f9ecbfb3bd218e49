// DCT: what JPEG does with a tile of 8×8 pixels (ITU-T T.81, A.3.3 and A.3.4).
import { kernel } from 'capo:kernel'

// COS[u][x] is half the cosine of frequency u at sample x, in 1024ths.
const COS = Array.from({ length: 8 }, (_, u) => Array.from({ length: 8 }, (_, x) =>
  Math.round(1024 * (u === 0 ? Math.SQRT1_2 : 1) / 2 * Math.cos((2 * x + 1) * u * Math.PI / 16))))

// The eight frequencies of eight samples, times 1024. Even cosines are the same from both ends, odd ones negated, and so again among the even.
function frequencies(v: number[]) {
  const sum = [v[0] + v[7], v[1] + v[6], v[2] + v[5], v[3] + v[4]]
  const difference = [v[0] - v[7], v[1] - v[6], v[2] - v[5], v[3] - v[4]]
  const even = [sum[0] + sum[3], sum[1] + sum[2]], odd = [sum[0] - sum[3], sum[1] - sum[2]]
  const out = [0, 0, 0, 0, 0, 0, 0, 0]
  for (let u = 0; u < 8; u += 4) for (let x = 0; x < 2; x++) out[u] += COS[u][x] * even[x]
  for (let u = 2; u < 8; u += 4) for (let x = 0; x < 2; x++) out[u] += COS[u][x] * odd[x]
  for (let u = 1; u < 8; u += 2) for (let x = 0; x < 4; x++) out[u] += COS[u][x] * difference[x]
  return out
}

// A row of pixels, around zero, as frequencies in quarters.
function row(p: number[]) {
  const f = frequencies([p[0] - 128, p[1] - 128, p[2] - 128, p[3] - 128, p[4] - 128, p[5] - 128, p[6] - 128, p[7] - 128])
  for (let u = 0; u < 8; u++) f[u] = (f[u] + 128) >> 8
  return f
}

// A column of frequencies in quarters as whole ones.
function column(v: number[]) {
  const f = frequencies(v)
  for (let u = 0; u < 8; u++) f[u] = (f[u] + 2048) >> 12
  return f
}

const pick = (m: number[][], i: number) => [m[0][i], m[1][i], m[2][i], m[3][i], m[4][i], m[5][i], m[6][i], m[7][i]]

// The DCT of each 8×8 tile of a gray picture; T.81's numbers, rounded to whole ones.
export const dct = kernel({ in: 'u8', block: [8, 8], maxWidth: 2048, out: 'i16' }, b => {
  const rows = [row(b[0]), row(b[1]), row(b[2]), row(b[3]), row(b[4]), row(b[5]), row(b[6]), row(b[7])]
  const columns = [column(pick(rows, 0)), column(pick(rows, 1)), column(pick(rows, 2)), column(pick(rows, 3)),
    column(pick(rows, 4)), column(pick(rows, 5)), column(pick(rows, 6)), column(pick(rows, 7))]
  return [pick(columns, 0), pick(columns, 1), pick(columns, 2), pick(columns, 3), pick(columns, 4), pick(columns, 5), pick(columns, 6), pick(columns, 7)]
})

// The first half of a DCT: each 8 pixels as frequencies, in quarters. Tiles follow each other, 8 pixels wide.
export const dctRows = kernel({ in: 'u8', block: [1, 8], out: 'i12' }, b => [row(b[0])])

// The second half: each column of 8.
export const dctColumns = kernel({ in: 'i12', block: [8, 1], maxWidth: 8, out: 'i12' }, b => column(pick(b, 0)))

// T.81, table K.1: how coarse each frequency of brightness may become.
const STEPS = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]
const HALVES = STEPS.map(s => s >> 1)
const INVERSES = STEPS.map(s => Math.ceil(2 ** 19 / s)) // exact, as numbers of 12 bits times steps of 7 stay below 2^19

// Frequencies of tiles, 8 wide, in whole steps of table K.1: the nearest, a half away from zero.
export const quantise = kernel({ in: 'i12', out: 'i12' }, (f, { x, y }) => {
  const at = 8 * (y & 7) + (x & 7)
  const steps = (Math.abs(f) + HALVES[at]) * INVERSES[at] >> 19
  return f < 0 ? -steps : steps
})

// Tiles of pixels to what a JPEG of quality 50 stores of them.
export const jpeg = dctRows.pipe(dctColumns).pipe(quantise)

export const golden = [
  { kernel: 'dct', in: 'testdata/scene.pgm', out: 'testdata/dct-scene.bin' },
  { kernel: 'dct', in: 'testdata/tiles.bin', out: 'testdata/dct-tiles.bin' },
  { kernel: 'dctRows', in: 'testdata/tiles.bin', out: 'testdata/dctRows-tiles.bin' },
  { kernel: 'dctColumns', in: 'testdata/dctRows-tiles.bin', width: 8, out: 'testdata/dctColumns-tiles.bin' },
  { kernel: 'quantise', in: 'testdata/dctColumns-tiles.bin', width: 8, out: 'testdata/quantise-tiles.bin' },
  { kernel: 'quantise', in: 'testdata/frequencies.bin', width: 8, out: 'testdata/quantise-frequencies.bin' },
  { kernel: 'jpeg', in: 'testdata/tiles.bin', out: 'testdata/quantise-tiles.bin' },
]
