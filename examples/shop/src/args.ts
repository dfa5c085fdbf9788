/** The command line of the demo. */

import { parseArgs } from 'node:util'

/** What the demo is to do. */
export interface Args {
  /** Infinity: until Ctrl-C. */
  readonly durationMs: number
  /** Requests a second at noon. */
  readonly rate: number
  readonly seed: number
  readonly port: number
  readonly adminPort: number
  readonly help: boolean
}

/** How to call it. */
export const usage = `Usage: pnpm demo [options]

  --duration <s>     run for so many seconds, print the report and end
                     (default: until Ctrl-C in a terminal, else 15)
  --rate <n>         requests a second at noon (default 120)
  --seed <n>         another day (default 1)
  --port <n>         the gateway's port; the inventory takes the next one (default 3000)
  --admin-port <n>   the gateway's admin port; the inventory takes the next one (default 9464)
`

/** Reads the arguments; throws an Error whose message says what is wrong with them. */
export function readArgs(argv: readonly string[], terminal: boolean): Args {
  const { values } = parseArgs({
    args: argv.filter((arg) => arg !== '--'),
    options: {
      duration: { type: 'string' },
      rate: { type: 'string', default: '120' },
      seed: { type: 'string', default: '1' },
      port: { type: 'string', default: '3000' },
      'admin-port': { type: 'string', default: '9464' },
      help: { type: 'boolean', default: false },
    },
  })
  const duration = values.duration ?? (terminal ? undefined : '15')
  return {
    durationMs: duration === undefined ? Infinity : number('duration', duration, 2, 86_400) * 1000,
    rate: number('rate', values.rate, 1, 5000),
    seed: number('seed', values.seed, 0, 2 ** 32 - 1),
    port: number('port', values.port, 1, 65_534),
    adminPort: number('admin-port', values['admin-port'], 1, 65_534),
    help: values.help,
  }
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new Error(`--${name} must be a number from ${least} to ${most}; got "${text}".`)
}
