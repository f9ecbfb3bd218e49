// Colour: brightness of a picture, and the way between RGB and Y'CbCr.
import { kernel } from 'capo:kernel'

const RGB = { r: 'u8', g: 'u8', b: 'u8' }
const RGB_CLAMPED = { r: 'u8c', g: 'u8c', b: 'u8c' }
const YCBCR = { y: 'u8', cb: 'u8', cr: 'u8' }
const YCBCR_CLAMPED = { y: 'u8c', cb: 'u8c', cr: 'u8c' }

// Brightness by ITU-R BT.601, 0..255, in 256ths: what still cameras and JPEG call gray.
export const gray = kernel({ in: RGB, out: 'u8' },
  ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)

// Brightness by ITU-R BT.709 (HD video), 0..255, in 256ths.
export const gray709 = kernel({ in: RGB, out: 'u8' },
  ({ r, g, b }) => (54 * r + 183 * g + 19 * b + 128) >> 8)

// A standard is two weights of brightness, red's and blue's, and the ranges that hold it: JPEG uses all 256 values, video leaves room at both ends.
const jpeg = { kr: 0.299, kb: 0.114, black: 0, luma: 255, chroma: 255 } // JFIF 1.02
const hd = { kr: 0.2126, kb: 0.0722, black: 16, luma: 219, chroma: 224 } // ITU-R BT.709-6, 8 bits

// All coefficients are whole numbers of 65536ths.
const fixed = (rows: number[][]) => rows.map(row => row.map(c => Math.round(c * 65536)))

function forward({ kr, kb, luma, chroma }: typeof jpeg) {
  const kg = 1 - kr - kb
  const y = luma / 255, cb = chroma / 255 / (2 - 2 * kb), cr = chroma / 255 / (2 - 2 * kr)
  return fixed([
    [kr * y, kg * y, kb * y],
    [-kr * cb, -kg * cb, (1 - kb) * cb],
    [(1 - kr) * cr, -kg * cr, -kb * cr]])
}

function backward({ kr, kb, luma, chroma }: typeof jpeg) {
  const kg = 1 - kr - kb
  const y = 255 / luma, cb = (2 - 2 * kb) * 255 / chroma, cr = (2 - 2 * kr) * 255 / chroma
  return fixed([
    [y, 0, cr],
    [y, -kb / kg * cb, -kr / kg * cr],
    [y, cb, 0]])
}

// The product of a row of coefficients with three numbers, rounded.
const dot = (row: number[], a: number, b: number, c: number) => (row[0] * a + row[1] * b + row[2] * c + 32768) >> 16

const TO601 = forward(jpeg), FROM601 = backward(jpeg)
const TO709 = forward(hd), FROM709 = backward(hd)

// RGB to Y'CbCr as JPEG files have it (BT.601, full range).
export const ycbcr601 = kernel({ in: RGB, out: YCBCR_CLAMPED }, ({ r, g, b }) => ({
  y: dot(TO601[0], r, g, b), cb: 128 + dot(TO601[1], r, g, b), cr: 128 + dot(TO601[2], r, g, b) }))

// Y'CbCr as JPEG files have it to RGB.
export const rgb601 = kernel({ in: YCBCR, out: RGB_CLAMPED }, ({ y, cb, cr }) => ({
  r: dot(FROM601[0], y, cb - 128, cr - 128), g: dot(FROM601[1], y, cb - 128, cr - 128), b: dot(FROM601[2], y, cb - 128, cr - 128) }))

// RGB to Y'CbCr as HD video has it (BT.709, limited range).
export const ycbcr709 = kernel({ in: RGB, out: YCBCR_CLAMPED }, ({ r, g, b }) => ({
  y: 16 + dot(TO709[0], r, g, b), cb: 128 + dot(TO709[1], r, g, b), cr: 128 + dot(TO709[2], r, g, b) }))

// Y'CbCr as HD video has it to RGB.
export const rgb709 = kernel({ in: YCBCR, out: RGB_CLAMPED }, ({ y, cb, cr }) => ({
  r: dot(FROM709[0], y - 16, cb - 128, cr - 128), g: dot(FROM709[1], y - 16, cb - 128, cr - 128), b: dot(FROM709[2], y - 16, cb - 128, cr - 128) }))

export const golden = [
  { kernel: 'gray', in: 'testdata/scene.ppm', out: 'testdata/gray-scene.pgm' },
  { kernel: 'gray', in: 'testdata/noise.ppm', out: 'testdata/gray-noise.pgm' },
  { kernel: 'gray', in: 'testdata/one.ppm', out: 'testdata/gray-one.pgm' },
  { kernel: 'gray709', in: 'testdata/scene.ppm', out: 'testdata/gray709-scene.pgm' },
  { kernel: 'gray709', in: 'testdata/noise.ppm', out: 'testdata/gray709-noise.pgm' },
  { kernel: 'ycbcr601', in: 'testdata/scene.ppm', out: 'testdata/ycbcr601-scene.ppm' },
  { kernel: 'ycbcr601', in: 'testdata/noise.ppm', out: 'testdata/ycbcr601-noise.ppm' },
  { kernel: 'rgb601', in: 'testdata/ycbcr601-scene.ppm', out: 'testdata/rgb601-scene.ppm' },
  { kernel: 'rgb601', in: 'testdata/noise.ppm', out: 'testdata/rgb601-noise.ppm' },
  { kernel: 'ycbcr709', in: 'testdata/scene.ppm', out: 'testdata/ycbcr709-scene.ppm' },
  { kernel: 'ycbcr709', in: 'testdata/noise.ppm', out: 'testdata/ycbcr709-noise.ppm' },
  { kernel: 'rgb709', in: 'testdata/ycbcr709-scene.ppm', out: 'testdata/rgb709-scene.ppm' },
  { kernel: 'rgb709', in: 'testdata/noise.ppm', out: 'testdata/rgb709-noise.ppm' },
]
