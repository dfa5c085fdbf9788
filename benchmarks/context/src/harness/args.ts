/* The command line of a benchmark. */
import { parseArgs } from 'node:util'

/** What to do. */
export interface Args {
  /** Paths of Node binaries. */
  readonly nodes: readonly string[]
  /** Release lines of Node: '20', '22', '24', '26'. */
  readonly lines: readonly string[]
  readonly rounds: number
  /** Only groups whose name or title contains this; empty: all. */
  readonly only: string
  readonly quick: boolean
  readonly seed: number
  readonly json: string | undefined
  readonly markdown: string | undefined
  readonly check: boolean
  readonly help: boolean
}

/** A mistake on the command line; its message is for the person who made it. */
export class BadArgument extends Error {}

/** How to call it. */
export const usage = `Usage: node dist/main.js [options]

  --line <n>         measure on this release line of Node: 20, 22, 24 or 26; can be repeated
  --node <path>      measure on this binary of Node; can be repeated (default: the one that runs this)
  --only <text>      only the groups whose name or title contains the text
  --rounds <n>       rounds of each case (default 30 or as the README says, with --quick 6)
  --quick            short rounds: a look, not a measurement
  --seed <n>         another order of the rounds (default 1)
  --json <file>      also write everything that was found
  --markdown <file>  also write a page with the tables
  --check            exit with 1 if a target was missed
  --help             this text
`

const lines = ['20', '22', '24', '26']

/** Reads the arguments; `rounds` is the default of a benchmark. Throws BadArgument. */
export function readArgs(argv: readonly string[], rounds = 30): Args {
  const values = parse(argv)
  for (const line of values.line) {
    if (!lines.includes(line))
      throw new BadArgument(`--line must be one of ${lines.join(', ')}; got "${line}".`)
  }
  return {
    nodes: values.node,
    lines: values.line,
    rounds: whole('rounds', values.rounds ?? (values.quick ? '6' : String(rounds)), 2, 1000),
    only: values.only,
    quick: values.quick,
    seed: whole('seed', values.seed, 0, 2 ** 32 - 1),
    json: values.json,
    markdown: values.markdown,
    check: values.check,
    help: values.help,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: argv.filter((arg) => arg !== '--'),
      options: {
        node: { type: 'string', multiple: true, default: [] },
        line: { type: 'string', multiple: true, default: [] },
        only: { type: 'string', default: '' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        json: { type: 'string' },
        markdown: { type: 'string' },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new BadArgument((error as Error).message)
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new BadArgument(`--${name} must be a whole number from ${least} to ${most}; got "${text}".`)
}
