// ADPCM: samples of 16 bits as 4 bits each, the IMA's way (Recommended Practices for Enhancing Digital Audio Compatibility, 1992).
import { kernel } from 'capo:kernel'

const STEPS = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307,
  337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358,
  5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767]
const MOVES = [-1, -1, -1, -1, 2, 4, 6, 8]
const LAST = STEPS.length - 1

const STATE = { predicted: 'i16', index: 'u7' }
const START = { predicted: 0, index: 0 }
const stepAt = (index: number) => STEPS[Math.min(index, LAST)]

// Where a code leads: the sample it stands for, and the next step's place in the table.
function follow(predicted: number, index: number, code: number) {
  const step = stepAt(index)
  let change = step >> 3
  if (code & 4) change += step
  if (code & 2) change += step >> 1
  if (code & 1) change += step >> 2
  const sample = code & 8 ? predicted - change : predicted + change
  return {
    predicted: Math.max(-32768, Math.min(32767, sample)),
    index: Math.max(0, Math.min(LAST, index + MOVES[code & 7])),
  }
}

// A sample to the 4 bits that come nearest from below.
export const encode = kernel({ in: 'i16', state: STATE, init: START, out: 'u4' }, ({ predicted, index }, sample) => {
  const step = stepAt(index)
  const difference = sample - predicted
  let rest = Math.abs(difference), code = difference < 0 ? 8 : 0
  if (rest >= step) { code |= 4; rest -= step }
  if (rest >= step >> 1) { code |= 2; rest -= step >> 1 }
  if (rest >= step >> 2) code |= 1
  return { state: follow(predicted, index, code), out: code }
})

// 4 bits to a sample.
export const decode = kernel({ in: 'u4', state: STATE, init: START, out: 'i16' }, ({ predicted, index }, code) => {
  const next = follow(predicted, index, code)
  return { state: next, out: next.predicted }
})

export const golden = [
  { kernel: 'encode', in: 'testdata/sound.bin', out: 'testdata/encode-sound.bin' },
  { kernel: 'encode', in: 'testdata/click.bin', out: 'testdata/encode-click.bin' },
  { kernel: 'decode', in: 'testdata/encode-sound.bin', out: 'testdata/decode-sound.bin' },
  { kernel: 'decode', in: 'testdata/nibbles.bin', out: 'testdata/decode-nibbles.bin' },
]
