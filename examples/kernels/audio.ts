// Audio: filters and a mixer for samples of 16 bits.
import { kernel } from 'capo:kernel'

// Smooths: five binomial weights, in 16ths.
export const fir = kernel({ in: 'i16', taps: 5, out: 'i16' },
  t => { let s = 0; for (let i = 0; i < 5; i++) s += t[i] * [1, 4, 6, 4, 1][i]; return s >> 4 })

// A half-band low pass, 15 taps: sin(πn/2)/(πn) under a Hamming window, in 32768ths. Every other tap but the middle one is zero.
const HALFBAND = Array.from({ length: 15 }, (_, i) => {
  const n = i - 7, window = 0.54 + 0.46 * Math.cos(Math.PI * n / 7)
  if (n === 0) return 16384
  return n % 2 === 0 ? 0 : Math.round(32768 * window * Math.sin(Math.PI * n / 2) / (Math.PI * n))
})

// Half the sampling rate: the half-band low pass, then every other sample.
export const decimate = kernel({ in: 'i16', taps: 15, hop: 2, out: 'i16c' }, t => {
  let s = 16384
  for (let i = 0; i < 15; i++) s += HALFBAND[i] * t[i]
  return s >> 15
})

// R. Bristow-Johnson's cookbook: a low pass at f / sampling rate with quality q; b0, b1, b2, a1, a2 by a0, in 65536ths.
function lowpass(f: number, q: number) {
  const w = 2 * Math.PI * f, alpha = Math.sin(w) / (2 * q), c = Math.cos(w)
  return [(1 - c) / 2, 1 - c, (1 - c) / 2, -2 * c, 1 - alpha].map(v => Math.round(65536 * v / (1 + alpha)))
}
const [B0, B1, B2, A1, A2] = lowpass(1000 / 16000, Math.SQRT1_2)

// A biquad: low pass at 1 kHz of 16 kHz, Butterworth's. Its past answers keep eight more bits than it gives.
export const biquad = kernel({
  in: 'i16', state: { x1: 'i16', x2: 'i16', y1: 'i24c', y2: 'i24c' }, init: { x1: 0, x2: 0, y1: 0, y2: 0 }, out: 'i16c',
}, ({ x1, x2, y1, y2 }, x) => {
  const y = Math.floor(((B0 * x + B1 * x1 + B2 * x2) * 256 - A1 * y1 - A2 * y2 + 32768) / 65536)
  return { state: { x1: x, x2: x1, y1: y, y2: y1 }, out: (y + 128) >> 8 }
})

// Two channels to one, at 3/4 and 1/2 of their strength; too loud is cut off.
export const mix = kernel({ in: { a: 'i16', b: 'i16' }, out: 'i16c' }, ({ a, b }) => (3 * a + 2 * b + 2) >> 2)

// Two channels to one, each with its gain beside it, in 128ths; too loud is cut off.
export const mixer = kernel({ in: { a: 'i16', b: 'i16', ga: 'u8', gb: 'u8' }, out: 'i16c' },
  ({ a, b, ga, gb }) => (ga * a + gb * b + 64) >> 7)

export const golden = [
  { kernel: 'fir', in: 'testdata/sound.bin', out: 'testdata/fir-sound.bin' },
  { kernel: 'fir', in: 'testdata/click.bin', out: 'testdata/fir-click.bin' },
  { kernel: 'decimate', in: 'testdata/sound.bin', out: 'testdata/decimate-sound.bin' },
  { kernel: 'decimate', in: 'testdata/click.bin', out: 'testdata/decimate-click.bin' },
  { kernel: 'biquad', in: 'testdata/sound.bin', out: 'testdata/biquad-sound.bin' },
  { kernel: 'biquad', in: 'testdata/click.bin', out: 'testdata/biquad-click.bin' },
  { kernel: 'mix', in: 'testdata/stereo.bin', out: 'testdata/mix-stereo.bin' },
  { kernel: 'mixer', in: 'testdata/channels.bin', out: 'testdata/mixer-channels.bin' },
]
