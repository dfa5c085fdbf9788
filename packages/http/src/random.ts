/** Random identifiers in hexadecimal, drawn from a pool because one system call an identifier costs too much. */

import { randomFillSync } from 'node:crypto'

const pool: Buffer = Buffer.allocUnsafe(4096)
let used: number = pool.length

/** `bytes` random bytes (at most 4,096) as lower-case hexadecimal, never all zero. */
export function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const hex = pool.toString('hex', used, used + bytes)
  used += bytes
  return /^0+$/.test(hex) ? randomHex(bytes) : hex
}
