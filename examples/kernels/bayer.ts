// Bayer: a sensor's mosaic of colours becomes a picture.
import { kernel } from 'capo:kernel'

// Bilinear demosaic of RGGB (red at even rows and columns): what a pixel lacks is the mean of the neighbours that have it, rounded.
// The edge mirrors, which keeps the colours of the mosaic where they belong.
export const demosaic = kernel({ in: 'u8', window: [3, 3], edge: 'mirror', out: { r: 'u8', g: 'u8', b: 'u8' } }, (w, { x, y }) => {
  const own = w[1][1]
  const beside = (w[1][0] + w[1][2] + 1) >> 1
  const above = (w[0][1] + w[2][1] + 1) >> 1
  const cross = (w[0][1] + w[1][0] + w[1][2] + w[2][1] + 2) >> 2
  const corners = (w[0][0] + w[0][2] + w[2][0] + w[2][2] + 2) >> 2
  if (y % 2 === 0) return x % 2 === 0 ? { r: own, g: cross, b: corners } : { r: beside, g: own, b: above }
  return x % 2 === 0 ? { r: above, g: own, b: beside } : { r: corners, g: cross, b: own }
})

export const golden = [
  { kernel: 'demosaic', in: 'testdata/mosaic.pgm', out: 'testdata/demosaic-mosaic.ppm' },
  { kernel: 'demosaic', in: 'testdata/noise.pgm', out: 'testdata/demosaic-noise.ppm' },
  { kernel: 'demosaic', in: 'testdata/one.pgm', out: 'testdata/demosaic-one.ppm' },
  { kernel: 'demosaic', in: 'testdata/column.pgm', out: 'testdata/demosaic-column.ppm' },
]
