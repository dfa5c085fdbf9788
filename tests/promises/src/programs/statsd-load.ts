/**
 * A process that counts and sends to a StatsD server in trouble. `LoadOrder` as its argument; says `ready` when its first
 * flush is over, loads at `go`, tells what it saw when that is done, flushes at `lifted` until it is told that all has
 * arrived, and ends.
 */

import type { LookupFunction } from 'node:net'
import { manualClock } from '@kit/context/testing'
import { createMetrics } from '@kit/metrics'
import { statsd } from '@kit/metrics/statsd'
import type { StatsdOptions, StatsdStats } from '@kit/metrics/statsd'
import { WaitedFor } from '../tools/loop-watch.ts'

/** What the process is told. */
export interface LoadOrder {
  readonly protocol: 'udp' | 'tcp' | 'uds'
  readonly port: number
  readonly path: string | undefined
  /** What asking for the server's name comes to while the trouble lasts. Default: no name is asked for. */
  readonly lookup: 'ENOTFOUND' | 'slow' | undefined
  /** Whether time is made, and passes as fast as it can. */
  readonly isVirtual: boolean
  readonly forMs: number
  readonly intervalMs: number
  readonly operationsPerSecond: number
  /** How many counters there are. */
  readonly series: number
  /** Flushes that may be needed afterwards. */
  readonly flushes: number
}

/** Of the time under load. */
export interface LoadReport {
  /** What was counted, since the process began. */
  readonly counted: number
  readonly operations: number
  /** Exceptions and rejections that came out anywhere. */
  readonly errors: readonly string[]
  /** Memory that is kept beyond what there was before, in bytes. */
  readonly keptBytes: number
  /** The 99th percentile of how late timers were in each second, in ms, what other processes had of the machine not counted. */
  readonly delays: readonly number[]
  readonly stats: StatsdStats
}

/** What the process says. */
export type LoadNews =
  | { readonly ready: true }
  | { readonly passedMs: number }
  | { readonly loaded: LoadReport }
  | { readonly flushed: { readonly counted: number; readonly stats: StatsdStats } }
  | { readonly ended: readonly string[] }

/** What it is told later. `arrived`: whether all that was counted has. */
export type LoadWord = 'go' | 'lifted' | 'arrived' | 'missing'

/** Lines of the length that real ones have. */
const filler = 'a-label-of-usual-length-'.repeat(3)
const slowMs = 30_000
/** How often operations are made. */
const tickMs = 5
/** What sockets need of real time for what is sent in made time. */
const settleMs = 3

const order = JSON.parse(process.argv[2]!) as LoadOrder
const { series } = order
const clock = order.isVirtual ? manualClock() : undefined
const errors: string[] = []
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error: unknown) => void errors.push(String(error)))
}

let inTrouble = order.lookup !== undefined
const held: (() => void)[] = []

/** Answers with this machine, or in the way of the trouble. Slow answers come when it is over, if not before. */
const lookup: LookupFunction = (_name, _options, answer) => {
  const answerWell = (): void => answer(null, '127.0.0.1', 4)
  if (!inTrouble) setImmediate(answerWell)
  else if (order.lookup === 'slow') {
    held.push(answerWell)
    if (!order.isVirtual) setTimeout(release, slowMs)
  } else {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
    setImmediate(() => answer(error, '', 4))
  }
}

function release(): void {
  for (const answer of held.splice(0)) answer()
}

const metrics = createMetrics({ filter: { block: ['kit'] } })
const { protocol, port, path, intervalMs } = order
const where: StatsdOptions =
  protocol === 'uds'
    ? { path }
    : { protocol, port, ...(order.lookup === undefined ? {} : { host: 'statsd.test', lookup }) }
const sink = statsd({ ...where, intervalMs, dialect: 'dogstatsd' })
metrics.attach(sink)
const counter = metrics.counter('operations', { labels: ['n'] })
const cells = Array.from({ length: series }, (_, n) => counter.labels({ n: `${filler}${n}` }))
let counted = 0

function count(operations: number): void {
  for (let i = 0; i < operations; i++) {
    try {
      cells[counted % series]!.inc()
      counted += 1
    } catch (error) {
      errors.push(String(error))
    }
  }
}

function tell(news: LoadNews): void {
  process.send?.(news)
}

function nextWord(): Promise<LoadWord> {
  return new Promise((resolve) => {
    process.once('message', (word) => resolve(word as LoadWord))
  })
}

function realPause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** Lets an interval pass, whole, so that one flush begins in it. */
async function passInterval(): Promise<void> {
  if (clock === undefined) return realPause(intervalMs)
  clock.advance(intervalMs)
  // Bursts go on after pauses of their own.
  for (let turn = 0; turn < 20; turn++) {
    clock.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await realPause(settleMs)
}

function memory(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function load(): Promise<readonly number[]> {
  const { forMs, operationsPerSecond } = order
  if (clock !== undefined) {
    for (let passedMs = 0; passedMs < forMs; passedMs += intervalMs) {
      count((operationsPerSecond * intervalMs) / 1000)
      await passInterval()
      tell({ passedMs })
    }
    return []
  }
  const waited = new WaitedFor()
  const delays: number[] = []
  let late: number[] = []
  const sinceMs = performance.now()
  let made = 0
  for (let passedMs = 0; passedMs < forMs;) {
    const waitedMs = waited.readMs()
    const fromMs = performance.now()
    await realPause(tickMs)
    const nowMs = performance.now()
    late.push(Math.max(0, nowMs - fromMs - tickMs - (waited.readMs() - waitedMs)))
    passedMs = nowMs - sinceMs
    const due = Math.floor((Math.min(passedMs, forMs) * operationsPerSecond) / 1000)
    count(due - made)
    made = due
    if (passedMs < (delays.length + 1) * 1000) continue
    delays.push(percentile99(late))
    late = []
    tell({ passedMs })
  }
  waited.close()
  return delays
}

function percentile99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0
}

// Once with all series: what a sink needs for good is there, and the rest is what it keeps for the trouble.
count(series)
await passInterval()
const before = memory()
tell({ ready: true })
await nextWord()
const delays = await load()
const keptBytes = memory() - before
const operations = counted - series
tell({ loaded: { counted, operations, errors, keptBytes, delays, stats: sink.stats() } })
await nextWord()
inTrouble = false
release()
// Something new, by which recovery shows also where all before is lost.
count(series)
for (let flush = 0; flush < order.flushes; flush++) {
  await passInterval()
  tell({ flushed: { counted, stats: sink.stats() } })
  if ((await nextWord()) === 'arrived') break
}
clock?.[Symbol.dispose]()
await metrics.shutdown(1_000)
tell({ ended: errors })
process.disconnect()
