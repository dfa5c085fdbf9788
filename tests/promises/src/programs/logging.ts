/**
 * A process that logs to a destination in trouble, with a heart that beats meanwhile. `{ destination, isAsync, report }`
 * as its argument; says 'ready', logs at 'go' and tells what it saw, logs on at 'resume', and leaves at 'exit' with its
 * report in a file.
 */

import { writeFileSync } from 'node:fs'
import { createLogger, logStats } from '@kit/log'
import { WaitedFor } from '../tools/loop-watch.ts'

/** What the process is told. */
export interface LoggingOrder {
  /** A path, or the number of a descriptor. */
  readonly destination: string | number
  readonly isAsync: boolean
  /** Where to write the report at the end. */
  readonly report: string
  readonly forMs: number
}

/** What it tells. */
export interface LoggingReport {
  readonly logged: number
  /** As the kit counted them. */
  readonly dropped: number
  readonly thrown: number
  /** The longest that its heart stood still, what other processes had of the machine not counted. */
  readonly gapMs: number
}

/** Few at first, so that what is cut is cut anywhere; then more than may wait. */
const linesATick = (tick: number): number => (tick < 50 ? 20 : 200)
const beatMs = 1

const { destination, isAsync, report, forMs } = JSON.parse(process.argv[2]!) as LoggingOrder
const log = createLogger({ format: 'json', destination, async: isAsync })
const waited = new WaitedFor()
const pad = 'x'.repeat(150)
let logged = 0
let thrown = 0
let gapMs = 0

function line(message: string): void {
  logged++
  try {
    log.info({ n: logged, pad }, message)
  } catch {
    thrown++
  }
}

function tell(): LoggingReport {
  return { logged, dropped: logStats().droppedLines, thrown, gapMs }
}

function beat(): void {
  let last = performance.now()
  let waitedMs = waited.readMs()
  setInterval(() => {
    const now = performance.now()
    const waitedNowMs = waited.readMs()
    gapMs = Math.max(gapMs, now - last - beatMs - (waitedNowMs - waitedMs))
    last = now
    waitedMs = waitedNowMs
  }, beatMs)
}

function load(): void {
  const startMs = performance.now()
  let ticks = 0
  const timer = setInterval(() => {
    for (let i = linesATick(ticks++); i > 0; i--) line('line')
    if (performance.now() - startMs < forMs) return
    clearInterval(timer)
    process.send?.(tell())
  }, beatMs)
}

process.on('message', (word) => {
  if (word === 'go') {
    beat()
    load()
  } else if (word === 'resume') setInterval(() => line('after'), 10)
  else process.exit(0)
})
process.on('exit', () => writeFileSync(report, JSON.stringify(tell())))
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => thrown++)
line('first')
await log.flush(100)
process.send?.('ready')
