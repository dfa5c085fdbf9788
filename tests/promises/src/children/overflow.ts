/**
 * Overflows the stack inside everything of kit that calls a user's function, and tells as JSON what came of it:
 * `node overflow.js <times>`. A process of its own, because an overflow that cannot be caught ends it.
 */

import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { background, current, run } from '@kit/context'
import { kit } from '@kit/express'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { observe, withLog, withMetrics } from '@kit/observe'
import express from 'express'

/** What came of the overflows of one process. */
export interface Overflows {
  /** How often a stack was overflowed. */
  tried: number
  /** How often the caller got something else than the RangeError. */
  notCaught: number
  /** How often another context than before was ambient afterwards. */
  ambientLeft: number
  /** Calls that began and were not counted when all was over. */
  callsLost: number
  /** Calls that are counted as under way when none is. */
  callsUnderWay: number
  /** Requests that were not answered as they should: 500 for those that overflow, 200 for those after them. */
  badAnswers: number
}

const found: Overflows = {
  tried: 0,
  notCaught: 0,
  ambientLeft: 0,
  callsLost: 0,
  callsUnderWay: 0,
  badAnswers: 0,
}

const metrics = createMetrics()
const log = createLogger({ destination: { write: () => true } })
const labelled = metrics.counter('dives', { labels: ['depth'] })

/** How many calls got as far as the wrapped function itself. */
let begun = 0

/** Each overflows the stack at another place, and leaves by a throw or by a rejection. */
const dives: Readonly<Record<string, () => unknown>> = {
  run: function plain(): unknown {
    return plain()
  },
  'run in run': function nested(): unknown {
    return run(current(), nested)
  },
  'derived contexts': function derived(): unknown {
    const ctx = current().withCancel()
    try {
      return run(ctx, derived)
    } finally {
      ctx.cancel()
    }
  },
  promises: async function later(): Promise<unknown> {
    return await later()
  },
  counters: function counted(): unknown {
    labelled.inc({ depth: String(begun) })
    return counted()
  },
  lines: function logged(): unknown {
    log.info('down', { at: begun })
    return logged()
  },
  withMetrics: withMetrics(
    'metered',
    (): unknown => {
      begun += 1
      return dives['withMetrics']?.()
    },
    { metrics },
  ),
  'withMetrics, asynchronous': withMetrics(
    'later',
    async (): Promise<unknown> => {
      begun += 1
      return await dives['withMetrics, asynchronous']?.()
    },
    { metrics },
  ),
  withLog: withLog('logged', (): unknown => dives['withLog']?.(), { log }),
  observe: observe(
    'observed',
    (): unknown => {
      begun += 1
      return dives['observe']?.()
    },
    { metrics, log },
  ),
  'observe, with a deadline': observe(
    'bounded',
    async (): Promise<unknown> => {
      begun += 1
      return await dives['observe, with a deadline']?.()
    },
    { metrics, log: false, timeoutMs: 60_000 },
  ),
}

/** Calls `dive` from `frames` frames further down, so that the stack ends at another place each time. */
function from(frames: number, dive: () => unknown): unknown {
  return frames === 0 ? dive() : from(frames - 1, dive)
}

async function overflow(dive: () => unknown, frames: number): Promise<void> {
  const ctx = background.withCancel()
  found.tried += 1
  try {
    await run(ctx, () => from(frames, dive))
    found.notCaught += 1
  } catch (error) {
    if (!(error instanceof RangeError)) found.notCaught += 1
  }
  if (current() !== background) found.ambientLeft += 1
  ctx.cancel()
}

/** One good call of each settles what the full stack left owed; then the books must be right. */
function balance(): void {
  for (const name of ['metered', 'later', 'observed', 'bounded'])
    withMetrics(name, () => undefined, { metrics })()
  const { metrics: all } = metrics.snapshot()
  const total = (name: string): number =>
    (all.find((metric) => metric.name === name)?.series ?? []).reduce(
      (sum, series) => sum + ('value' in series ? series.value : Number.NaN),
      0,
    )
  found.callsUnderWay = total('function.active')
  found.callsLost = Math.max(0, begun - total('function.calls'))
}

async function requests(times: number): Promise<void> {
  const app = express()
  app.use(kit({ metrics, log }))
  app.get('/deep', () => dives['run']?.())
  app.get('/flat', (_req, res) => {
    res.end()
  })
  // Express writes what failed to the standard error.
  app.set('env', 'test')
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (let i = 0; i < times; i++) {
    found.tried += 1
    const deep = await fetch(`${url}/deep`)
    const flat = await fetch(`${url}/flat`)
    if (deep.status !== 500 || flat.status !== 200) found.badAnswers += 1
  }
  server.closeAllConnections()
  server.close()
}

const times = Number(process.argv[2])
for (const dive of Object.values(dives)) {
  for (let frames = 0; frames < times; frames++) await overflow(dive, frames)
}
await requests(5)
// Tracers have such a hook; with one, Node calls back whenever a promise is made, on the same full stack.
const hook = createHook({ init: () => {} }).enable()
for (let frames = 0; frames < times; frames++) await overflow(dives['promises'] as () => unknown, frames)
hook.disable()
balance()
writeSync(1, JSON.stringify(found))
// A timer that was set on a full stack may have missed that it is not to keep the process.
process.exit()
