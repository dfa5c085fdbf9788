// How much of a value is written. Values come from anywhere, so a line has a bounded size whatever it is
// given: each string, object and level of nesting has a limit, and the line as a whole has a budget.

import { stats } from '../stats.ts'

/** Levels of nesting that are written; what lies deeper is named, not shown. */
export const MAX_DEPTH = 10
/** Members of one object, items of one array. */
export const MAX_MEMBERS = 200
/** UTF-16 units of one string, the message included. */
export const MAX_STRING = 16_384
/** UTF-16 units of one key; longer ones are left out with their value. */
export const MAX_KEY = 1024
/** UTF-16 units of all strings and keys of one line, before escaping. Each member and item counts for eight more. */
export const MAX_LINE = 262_144
const MEMBER_UNITS = 8
/** Causes of one error, and errors of one `AggregateError`. */
export const MAX_CAUSES = 10

let unitsLeft = 0
let depth = 0

/**
 * Runs `fn` with a line's budget. Code of the caller that runs while its values are read (a getter, `toJSON`)
 * may log in turn; such inner lines draw on the budget of the outermost one, which bounds the recursion.
 */
export function withBudget<R>(fn: () => R): R {
  openBudget()
  try {
    return fn()
  } finally {
    closeBudget()
  }
}

/** The first half of `withBudget`, for the hot path. Pair it with `closeBudget` in a `finally`. */
export function openBudget(): void {
  if (depth === 0) {
    unitsLeft = MAX_LINE
  }
  depth += 1
}

/** The second half of `withBudget`. */
export function closeBudget(): void {
  depth -= 1
}

/** How many lines are being built inside one another. */
export function nesting(): number {
  return depth
}

/** Takes a key from the budget; false when it is too long or the line is full. */
export function takeKey(key: string): boolean {
  const units = key.length + MEMBER_UNITS
  if (key.length > MAX_KEY || units > unitsLeft) {
    stats.droppedFields += 1
    return false
  }
  unitsLeft -= units
  return true
}

/** Takes one item of a list from the budget; false when the line is full. */
export function takeItem(): boolean {
  if (unitsLeft < MEMBER_UNITS) return false
  unitsLeft -= MEMBER_UNITS
  return true
}

/** Takes a string of so many units, at most `MAX_STRING`, from the budget; false when the line is full. */
export function takeText(units: number): boolean {
  if (units > unitsLeft) return false
  unitsLeft -= units
  return true
}

/** Takes a string, of which `rest` units are left out already, from the budget and returns as much as may be written. */
export function clip(text: string, rest = 0): string {
  const limit = unitsLeft < MAX_STRING ? unitsLeft : MAX_STRING
  if (rest === 0 && text.length <= limit) {
    unitsLeft -= text.length
    return text
  }
  const shown = text.slice(0, limit)
  unitsLeft -= shown.length
  stats.truncatedValues += 1
  return `${shown}[+${text.length - shown.length + rest} characters]`
}
