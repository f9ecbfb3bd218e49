// What is measured against pipelines written by hand (gateware/verilog/hand).
import { kernel } from 'capo:kernel'

export const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)

export const fir = kernel({ in: 'u8', taps: 5, out: 'u8' }, t => (t[0] + 4 * t[1] + 6 * t[2] + 4 * t[3] + t[4]) >> 4)

export const sobel = kernel({ in: 'u8', window: [3, 3], maxWidth: 64, out: 'u8c' }, w => {
  const gx = w[0][2] + 2 * w[1][2] + w[2][2] - w[0][0] - 2 * w[1][0] - w[2][0]
  const gy = w[2][0] + 2 * w[2][1] + w[2][2] - w[0][0] - 2 * w[0][1] - w[0][2]
  return Math.abs(gx) + Math.abs(gy)
})
