// Rank filters: the least, the middle and the greatest of a 3×3 neighbourhood.
import { kernel } from 'capo:kernel'

const least = (row: number[]) => Math.min(row[0], row[1], row[2])
const greatest = (row: number[]) => Math.max(row[0], row[1], row[2])
const middle = (row: number[]) => Math.max(Math.min(row[0], row[1]), Math.min(Math.max(row[0], row[1]), row[2]))

// Removes single wrong pixels: the median of nine. It lies among the greatest of the rows' least, the middle of their middles and the least of their greatest.
export const median = kernel({ in: 'u8', window: [3, 3], out: 'u8' }, ([a, b, c]) => middle([
  greatest([least(a), least(b), least(c)]),
  middle([middle(a), middle(b), middle(c)]),
  least([greatest(a), greatest(b), greatest(c)])]))

// Dark grows: the least of nine.
export const erode = kernel({ in: 'u8', window: [3, 3], out: 'u8' }, ([a, b, c]) => least([least(a), least(b), least(c)]))

// Light grows: the greatest of nine.
export const dilate = kernel({ in: 'u8', window: [3, 3], out: 'u8' }, ([a, b, c]) => greatest([greatest(a), greatest(b), greatest(c)]))

export const golden = [
  { kernel: 'median', in: 'testdata/scene.pgm', out: 'testdata/median-scene.pgm' },
  { kernel: 'median', in: 'testdata/noise.pgm', out: 'testdata/median-noise.pgm' },
  { kernel: 'median', in: 'testdata/one.pgm', out: 'testdata/median-one.pgm' },
  { kernel: 'median', in: 'testdata/row.pgm', out: 'testdata/median-row.pgm' },
  { kernel: 'erode', in: 'testdata/scene.pgm', out: 'testdata/erode-scene.pgm' },
  { kernel: 'erode', in: 'testdata/noise.pgm', out: 'testdata/erode-noise.pgm' },
  { kernel: 'erode', in: 'testdata/column.pgm', out: 'testdata/erode-column.pgm' },
  { kernel: 'dilate', in: 'testdata/scene.pgm', out: 'testdata/dilate-scene.pgm' },
  { kernel: 'dilate', in: 'testdata/noise.pgm', out: 'testdata/dilate-noise.pgm' },
  { kernel: 'dilate', in: 'testdata/row.pgm', out: 'testdata/dilate-row.pgm' },
]
