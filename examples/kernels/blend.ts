// Blending: a picture with transparency laid over another.
import { kernel } from 'capo:kernel'

// Porter and Duff's "over" (1984) on an opaque ground, alpha not multiplied in: (a·f + (255 - a)·g) / 255, rounded.
export const over = kernel({
  in: { top: { r: 'u8', g: 'u8', b: 'u8', a: 'u8' }, ground: { r: 'u8', g: 'u8', b: 'u8' } },
  out: { r: 'u8', g: 'u8', b: 'u8' },
}, ({ top, ground }) => {
  const mix = (f: number, g: number) => Math.round((top.a * f + (255 - top.a) * g) / 255)
  return { r: mix(top.r, ground.r), g: mix(top.g, ground.g), b: mix(top.b, ground.b) }
})

export const golden = [
  { kernel: 'over', in: 'testdata/layers.bin', out: 'testdata/over-layers.bin' },
]
