/** R4: a StatsD server that is not there, or no way to it, harms nobody, and costs nothing that was counted. */

import type { Figure, PublishedPromise, Tier, Trial } from '../promise.ts'
import { isAccounted, leftOut, noOutage, outageKinds } from '../outages/outages.ts'
import type { OutageKind } from '../outages/outages.ts'
import type { OutageResult } from '../outages/try-outage.ts'
import { tryOutage } from '../outages/try-outage.ts'

/** How long each trouble lasts, and on which clock. With made time more flushes fit. */
const byTier: Readonly<Record<Tier, { isVirtual: boolean; forMs: number; intervalMs: number }>> = {
  change: { isVirtual: true, forMs: 60_000, intervalMs: 1_000 },
  nightly: { isVirtual: true, forMs: 600_000, intervalMs: 1_000 },
  release: { isVirtual: false, forMs: 600_000, intervalMs: 2_000 },
}
const operationsPerSecond = 50_000
/** Those of the change tier: one of each way in which a packet can come to nothing. */
const amongFew: ReadonlySet<string> = new Set([
  'refused, TCP',
  'reset',
  'black hole',
  'lossy network',
  'slow DNS',
  'EPERM',
])
/** Counters, with lines of some hundred bytes each: what waits without a bound soon is beyond the promised memory. */
const series = 2_000
const promisedFlushes = 2
/** Waited for, so that what comes late can be told from what never comes. */
const mostFlushes = 6
/** In made time troubles run one after the other at full speed, and so many side by side. */
const virtualAtOnce = 3

export const promise: PublishedPromise = {
  id: 'R4',
  says: 'A StatsD server that is dead, deaf, unknown or refused by the system throws nothing, holds nothing up and keeps no memory to speak of; what the socket did not take is sent within two flushes of its return, or counted.',
  tiers: ['change', 'nightly', 'release'],
  needs: ['strace'],
  // Its release tier compares delays.
  alone: true,
  speaksOf: ['packages/metrics/src/sinks/statsd', 'packages/metrics/src/attachment.ts'],
  async run(trial) {
    const all = outageKinds()
    const kinds = trial.pick({
      change: all.filter(({ name }) => amongFew.has(name)),
      nightly: all,
      // In real time there is something to compare with.
      release: [noOutage, ...all],
    })
    for (const kind of trial.tier === 'change' ? [] : leftOut(all)) {
      trial.figure({
        what: `left out: ${kind}`,
        value: 1,
        unit: 'kinds',
      })
    }
    const results = await tryAll(trial, kinds)
    const base = results.find(({ kind }) => kind === noOutage)
    report(
      trial,
      results.filter(({ kind }) => kind !== noOutage),
      base?.delays ?? [],
    )
  },
  plants: [
    {
      bug: 'what a refused packet told is not due again',
      file: 'metrics/dist/sinks/statsd/outbox.js',
      find: 'packet.speakers.forEach((speaker, i) => speaker.unsaid(packet.amounts[i]));',
      replace: '',
    },
    {
      bug: 'packets wait for a name without a bound',
      file: 'metrics/dist/sinks/statsd/outbox.js',
      find: 'Math.max(queued, this.#underwayBytes)',
      replace: 'queued',
    },
    {
      bug: 'a broken connection is never opened again',
      file: 'metrics/dist/sinks/statsd/outbox.js',
      find: 'this.#carrier.renew();',
      replace: '',
    },
    {
      bug: 'packets that failed are not counted',
      file: 'metrics/dist/sinks/statsd/outbox.js',
      find: 'this.#counts.errors++;',
      replace: '',
    },
  ],
}

async function tryAll(trial: Trial, kinds: readonly OutageKind[]): Promise<OutageResult[]> {
  const how = trial.pick(byTier)
  const passed = new Map<OutageKind, number>()
  const options = { ...how, operationsPerSecond, series, flushes: mostFlushes, folder: trial.folder }
  const tryOne = (kind: OutageKind): Promise<OutageResult> =>
    tryOutage(kind, {
      ...options,
      onProgress(passedMs) {
        passed.set(kind, passedMs)
        let all = 0
        for (const one of passed.values()) all += one
        trial.progress(Math.round(all / 1000), (kinds.length * how.forMs) / 1000, 'seconds of trouble')
      },
    })
  const left = [...kinds]
  const results: OutageResult[] = []
  const worker = async (): Promise<void> => {
    for (let kind = left.shift(); kind !== undefined; kind = left.shift()) results.push(await tryOne(kind))
  }
  await Promise.all(Array.from({ length: how.isVirtual ? virtualAtOnce : kinds.length }, worker))
  return results
}

/** The worst of each kind of figure, which names where it was. */
function report(trial: Trial, results: readonly OutageResult[], usual: readonly number[]): void {
  const missed: string[] = []
  const tell = (figure: Omit<Figure, 'value'>, read: (one: OutageResult) => number): void => {
    const values = results.map(read)
    const limit = figure.exactly ?? figure.atMost ?? Number.POSITIVE_INFINITY
    const value = Math.max(...values)
    trial.figure({ ...figure, value })
    for (const [i, { kind }] of results.entries()) {
      if (!(values[i]! <= limit)) missed.push(`${figure.what}: ${kind.name}, ${values[i]} ${figure.unit}`)
    }
  }
  const accounted = (read: (one: OutageResult) => number) => (one: OutageResult) =>
    isAccounted(one.kind) ? read(one) : 0
  trial.figure({
    what: 'kinds of trouble',
    value: results.length,
    unit: 'kinds',
    atLeast: trial.pick({ change: amongFew.size, nightly: 10, release: 10 }),
  })
  trial.figure({
    what: 'operations under each',
    value: Math.min(...results.map(({ operations }) => operations)),
    unit: 'operations',
    // In real time the machine may be too busy for some of them.
    atLeast: trial.pick({ change: 3_000_000, nightly: 30_000_000, release: 29_000_000 }),
  })
  tell({ what: 'errors in the application', unit: 'errors', exactly: 0 }, ({ errors }) => errors.length)
  tell({ what: 'memory kept', unit: 'MiB', atMost: 8 }, ({ keptBytes }) => keptBytes / 2 ** 20)
  tell(
    { what: 'flushes until all that was due has arrived', unit: 'flushes', atMost: promisedFlushes },
    ({ flushesNeeded }) => flushesNeeded,
  )
  tell(
    { what: 'increments lost that the socket did not take', unit: 'increments', exactly: 0 },
    accounted(({ lost }) => lost),
  )
  tell(
    {
      what: 'datagrams that came and were not counted as sent, or the reverse',
      unit: 'datagrams',
      exactly: 0,
    },
    accounted(({ uncounted }) => Math.abs(uncounted)),
  )
  tell(
    { what: 'troubles that the counts of packets do not tell of', unit: 'troubles', exactly: 0 },
    ({ kind, stats }) => (kind.isTold && stats.errors + stats.withheld === 0 ? 1 : 0),
  )
  if (usual.length > 0) {
    const without = median(usual)
    trial.figure({ what: 'delay of the event loop without trouble, p99', value: without, unit: 'ms' })
    tell(
      { what: 'delay of the event loop beyond that, p99', unit: 'ms', atMost: 2 },
      ({ delays }) => median(delays) - without,
    )
    for (const { kind, delays } of results) {
      trial.plot(
        `Delay of the event loop, ${kind.name}`,
        's',
        'p99 of a second, ms',
        delays.map((delay, second) => [second, delay] as const),
      )
    }
  }
  // The figures say how bad the worst was; this says which.
  if (missed.length > 0) throw new Error(missed.join('; '))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
