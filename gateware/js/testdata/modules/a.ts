import { kernel } from 'capo:kernel'
import type { Job } from '@capo/types'
import table from './table.json'
import { clamp, LIMIT } from './helpers'
import fix from './lib/fix.cjs'
import * as H from './helpers'
enum Mode { Fast = 1, Slow = 4 }
const enum C { X = 7 }
namespace N { export const k = 3; export function twice(v: number) { return v * 2 } }
const obj = { scale(v: number) { return v * 3 }, arrow: (v: number) => v + 1, fn: function (v: number) { return v - 1 } }
export const one = kernel({ in: 'u8', out: 'i32' } as const, (x: number) => clamp(x * LIMIT, 0, table.max) + table.list[x & 3] + Mode.Slow + C.X + N.k + N.twice(x) + H.sum([x, 1]) + obj.arrow(x) + obj.fn(x))
export const two = kernel({ in: 'u8', out: 'i32' }, x => fix.mul(x, 3))
export const three = kernel({ in: 'u8', out: 'i32' }, x => obj.scale(x))
export default kernel({ in: 'u8', out: 'u8' }, x => x satisfies number)
export { one as uno }
export * from './more'
