// Edges: how steep a picture is, by Sobel's two 3×3 differences.
import { kernel } from 'capo:kernel'
import { gray } from './colour.ts'

const across = (w: number[][]) => w[0][2] + 2 * w[1][2] + w[2][2] - w[0][0] - 2 * w[1][0] - w[2][0]
const down = (w: number[][]) => w[2][0] + 2 * w[2][1] + w[2][2] - w[0][0] - 2 * w[0][1] - w[0][2]

// The square root without its fraction, a digit of the answer at a time; n below 2^22.
function root(n: number) {
  let rest = n, r = 0
  for (let bit = 1 << 20; bit > 0; bit >>= 2) {
    const t = r + bit
    r >>= 1
    if (rest >= t) {
      rest -= t
      r += bit
    }
  }
  return r
}

// Sobel's operator, the cheap way: the sum of both differences.
export const sobel = kernel({ in: 'u8', window: [3, 3], maxWidth: 2048, out: 'u8c' },
  w => Math.abs(across(w)) + Math.abs(down(w)))

// Sobel's operator as it is defined: the length of the gradient, without its fraction. The edge mirrors, as ffmpeg's does at the left and top.
export const gradient = kernel({ in: 'u8', window: [3, 3], maxWidth: 2048, edge: 'mirror', out: 'u8c' }, w => {
  const gx = across(w), gy = down(w)
  return root(gx * gx + gy * gy)
})

// From a colour picture to its edges, in one pass.
export const edges = gray.pipe(sobel)

export const golden = [
  { kernel: 'sobel', in: 'testdata/scene.pgm', out: 'testdata/sobel-scene.pgm' },
  { kernel: 'sobel', in: 'testdata/noise.pgm', out: 'testdata/sobel-noise.pgm' },
  { kernel: 'sobel', in: 'testdata/one.pgm', out: 'testdata/sobel-one.pgm' },
  { kernel: 'sobel', in: 'testdata/row.pgm', out: 'testdata/sobel-row.pgm' },
  { kernel: 'sobel', in: 'testdata/column.pgm', out: 'testdata/sobel-column.pgm' },
  { kernel: 'gradient', in: 'testdata/scene.pgm', out: 'testdata/gradient-scene.pgm' },
  { kernel: 'gradient', in: 'testdata/noise.pgm', out: 'testdata/gradient-noise.pgm' },
  { kernel: 'gradient', in: 'testdata/one.pgm', out: 'testdata/gradient-one.pgm' },
  { kernel: 'gradient', in: 'testdata/column.pgm', out: 'testdata/gradient-column.pgm' },
  { kernel: 'edges', in: 'testdata/scene.ppm', out: 'testdata/edges-scene.pgm' },
  { kernel: 'edges', in: 'testdata/noise.ppm', out: 'testdata/edges-noise.pgm' },
]
