// The arguments of a log call: which is the object, which the message, and what becomes of those that are left.

import { isError } from './encode/error.ts'
import { MAX_MEMBERS } from './encode/limits.ts'

/** The arguments by their roles. */
export interface SortedArguments {
  readonly subject: object | undefined
  readonly template: string | undefined
  readonly rest: readonly unknown[]
}

/** No arguments. */
export const NONE: readonly unknown[] = []

/** Which argument is the object, which the message, and which are left. */
export function sortArguments(args: readonly unknown[]): SortedArguments {
  const [first] = args
  const subject = typeof first === 'object' && first !== null ? first : undefined
  let at = subject !== undefined || (args.length > 1 && (first === undefined || first === null)) ? 1 : 0
  let template: string | undefined
  if (at < args.length) {
    const candidate = args[at]
    if (typeof candidate === 'string') template = candidate
    else if (isOtherPrimitive(candidate)) template = String(candidate)
    if (template !== undefined || candidate === undefined || candidate === null) at += 1
  }
  return { subject, template, rest: at < args.length ? args.slice(at) : NONE }
}

function isOtherPrimitive(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'object' && typeof value !== 'function'
}

/** Arguments that the message has no place for, under names that the call's own fields do not use. */
export function extraFields(fields: object | undefined, extras: readonly unknown[]): object {
  const named: Record<string, unknown> = {}
  const others = [...extras]
  const error = others.findIndex(isError)
  if (error !== -1) named[freeName(fields, 'err')] = others.splice(error, 1)[0]
  if (others.length > 0) named[freeName(fields, 'args')] = others
  return named
}

/** Of more fields than a line writes the rest does not count: a proxy may say of every name that it has it. */
function freeName(fields: object | undefined, name: string): string {
  if (fields === undefined) return name
  let free = name
  for (let taken = 0; taken < MAX_MEMBERS && hasOwnSafely(fields, free); taken += 1) free += '+'
  return free
}

/** The message of the error among the fields, for a call that has no other. */
export function errorMessage(fields: object): string | undefined {
  try {
    const { err } = fields as { err?: unknown }
    if (!isError(err)) return undefined
    const message: unknown = err.message
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

/** Whether an object, hostile or not, has a property of its own. */
export function hasOwnSafely(fields: object, name: string): boolean {
  try {
    return Object.hasOwn(fields, name)
  } catch {
    return false
  }
}
