import { kernel } from 'capo:kernel'
const make = (n) => kernel({ in: 'u8', out: 'u16' }, v => v * n)
export const [m1, m2] = [1, 2].map(make)
