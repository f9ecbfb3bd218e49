// The same in Node, for `capo bench kernels`: peers.mjs handler|loop KERNEL FRAMES prints the words per second, in millions, of CPU
// time, and a sum of the output. A handler is called for each word, as the kernel's source is; what it gets is made once and filled.
const [how, kernel, count] = process.argv.slice(2)
const frames = Number(count), W = 1920, H = 1080, N = W * H
const bytes = new Uint8Array(16 + 3 * N)
for (let i = 0; i < 3 * N; i++) bytes[16 + i] = Math.imul(i, 2654435761) >>> 24
const u8 = bytes.subarray(16), i16 = new Int16Array(bytes.buffer, 8)
const at = (i, n) => i < 0 ? 0 : i >= n ? n - 1 : i

const handlers = {
  gray: ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8,
  fir: t => { let s = 0; for (let i = 0; i < 5; i++) s += t[i] * [1, 4, 6, 4, 1][i]; return s >> 4 },
  sobel: w => {
    const gx = w[0][2] + 2 * w[1][2] + w[2][2] - w[0][0] - 2 * w[1][0] - w[2][0]
    const gy = w[2][0] + 2 * w[2][1] + w[2][2] - w[0][0] - 2 * w[0][1] - w[0][2]
    return Math.abs(gx) + Math.abs(gy)
  },
}

const callers = {
  gray(f, out) {
    for (let i = 0; i < N; i++) out[i] = f({ r: u8[3 * i], g: u8[3 * i + 1], b: u8[3 * i + 2] })
  },
  fir(f, out) {
    const t = [0, 0, 0, 0, 0]
    for (let i = 0; i < N; i++) {
      for (let k = 0; k < 5; k++) t[k] = i16[i + 4 - k]
      out[i] = f(t)
    }
  },
  sobel(f, out) {
    const w = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        for (let r = 0; r < 3; r++) {
          const row = at(y + r - 1, H) * W
          for (let c = 0; c < 3; c++) w[r][c] = u8[row + at(x + c - 1, W)]
        }
        out[y * W + x] = f(w)
      }
    }
  },
}

const loops = {
  gray(_, out) {
    for (let i = 0, j = 0; i < N; i++, j += 3) out[i] = (77 * u8[j] + 150 * u8[j + 1] + 29 * u8[j + 2] + 128) >> 8
  },
  fir(_, out) {
    for (let i = 0; i < N; i++) out[i] = (i16[i + 4] + 4 * i16[i + 3] + 6 * i16[i + 2] + 4 * i16[i + 1] + i16[i]) >> 4
  },
  sobel(_, out) {
    for (let y = 0; y < H; y++) {
      const a = at(y - 1, H) * W, b = y * W, c = at(y + 1, H) * W
      for (let x = 0; x < W; x++) {
        const l = x > 0 ? x - 1 : 0, r = x < W - 1 ? x + 1 : W - 1
        const gx = u8[a + r] + 2 * u8[b + r] + u8[c + r] - u8[a + l] - 2 * u8[b + l] - u8[c + l]
        const gy = u8[c + l] + 2 * u8[c + x] + u8[c + r] - u8[a + l] - 2 * u8[a + x] - u8[a + r]
        out[b + x] = Math.abs(gx) + Math.abs(gy)
      }
    }
  },
}

const out = kernel === 'fir' ? new Int16Array(N) : kernel === 'sobel' ? new Uint8ClampedArray(N) : new Uint8Array(N)
const run = (how === 'handler' ? callers : loops)[kernel], f = handlers[kernel]
for (let i = 0; i < 8; i++) run(f, out) // until it is optimised
const begun = process.cpuUsage()
for (let i = 0; i < frames; i++) run(f, out)
const took = process.cpuUsage(begun)
let sum = 0
for (const b of new Uint8Array(out.buffer)) sum = Math.imul(sum, 31) + b >>> 0
console.log((N * frames / (took.user + took.system)).toFixed(1), sum)
