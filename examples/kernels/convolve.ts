// Convolution: each pixel becomes a weighted sum of its neighbours.
import { kernel } from 'capo:kernel'

const SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
const EMBOSS = [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
const BINOMIAL = [1, 4, 6, 4, 1]

function weigh(w: number[][], weights: number[][]) {
  let sum = 0
  for (let r = 0; r < 3; r++) for (let c = 0; c < 3; c++) sum += weights[r][c] * w[r][c]
  return sum
}

// Sharpens: the pixel and its difference from its four neighbours.
export const sharpen = kernel({ in: 'u8', window: [3, 3], out: 'u8c' }, w => weigh(w, SHARPEN))

// Embosses: light seems to fall from the upper left.
export const emboss = kernel({ in: 'u8', window: [3, 3], out: 'u8c' }, w => weigh(w, EMBOSS))

// Gauss, nearly: 5×5, binomial weights in both directions (a standard deviation of one pixel), in 256ths, rounded.
export const gauss = kernel({ in: 'u8', window: [5, 5], out: 'u8' }, w => {
  let sum = 128
  for (let c = 0; c < 5; c++) {
    let column = 0
    for (let r = 0; r < 5; r++) column += BINOMIAL[r] * w[r][c]
    sum += BINOMIAL[c] * column
  }
  return sum >> 8
})

export const golden = [
  { kernel: 'sharpen', in: 'testdata/scene.pgm', out: 'testdata/sharpen-scene.pgm' },
  { kernel: 'sharpen', in: 'testdata/noise.pgm', out: 'testdata/sharpen-noise.pgm' },
  { kernel: 'sharpen', in: 'testdata/one.pgm', out: 'testdata/sharpen-one.pgm' },
  { kernel: 'emboss', in: 'testdata/scene.pgm', out: 'testdata/emboss-scene.pgm' },
  { kernel: 'emboss', in: 'testdata/noise.pgm', out: 'testdata/emboss-noise.pgm' },
  { kernel: 'emboss', in: 'testdata/column.pgm', out: 'testdata/emboss-column.pgm' },
  { kernel: 'gauss', in: 'testdata/scene.pgm', out: 'testdata/gauss-scene.pgm' },
  { kernel: 'gauss', in: 'testdata/noise.pgm', out: 'testdata/gauss-noise.pgm' },
  { kernel: 'gauss', in: 'testdata/one.pgm', out: 'testdata/gauss-one.pgm' },
  { kernel: 'gauss', in: 'testdata/row.pgm', out: 'testdata/gauss-row.pgm' },
  { kernel: 'gauss', in: 'testdata/column.pgm', out: 'testdata/gauss-column.pgm' },
]
