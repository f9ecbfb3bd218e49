// CRC: a checksum of all bytes of a call.
import { kernel } from 'capo:kernel'

// What each byte does to the remainder: eight steps of division by the polynomial, its bits from the lowest up.
const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})

// CRC-32 of Ethernet, zlib and PNG (ISO/IEC 3309, IEEE 802.3).
export const crc32 = kernel({ in: 'u8', state: 'u32', init: 0xffffffff, out: 'u32', emit: 'last' }, (s, byte) => {
  const next = (s >>> 8) ^ TABLE[(s ^ byte) & 255]
  return { state: next, out: ~next }
})

export const golden = [
  { kernel: 'crc32', in: 'testdata/check.bin', out: 'testdata/crc32-check.bin' },
  { kernel: 'crc32', in: 'testdata/sound.bin', out: 'testdata/crc32-sound.bin' },
  { kernel: 'crc32', in: 'testdata/zero.bin', out: 'testdata/crc32-zero.bin' },
]
