import { manualClock, type ManualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics } from '../../index.ts'
import { FakeClient, logical, type Outcome } from './fake-client.ts'
import { statsd, type StatsdDialect } from './index.ts'

const runs = 60 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1)
const dialects: StatsdDialect[] = ['statsd', 'dogstatsd', 'telegraf', 'graphite-tags']
const instruments = {
  'p.hits': ['a', 'b'],
  'p.brief': ['id'],
  'p.pods': ['pod'],
  'p.size': ['a'],
  'p.level': ['a'],
}

let time: ManualClock

beforeEach(() => {
  time = manualClock()
})

afterEach(() => {
  time[Symbol.dispose]()
})

/** Lets time pass and turns go by until the promise is settled. */
async function drive(promise: Promise<unknown>): Promise<void> {
  const state = { settled: false }
  void promise.then(() => (state.settled = true))
  for (let turn = 0; !state.settled && turn < 10_000; turn++) {
    time.advance(1)
    await new Promise(setImmediate)
  }
  await promise
}

/** For what nobody waits for: a shutdown of 0 ms goes on behind the scenes. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    time.advance(100)
    await new Promise(setImmediate)
  }
}

const label = fc.oneof(
  fc.constantFrom('', '_', 'a', 'a|b', 'a_x7c_b', 'a.b', 'a:1|c\nb', '#', ',x=1', ';x=1', '\u010a'),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const index = fc.nat({ max: 4 })
const step = fc.oneof(
  fc.record({ do: fc.constant('inc' as const), at: index, amount: fc.nat({ max: 1000 }) }),
  fc.record({ do: fc.constant('brief' as const), at: index, amount: fc.nat({ max: 1000 }) }),
  fc.record({ do: fc.constant('observe' as const), at: index, amount: fc.nat({ max: 1000 }) }),
  fc.record({ do: fc.constant('set' as const), at: index, amount: fc.integer({ min: -1000, max: 1000 }) }),
  fc.record({ do: fc.constant('pods' as const), at: index, amount: fc.nat({ max: 1000 }) }),
  fc.record({ do: fc.constant('wait' as const), at: index, amount: fc.nat({ max: 30_000 }) }),
  fc.record({ do: fc.constant('flush' as const), at: index, amount: fc.constantFrom(0, 5000) }),
  fc.record({ do: fc.constant('release' as const), at: index, amount: fc.constant(0) }),
  fc.record({ do: fc.constant('queue' as const), at: index, amount: fc.constantFrom(0, 2000) }),
)
const outcomes = fc.array(
  fc.constantFrom<Outcome>(
    'taken',
    'refused',
    'thrown',
    'taken-later',
    'refused-later',
    'taken-when-told',
    'taken-then-refused',
    'refused-twice',
  ),
  { minLength: 1, maxLength: 12 },
)
const program = fc.record({
  labels: fc.array(label, { minLength: 5, maxLength: 5 }),
  steps: fc.array(step, { maxLength: 40 }),
  outcomes,
  maxPacketBytes: fc.integer({ min: 200, max: 1432 }),
  endMs: fc.constantFrom(0, 5000),
})

describe.each(dialects)('in %s', (dialect) => {
  it('what arrives is what was recorded, through outages, expiry and shutdown', async () => {
    await fc.assert(
      fc.asyncProperty(program, async ({ labels, steps, outcomes: fates, maxPacketBytes, endMs }) => {
        const client = new FakeClient(dialect)
        const metrics = createMetrics()
        let fate = 0
        client.outcome = () => fates.at(fate++ % fates.length)!
        metrics.attach(statsd({ client, dialect, maxPacketBytes, maxQueueBytes: 1000, samples: 4 }))
        const hits = metrics.counter('p.hits', { labels: ['a', 'b'] })
        const brief = metrics.counter('p.brief', { labels: ['id'], ttlMs: 12_000 })
        const size = metrics.histogram('p.size', { labels: ['a'] })
        const level = metrics.gauge('p.level', { labels: ['a'] })
        const counted = new Map<string, number>()
        const observed = new Map<string, number>()
        const levels = new Map<string, number>()
        const pods = new Map<string, number>()
        let running = labels
        metrics.observable('p.pods', { kind: 'counter', labels: ['pod'] }, () =>
          [...new Set(running)].map((pod) => {
            if ((pods.get(pod) ?? 0) > 0) counted.set(JSON.stringify(['p.pods', pod]), pods.get(pod)!)
            return [{ pod }, pods.get(pod) ?? 0] as const
          }),
        )
        const add = (map: Map<string, number>, key: readonly string[], amount: number): void => {
          if (amount > 0) map.set(JSON.stringify(key), (map.get(JSON.stringify(key)) ?? 0) + amount)
        }
        for (const { do: action, at, amount } of steps) {
          const one = labels.at(at)!
          const other = labels.at((at + 1) % 5)!
          if (action === 'inc') {
            hits.inc({ a: one, b: other }, amount)
            add(counted, ['p.hits', one, other], amount)
          } else if (action === 'brief') {
            brief.inc({ id: one }, amount)
            add(counted, ['p.brief', one], amount)
          } else if (action === 'observe') {
            size.observe({ a: one }, amount)
            add(observed, ['p.size', one], 1)
          } else if (action === 'set') {
            level.set({ a: one }, amount)
            levels.set(JSON.stringify(['p.level', one]), amount)
          } else if (action === 'pods') {
            pods.set(one, (pods.get(one) ?? 0) + amount)
            running = labels.slice(at)
          } else if (action === 'wait') time.advance(amount)
          else if (action === 'flush') {
            void metrics.flush(amount)
            await Promise.resolve()
          } else if (action === 'release') client.release()
          else client.queuedBytes = amount
        }
        client.outcome = () => 'taken'
        client.queuedBytes = 0
        client.release()
        await drive(metrics.shutdown(endMs))
        await turns()
        const { server } = client
        const own = (map: Map<string, number>): Map<string, number> =>
          new Map(
            [...map]
              .map(
                ([key, value]) =>
                  [
                    logical(dialect, key, {
                      ...instruments,
                      'kit.metrics.dropped': ['reason'],
                      'kit.metrics.sink.errors': ['sink', 'operation'],
                    }),
                    value,
                  ] as const,
              )
              .filter(([key]) => key.startsWith('["p.')),
          )
        expect(own(server.counters)).toEqual(counted)
        expect(own(server.gauges)).toEqual(levels)
        expect(own(new Map([...server.samples].map(([key, { count }]) => [key, count])))).toEqual(observed)
        expect(Math.max(...server.packets.map((packet) => Buffer.byteLength(packet)))).toBeLessThanOrEqual(
          maxPacketBytes,
        )
        expect(time.pendingTimers).toBe(0)
        expect(client.closed).toBe(false)
      }),
      { numRuns: runs },
    )
  })
})
