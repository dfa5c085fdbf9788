/**
 * The command line: which of the three endings to show, and what is searched for by how many. Whatever is wrong with
 * it is said in one line that names the option and what it takes.
 */

import { parseArgs } from 'node:util'
import { seededRandom, wholeNumber } from './random.ts'
import type { Plan } from './search.ts'

/** How the search ends if nobody finds the number: nobody ends it, an absolute time does, a span of time does. */
export type Variant = 'cancel' | 'deadline' | 'timeout'

/** What the program is to do. */
export interface Args {
  readonly variant: Variant
  /** How long the search may take, in ms; Infinity for `cancel`. */
  readonly limitMs: number
  readonly plan: Plan
  readonly help: boolean
}

/** The arguments cannot be understood. The message is one line for the user. */
export class UsageError extends Error {}

/** How to call it. */
export const usage = `Usage: random [cancel | deadline | timeout] [options]

  cancel             whoever finds the number cancels the rest (the default)
  deadline           the same, until a point in time:   --in <span>     from now (default 5s)
  timeout            the same, for a length of time:    --after <span>  (default 2s)

  --workers <n>      how many search at once (default 10000)
  --range <n>        they draw from 0 to n - 1 (default 100000)
  --draws <n>        how often each draws before it gives up (default 100)
  --find <n>         what they search for (default: a number drawn with the seed)
  --seed <n>         the same seed, the same search (default 1)
  --help             this text

A span is a number with a unit: 500ms, 5s, 2m. Try "cancel --workers 10", and then "timeout --workers 10".
`

const variants: readonly string[] = ['cancel', 'deadline', 'timeout'] satisfies Variant[]
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }
const longestMs = 24 * 60 * 60_000

const options = {
  in: { type: 'string' },
  after: { type: 'string' },
  workers: { type: 'string' },
  range: { type: 'string' },
  draws: { type: 'string' },
  find: { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads the arguments. Throws UsageError. */
export function readArgs(argv: readonly string[]): Args {
  const { variant, values } = understood(argv)
  const limitMs = limitOf(variant, values)
  const seed = whole('seed', values.get('seed') ?? '1', 0, 2 ** 32 - 1)
  const range = whole('range', values.get('range') ?? '100000', 1, 2 ** 32)
  const find = values.get('find')
  const plan: Plan = {
    workers: whole('workers', values.get('workers') ?? '10000', 1, 1_000_000),
    range,
    draws: whole('draws', values.get('draws') ?? '100', 1, 1_000_000_000),
    find:
      find === undefined
        ? wholeNumber(seededRandom(seed), range)
        : whole('find', find, 0, range - 1, 'range'),
    seed,
  }
  return { variant, limitMs, plan, help: values.has('help') }
}

/**
 * The variant and the options as text. The parser is asked for its tokens and judges nothing: what it would say of
 * `--workers -5` is about ambiguity, and not about what workers are.
 */
function understood(argv: readonly string[]): { variant: Variant; values: Map<string, string> } {
  // A script runner may leave the `--` in place that sets off the arguments of the script.
  const args = argv.filter((arg) => arg !== '--')
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string>()
  let variant: string | undefined
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (variant !== undefined)
        throw new UsageError(`one of ${list} is enough; got "${token.value}" as well`)
      if (!variants.includes(token.value)) throw new UsageError(`there is ${list}; got "${token.value}"`)
      variant = token.value
    } else if (token.kind === 'option') {
      const type = Object.hasOwn(options, token.name) ? options[token.name as keyof typeof options].type : ''
      if (type === '') throw new UsageError(`there is no option ${token.rawName}; --help lists them`)
      if (type === 'boolean' && token.value !== undefined)
        throw new UsageError(`${token.rawName} takes no value`)
      // Another option in the place of the value: the value is missing, and what follows is out of step.
      const missing = type === 'string' && !token.inlineValue && token.value?.startsWith('--') === true
      values.set(token.name, missing ? '' : (token.value ?? ''))
      if (missing) break
    }
  }
  return { variant: (variant ?? 'cancel') as Variant, values }
}

const list = 'cancel, deadline or timeout'

function limitOf(variant: Variant, values: ReadonlyMap<string, string>): number {
  for (const [option, owner] of [
    ['in', 'deadline'],
    ['after', 'timeout'],
  ] as const) {
    if (values.has(option) && variant !== owner) {
      throw new UsageError(`--${option} belongs to ${owner}; ${variant} does not take it`)
    }
  }
  if (variant === 'deadline') return span('in', values.get('in') ?? '5s')
  if (variant === 'timeout') return span('after', values.get('after') ?? '2s')
  return Infinity
}

function span(name: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  const ms = Number(digits) * (unitMs[unit] ?? 0)
  if (ms > 0 && ms <= longestMs) return ms
  throw new UsageError(`--${name} takes a span of time such as 500ms, 5s or 2m, up to 24 hours; ${got(text)}`)
}

function whole(name: string, text: string, least: number, most: number, bound?: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  const why = bound === undefined ? '' : ` (--${bound} less 1)`
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}${why}; ${got(text)}`)
}

function got(text: string): string {
  return text === '' ? 'got nothing' : `got "${text}"`
}
