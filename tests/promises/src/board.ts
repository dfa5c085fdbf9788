/**
 * How trials go, for whoever waits: a line for each that has ended, and in a terminal below them one line for each that
 * runs, redrawn in place. Elsewhere those that take long say now and then how far they are.
 */

import type { Progress } from './events.ts'
import { numberText, secondsText } from './figure-text.ts'

/** The part of a stream that is used: `process.stdout` has it. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** How an ended line looks in a terminal. */
export type Tone = 'good' | 'bad' | 'quiet'

export interface EndedLine {
  readonly tone: Tone
  /** `kept`, in the first column. */
  readonly word: string
  readonly name: string
  readonly seconds?: number
  readonly text: string
  /** Shown in full below the line. */
  readonly details?: readonly string[]
}

const redrawMs = 100
const plainProgressMs = 30_000
const colors: Readonly<Record<Tone, string>> = { good: '\u001B[32m', bad: '\u001B[31m', quiet: '\u001B[33m' }
const reset = '\u001B[0m'
const barCells = 16

interface Live {
  readonly text: string
  readonly since: number
  progress?: Progress
  said: number
}

export class Board {
  readonly #screen: Screen
  readonly #isColored: boolean
  readonly #live = new Map<string, Live>()
  readonly #total: number
  #ended = 0
  #drawn = 0
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param total how many lines will end. */
  constructor(screen: Screen, total: number, env: NodeJS.ProcessEnv = process.env) {
    this.#screen = screen
    this.#total = total
    this.#isColored = screen.isTTY === true && (env['NO_COLOR'] ?? '') === ''
    if (screen.isTTY === true) this.#timer = setInterval(() => this.#redraw(), redrawMs).unref()
  }

  start(name: string, text: string): void {
    const now = performance.now()
    this.#live.set(name, { text, since: now, said: now })
    this.#redraw()
  }

  progress(name: string, progress: Progress): void {
    const live = this.#live.get(name)
    if (live === undefined) return
    live.progress = progress
    const now = performance.now()
    if (this.#screen.isTTY === true || now - live.said < plainProgressMs) return
    live.said = now
    this.#screen.write(`running  ${this.#liveLine(name, live, now)}\n`)
  }

  end({ tone, word, name, seconds, text, details = [] }: EndedLine): void {
    this.#live.delete(name)
    this.#ended += 1
    this.#erase()
    const time = (seconds === undefined ? '' : secondsText(seconds)).padStart(7)
    const head = this.#isColored ? `${colors[tone]}${word.padEnd(8)}${reset}` : word.padEnd(8)
    this.#screen.write(`${head} ${this.#fit(`${name.padEnd(5)} ${time}  ${text}`, 9)}\n`)
    for (const line of details.flatMap((one) => one.split('\n'))) {
      this.#screen.write(`         ${inert(line)}\n`)
    }
    this.#redraw()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#erase()
  }

  #redraw(): void {
    if (this.#screen.isTTY !== true) return
    this.#erase()
    const now = performance.now()
    const lines = [...this.#live].map(([name, live]) => `         ${this.#liveLine(name, live, now)}`)
    lines.push(`         ${this.#ended} of ${this.#total}`)
    this.#screen.write(lines.map((line) => `${this.#fit(line, 0)}\n`).join(''))
    this.#drawn = lines.length
  }

  #liveLine(name: string, { text, since, progress }: Live, now: number): string {
    const time = secondsText((now - since) / 1_000).padStart(7)
    if (progress === undefined) return `${name.padEnd(5)} ${time}  ${text}`
    const { done, total, unit } = progress
    const part = total > 0 ? Math.min(1, done / total) : 0
    const filled = Math.round(part * barCells)
    const bar = '█'.repeat(filled) + '░'.repeat(barCells - filled)
    return `${name.padEnd(5)} ${time}  ${bar} ${numberText(done)} of ${numberText(total)} ${unit}`
  }

  /** Takes what is redrawn off the screen. */
  #erase(): void {
    if (this.#drawn > 0) this.#screen.write(`\u001B[${this.#drawn}A\u001B[J`)
    this.#drawn = 0
  }

  /** Cut to the width of the terminal: a line that wraps cannot be redrawn. */
  #fit(line: string, before: number): string {
    const width = (this.#screen.columns ?? 0) - before
    return this.#screen.isTTY !== true || width <= 0 || line.length <= width
      ? line
      : `${line.slice(0, width - 1)}…`
  }
}

/** What a trial says may quote what it was attacked with: nothing of that is to reach a terminal as a command. */
function inert(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, '\uFFFD')
}
