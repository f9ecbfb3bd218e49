// tiles.ts: draws the edges of a photograph into it, tile by tile, on whichever node a tile
// comes to. A record is a tile as RGB bytes with a border of one pixel on each side.
import type { Batch, Env, Job } from '@capo/types'

export const job: Job = {
  name: 'tiles',
  in: 'tiles',
  out: 'tiles.done',
  batch: { size: 4, wait: '5ms' },
  needs: { time: '60s', mem: '32M' },
}

/** luma of ITU-R BT.601, rounded, as an 8-bit integer. */
const luma = (rgb: Uint8Array, i: number): number => (77 * rgb[i] + 150 * rgb[i + 1] + 29 * rgb[i + 2] + 128) >> 8

/** draw returns the tile without its border, darkened where a Sobel filter finds an edge. */
function draw(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const stride = width + 2
  const gray = new Uint8Array(stride * (height + 2))
  for (let i = 0; i < gray.length; i++) gray[i] = luma(rgb, 3 * i)
  const out = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = y * stride + x, b = a + stride, c = b + stride
      const gx = gray[a + 2] + 2 * gray[b + 2] + gray[c + 2] - gray[a] - 2 * gray[b] - gray[c]
      const gy = gray[c] + 2 * gray[c + 1] + gray[c + 2] - gray[a] - 2 * gray[a + 1] - gray[a + 2]
      const light = 255 - Math.min(255, Math.abs(gx) + Math.abs(gy))
      const from = 3 * (b + 1), to = 3 * (y * width + x)
      for (let k = 0; k < 3; k++) out[to + k] = (rgb[from + k] * light) >> 8
    }
  }
  return out
}

export default {
  async queue(batch: Batch, env: Env) {
    for (const m of batch.messages) {
      const started = Date.now()
      const pixels = draw(m.body as Uint8Array, Number(m.headers.width), Number(m.headers.height))
      await env.out.send(pixels, { key: m.key, headers: { ...m.headers, took: String(Date.now() - started) } })
    }
  },
}
