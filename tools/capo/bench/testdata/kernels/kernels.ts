// Kernels of every shape, for `capo bench kernels`.
import { kernel } from 'capo:kernel'

export const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)

export const fir = kernel({ in: 'i16', taps: 5, out: 'i16' },
  t => { let s = 0; for (let i = 0; i < 5; i++) s += t[i] * [1, 4, 6, 4, 1][i]; return s >> 4 })

export const sobel = kernel({ in: 'u8', window: [3, 3], maxWidth: 2048, out: 'u8c' }, w => {
  const gx = w[0][2] + 2 * w[1][2] + w[2][2] - w[0][0] - 2 * w[1][0] - w[2][0]
  const gy = w[2][0] + 2 * w[2][1] + w[2][2] - w[0][0] - 2 * w[0][1] - w[0][2]
  return Math.abs(gx) + Math.abs(gy)
})

export const sharpen = kernel({ in: 'u8', window: [3, 3], out: 'u8c' }, w => 5 * w[1][1] - w[0][1] - w[1][0] - w[1][2] - w[2][1])

export const half = kernel({ in: 'u8', window: [3, 3], hop: [2, 2], out: 'u8' }, w => {
  let sum = 8
  for (const row of w) sum += row[0] + 2 * row[1] + row[2]
  return sum + w[1][0] + 2 * w[1][1] + w[1][2] >> 4
})

const CURVE = Array.from({ length: 256 }, (_, i) => Math.round(255 * (i / 255) ** (1 / 2.2)))
export const gamma = kernel({ in: 'u8', out: 'u8' }, x => CURVE[x])

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})
export const crc = kernel({ in: 'u8', state: 'u32', init: 0xffffffff, out: 'u32', emit: 'last' }, (s, byte) => {
  const next = (s >>> 8) ^ TABLE[(s ^ byte) & 255]
  return { state: next, out: ~next }
})

export const envelope = kernel({ in: 'i16', state: 'u32', init: 0, out: 'u16' }, (level, x) => {
  const next = level + ((256 * Math.abs(x) - level) >> 4)
  return { state: next, out: next >> 8 }
})

export const haar = kernel({ in: 'u8', block: [2, 2], maxWidth: 2048, out: 'i16' }, b => {
  const [[p, q], [r, s]] = b
  return [[p + q + r + s, p - q + r - s], [p + q - r - s, p - q - r + s]]
})

export const edges = gray.pipe(sobel)
