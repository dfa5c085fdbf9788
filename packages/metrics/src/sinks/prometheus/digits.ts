/**
 * Whole numbers as ASCII, two digits at a time: most numbers on a page are counts of few digits.
 */

const zero = 48

/** The two digits of each number below 100, as they stand in memory one behind the other. */
const pairs: Uint16Array = Uint16Array.from({ length: 100 }, (_, i) => {
  const tens = Math.floor(i / 10)
  return ((zero + i - 10 * tens) << 8) | (zero + tens)
})

/** More digits than any number has that {@link writeDigits} takes. */
export const mostDigits = 16

/** Larger numbers are written in two parts, of which the second has eight digits. */
const split = 1e8

/** Whether {@link writeDigits} takes a number. */
export function isWhole(value: number): boolean {
  return (
    value >= 0 && ((value | 0) === value || (value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value))
  )
}

/** Writes an integer from 0 to 2 ** 53 at `at`; returns where it ends. */
export function writeDigits(view: DataView, at: number, value: number): number {
  if ((value | 0) === value) return writeSmall(view, at, value | 0)
  // The quotient has less than 27 bits before the point, so that rounding never takes it to the next integer.
  const upper = Math.floor(value / split)
  let rest = (value - upper * split) | 0
  const end = writeSmall(view, at, upper | 0) + 8
  for (let behind = end; behind > end - 8; behind -= 2) {
    const hundredth = (rest / 100) | 0
    view.setUint16(behind - 2, pairs[rest - 100 * hundredth]!, true)
    rest = hundredth
  }
  return end
}

function writeSmall(view: DataView, at: number, value: number): number {
  if (value < 10) {
    view.setUint8(at, zero + value)
    return at + 1
  }
  const end = at + countDigits(value)
  let behind = end
  let rest = value
  while (rest >= 100) {
    const hundredth = (rest / 100) | 0
    behind -= 2
    view.setUint16(behind, pairs[rest - 100 * hundredth]!, true)
    rest = hundredth
  }
  if (rest < 10) view.setUint8(behind - 1, zero + rest)
  else view.setUint16(behind - 2, pairs[rest]!, true)
  return end
}

function countDigits(value: number): number {
  if (value < 1e5) return value < 100 ? 2 : value < 1000 ? 3 : value < 1e4 ? 4 : 5
  if (value < 1e7) return value < 1e6 ? 6 : 7
  return value < 1e8 ? 8 : value < 1e9 ? 9 : 10
}
