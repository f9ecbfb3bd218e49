// Scale: a picture of half the width and height.
import { kernel } from 'capo:kernel'

// The mean of each 2×2 pixels, rounded; where a side is odd, its last pixels count twice.
export const half = kernel({ in: 'u8', window: [3, 3], hop: [2, 2], out: 'u8' },
  w => (w[1][1] + w[1][2] + w[2][1] + w[2][2] + 2) >> 2)

export const golden = [
  { kernel: 'half', in: 'testdata/scene.pgm', out: 'testdata/half-scene.pgm' },
  { kernel: 'half', in: 'testdata/noise.pgm', out: 'testdata/half-noise.pgm' },
  { kernel: 'half', in: 'testdata/one.pgm', out: 'testdata/half-one.pgm' },
  { kernel: 'half', in: 'testdata/row.pgm', out: 'testdata/half-row.pgm' },
  { kernel: 'half', in: 'testdata/column.pgm', out: 'testdata/half-column.pgm' },
]
