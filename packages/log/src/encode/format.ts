// Messages with arguments, as in `log.info('%s took %d ms', name, ms)`. The specifiers are those of pino:
// %s, %d and %f, %i, %j, %o and %O, and %% for a percent sign. Whatever the message has no specifier for is
// handed back, so that it is written as a field and not lost.

import { isError } from './error.ts'
import type { ValueEncoder } from './value.ts'

/** A message and how many of the arguments stand in it. */
export interface Formatted {
  readonly text: string
  readonly used: number
}

/** Puts `args` into `template`. Never throws on account of them. */
export function formatMessage(encoder: ValueEncoder, template: string, args: readonly unknown[]): Formatted {
  let text = ''
  let last = 0
  let used = 0
  for (let at = template.indexOf('%'); at !== -1; at = template.indexOf('%', at)) {
    const specifier = template.charAt(at + 1)
    const percent = specifier === '%'
    const piece = percent ? '%' : used < args.length ? convert(encoder, specifier, args[used]) : undefined
    if (piece === undefined) {
      at += 1
      continue
    }
    if (!percent) used += 1
    text += template.slice(last, at) + piece
    at += 2
    last = at
  }
  return { text: text + template.slice(last), used }
}

/** The text of one argument, `undefined` when there is no such specifier. */
function convert(encoder: ValueEncoder, specifier: string, value: unknown): string | undefined {
  switch (specifier) {
    case 's':
      return plainText(encoder, value)
    case 'd':
    case 'f':
      return numberText(value, (number) => number)
    case 'i':
      return numberText(value, Math.trunc)
    case 'j':
    case 'o':
    case 'O':
      return encoder.encode(value) ?? 'undefined'
    default:
      return undefined
  }
}

function plainText(encoder: ValueEncoder, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null)
    return typeof value === 'function' ? '[function]' : String(value)
  return (isError(value) ? errorText(value) : undefined) ?? encoder.encode(value) ?? 'undefined'
}

function errorText(error: Error): string | undefined {
  try {
    return `${error.name}: ${error.message}`
  } catch {
    return undefined
  }
}

function numberText(value: unknown, round: (number: number) => number): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'object' || typeof value === 'symbol' || typeof value === 'function') return 'NaN'
  return String(round(Number(value)))
}
