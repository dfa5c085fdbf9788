/**
 * A service whose wall clock jumps and stands still, as libfaketime makes it by a file: `node clock-faults.js <file> <ms>`.
 * Tells as JSON what its deadlines, times to live and durations were, measured with a clock that is not faked.
 */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { renameSync, writeFileSync, writeSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { background } from '@kit/context'
import { kit } from '@kit/express'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { statsd } from '@kit/metrics/statsd'
import { withMetrics } from '@kit/observe'
import express from 'express'

/** What the service saw. Times in ms. */
export interface ClockFaults {
  /** How often the wall clock went back, and how often it went on by more than it should. */
  readonly jumps: number
  /** How much earlier, or later, than asked for something ended. */
  readonly early: number
  readonly late: number
  /** How many ends were awaited. */
  readonly ends: number
  /** The least mean of durations, and by how much their sums exceed what passed: negative if they do not. */
  readonly shortest: number
  readonly excess: number
  readonly statsdLines: number
  readonly statsdTimes: number
}

const [file = '', forMs = ''] = process.argv.slice(2)
const until = performance.now() + Number(forMs)
const ttlMs = 300
const graceMs = 2_000

const metrics = createMetrics()
const log = createLogger({ destination: { write: () => true } })
let early = 0
let late = 0
let ends = 0

/** Something that was to end after `ttlMs` has. */
function ended(sinceMs: number): void {
  const took = performance.now() - sinceMs
  ends += 1
  early = Math.max(early, ttlMs - took)
  late = Math.max(late, took - ttlMs)
}

/** Faults in turn: an hour forth, an hour back, a clock that stands still, and the right time. */
async function disturb(): Promise<number> {
  const faults = ['+1h', '-1h', '2026-01-01 00:00:00', '+0']
  let jumps = 0
  for (let i = 0; performance.now() < until; i++) {
    const before = Date.now()
    // Never half a line.
    writeFileSync(`${file}.next`, `${faults[i % faults.length]}\n`)
    renameSync(`${file}.next`, file)
    if (Math.abs(Date.now() - before) > 60_000) jumps += 1
    await sleep(37)
  }
  return jumps
}

async function deadlines(): Promise<void> {
  while (performance.now() < until) {
    const since = performance.now()
    using ctx = background.withTimeout(ttlMs)
    await new Promise<void>((resolve) => {
      ctx.afterFunc(() => resolve())
    })
    ended(since)
  }
}

async function levels(): Promise<void> {
  while (performance.now() < until) {
    const since = performance.now()
    log.levels.set('', 'debug', { ttlMs })
    await new Promise<void>((resolve) => {
      const off = log.levels.onChange(() => {
        off()
        resolve()
      })
    })
    ended(since)
  }
}

/** A series goes at the first look after its time: looked at all the time, that is soon after. */
async function series(): Promise<void> {
  const counter = metrics.counter('mortal', { labels: ['at'], ttlMs })
  for (let i = 0; performance.now() < until; i++) {
    counter.inc({ at: String(i) })
    const since = performance.now()
    while (metrics.snapshot().metrics.find(({ name }) => name === 'mortal')?.series.length !== 0) {
      await sleep(5)
    }
    ended(since)
  }
}

/** Requests that nobody answers end with their deadline. */
async function requests(): Promise<void> {
  const app = express()
  app.use(kit({ metrics, log, timeoutMs: ttlMs }))
  app.get('/never', () => {})
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/never`
  while (performance.now() < until) {
    const since = performance.now()
    const { status } = await fetch(url)
    if (status !== 503) throw new Error(`answered with ${status}`)
    ended(since)
  }
  server.closeAllConnections()
  server.close()
}

/** One after the other, as the requests are: together they take no longer than what passes. */
async function calls(): Promise<void> {
  const call = withMetrics('call', () => sleep(20), { metrics })
  while (performance.now() < until) await call()
}

const agent = createSocket('udp4')
let statsdLines = 0
let statsdTimes = 0
agent.on('message', (packet) => {
  const lines = packet.toString().split('\n')
  statsdLines += lines.length
  statsdTimes += lines.filter((line) => /\|T\d/.test(line)).length
})
agent.bind(0, '127.0.0.1')
await once(agent, 'listening')
metrics.attach(statsd({ port: agent.address().port, dialect: 'dogstatsd', intervalMs: 100 }))

const began = performance.now()
const watched = Promise.all([calls(), deadlines(), levels(), series(), requests()])
const jumps = await disturb()
// What has not ended by then is as late as a jump.
const isOver = await Promise.race([watched.then(() => true), sleep(graceMs, false)])
if (!isOver) late = 3_600_000
const passed = performance.now() - began
const sums = metrics
  .snapshot()
  .metrics.flatMap(({ series: all }) =>
    all.flatMap((one) => ('sum' in one ? [{ count: one.count, ms: one.sum * 1_000 }] : [])),
  )
const found: ClockFaults = {
  jumps,
  early,
  late,
  ends,
  shortest: Math.min(...sums.map(({ ms, count }) => ms / count)),
  excess: Math.max(...sums.map(({ ms }) => ms - passed)),
  statsdLines,
  statsdTimes,
}
writeSync(1, JSON.stringify(found))
process.exit()
