/**
 * Random identifiers in hexadecimal. They are cut from a pool, because a system call and an encoding for each would cost
 * more than all else that is done for a request's identity.
 */

import { randomFillSync } from 'node:crypto'

const pool: Buffer = Buffer.allocUnsafe(8192)
let filled: number = pool.length

/** Bytes that become one string. A piece of a string keeps all of it in memory: who keeps an identifier keeps a kilobyte. */
const chunk = 512
let digits = ''
let used = 0

/** `bytes` random bytes (at most 512) as lower-case hexadecimal, never all zero. */
export function randomHex(bytes: number): string {
  const length = bytes * 2
  if (used + length > digits.length) moreDigits()
  const hex = digits.slice(used, used + length)
  used += length
  return hex.startsWith('00000000') && /^0+$/.test(hex) ? randomHex(bytes) : hex
}

function moreDigits(): void {
  if (filled === pool.length) {
    randomFillSync(pool)
    filled = 0
  }
  digits = pool.toString('hex', filled, filled + chunk)
  filled += chunk
  used = 0
}
