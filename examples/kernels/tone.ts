// Tone: one sample in, one sample out, mostly by a table.
import { kernel } from 'capo:kernel'

const table = (length: number, f: (v: number) => number) => Array.from({ length }, (_, i) => Math.round(f(i / (length - 1))))

const GAMMA = table(256, v => 255 * v ** (1 / 2.2))
const LINEAR = table(256, v => 65535 * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
const ENCODED = table(4096, v => 255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055))

// Brightens by a gamma of 2.2: v^(1/2.2).
export const gamma = kernel({ in: 'u8', out: 'u8' }, v => GAMMA[v])

// sRGB's curve undone (IEC 61966-2-1): encoded 8 bits to 16 bits of light.
export const srgbToLinear = kernel({ in: 'u8', out: 'u16' }, v => LINEAR[v])

// sRGB's curve applied (IEC 61966-2-1): 12 bits of light, such as a sensor gives, to encoded 8 bits.
export const linearToSrgb = kernel({ in: 'u12', out: 'u8' }, v => ENCODED[v])

// Black below the middle, white from it on.
export const threshold = kernel({ in: 'u8', out: 'u8' }, v => v < 128 ? 0 : 255)

export const golden = [
  { kernel: 'gamma', in: 'testdata/scene.pgm', out: 'testdata/gamma-scene.pgm' },
  { kernel: 'gamma', in: 'testdata/ramp8.bin', out: 'testdata/gamma-ramp8.bin' },
  { kernel: 'srgbToLinear', in: 'testdata/ramp8.bin', out: 'testdata/srgbToLinear-ramp8.bin' },
  { kernel: 'linearToSrgb', in: 'testdata/ramp12.bin', out: 'testdata/linearToSrgb-ramp12.bin' },
  { kernel: 'threshold', in: 'testdata/scene.pgm', out: 'testdata/threshold-scene.pgm' },
  { kernel: 'threshold', in: 'testdata/ramp8.bin', out: 'testdata/threshold-ramp8.bin' },
]
