/**
 * Where the program shows itself. In a terminal it has colours and a line that follows the search; in a pipe or a file
 * it has neither.
 */

import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { Context } from '@kit/context'
import { clock } from '@kit/context'
import type { Report } from './report.ts'
import { number, seconds } from './report.ts'
import type { Tally } from './search.ts'

const intervalMs = 100

/** Says what is about to happen. */
export function announce([first, ...others]: readonly string[]): void {
  const lines = [first ?? '', ...others.map((line) => paint(process.stdout, 'dim', line))]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** Says what it came to: on standard output what was asked for, on standard error what was not. */
export function tell({ exitCode, headline, details }: Report): void {
  const stream = exitCode === 0 ? process.stdout : process.stderr
  const colour = exitCode === 0 ? 'green' : exitCode > 128 ? 'yellow' : 'red'
  const lines = [paint(stream, colour, headline), ...details.map((line) => `  ${line}`)]
  stream.write(`\n${lines.join('\n')}\n`)
}

/**
 * Follows the search on one line of the terminal. Returns what takes the line away again. The timer does not keep
 * the process alive: a display must not hide that nothing else is going on.
 */
export function follow(ctx: Context, tally: Readonly<Tally>): () => void {
  const { stdout } = process
  if (!stdout.isTTY) return () => {}
  const show = (): void => {
    const searching = tally.started - tally.asleep
    const left = ctx.remaining === Infinity ? '' : ` · ${seconds(ctx.remaining)} left`
    const line = `${number(searching)} searching · ${number(tally.asleep)} asleep · ${number(tally.draws)} draws${left}`
    stdout.write(`\r${paint(stdout, 'dim', line)}\u001b[K`)
    timer = clock.setTimer(intervalMs, show)
  }
  let timer = clock.setTimer(intervalMs, show)
  return () => {
    timer.cancel()
    stdout.write('\r\u001b[K')
  }
}

function paint(stream: NodeJS.WriteStream, style: Parameters<typeof styleText>[0], text: string): string {
  // A stream that is no terminal does not know of colours. The stream is asked here, and not again by styleText.
  const coloured = (stream as Partial<WriteStream>).hasColors?.() === true
  return coloured ? styleText(style, text, { validateStream: false }) : text
}
