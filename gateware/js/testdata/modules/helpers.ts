export const LIMIT = 3
export function clamp(v: number, lo: number, hi: number): number { return Math.min(hi, Math.max(lo, v)) }
export const sum = (v: number[]) => v.reduce((a, b) => a + b, 0)
