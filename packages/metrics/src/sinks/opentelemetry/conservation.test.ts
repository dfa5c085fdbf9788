import { manualClock } from '@kit/context/testing'
import { ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExponentialCell } from '../../exponential.ts'
import { createMetrics } from '../../index.ts'
import { finite } from '../../snapshot.ts'
import {
  opentelemetry,
  redelivering,
  type OtelCollectionResult,
  type OtelExponentialHistogram,
  type OtelHistogram,
  type OtelMetricProducer,
} from './index.ts'

/** What a back end knows of one series. */
interface Known {
  count: number
  sum: number
  /** By index, classic or exponential; 'zero' for zeros, and with a minus sign for the negative ones. */
  readonly buckets: Map<string, number>
  scale: number
}

const nothing: Known = { count: 0, sum: 0, buckets: new Map(), scale: Infinity }

type Fate = 'accept' | 'refuse' | 'defer'

/** A reader with its exporter and its back end, which adds up what it accepts. */
class Backend {
  readonly known = new Map<string, Known>()
  readonly #ends = new Map<string, number>()
  readonly #producer: OtelMetricProducer
  readonly #exporter: { export: (metrics: Batch, done: (result: { code: number }) => void) => void }
  readonly #redelivers: boolean
  #deferred: ((result: { code: number }) => void)[] = []
  #fate: Fate = 'accept'

  constructor(producer: OtelMetricProducer, redelivers: boolean) {
    this.#producer = producer
    this.#redelivers = redelivers
    const exporter = { export: this.#export.bind(this) }
    this.#exporter = redelivers ? redelivering(exporter) : exporter
  }

  async collect(fate: Fate): Promise<void> {
    this.#fate = this.#redelivers ? fate : 'accept'
    const { resourceMetrics, errors } = await this.#producer.collect()
    ok(errors.length === 0, String(errors[0]))
    this.#exporter.export(resourceMetrics, () => {})
  }

  /** Has the exports fail that hang. */
  fail(): void {
    for (const done of this.#deferred.splice(0)) done({ code: 1 })
  }

  #export(metrics: Batch, done: (result: { code: number }) => void): void {
    if (this.#fate === 'defer') this.#deferred.push(done)
    else if (this.#fate === 'refuse') done({ code: 1 })
    else {
      this.#accept(metrics)
      done({ code: 0 })
    }
  }

  #accept({ scopeMetrics }: Batch): void {
    for (const { descriptor, aggregationTemporality, dataPoints } of scopeMetrics.flatMap(
      ({ metrics }) => metrics,
    )) {
      for (const { attributes, value, startTime, endTime } of dataPoints) {
        const key = keyOf(descriptor.name, attributes)
        if (aggregationTemporality === 1) this.known.delete(key)
        else if (!this.#redelivers) {
          ok(secondsOf(startTime) >= (this.#ends.get(key) ?? 0), 'intervals do not overlap')
          this.#ends.set(key, secondsOf(endTime))
        }
        const before = this.known.get(key) ?? nothing
        this.known.set(key, merged(before, value))
      }
    }
  }
}

type Batch = OtelCollectionResult['resourceMetrics']

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

function secondsOf([seconds, nanoseconds]: [number, number]): number {
  return seconds + nanoseconds / 1e9
}

/** An arithmetic of its own, apart from the sink's. */
function merged(known: Known, value: number | OtelHistogram | OtelExponentialHistogram): Known {
  if (typeof value === 'number') return { ...known, sum: known.sum + value }
  const { count, sum = 0 } = value
  const whole = { count: known.count + count, sum: known.sum + sum }
  if ('scale' in value) {
    const scale = Math.min(known.scale, value.scale)
    const buckets = new Map<string, number>()
    const add = (key: string, from: number, amount: number): void => {
      const [sign, index] = [key.slice(0, 1), key.slice(1)]
      const to = key === 'zero' ? key : `${sign}${Math.floor(Number(index) / 2 ** (from - scale))}`
      if (amount !== 0) buckets.set(to, (buckets.get(to) ?? 0) + amount)
    }
    for (const [key, amount] of known.buckets) add(key, known.scale, amount)
    value.positive.bucketCounts.forEach((n, i) => add(`+${value.positive.offset + i}`, value.scale, n))
    value.negative.bucketCounts.forEach((n, i) => add(`-${value.negative.offset + i}`, value.scale, n))
    add('zero', value.scale, value.zeroCount)
    return { ...whole, buckets, scale }
  }
  const buckets = new Map(known.buckets)
  value.buckets.counts.forEach((n, i) => buckets.set(String(i), (buckets.get(String(i)) ?? 0) + n))
  return { ...whole, buckets, scale: Infinity }
}

function expectSame(read: ReadonlyMap<string, Known>, expected: ReadonlyMap<string, Known>): void {
  expect([...read.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
  for (const [key, { sum, ...exact }] of expected) {
    const { sum: readSum, ...readExact } = read.get(key)!
    expect({ key, ...readExact }).toEqual({ key, ...exact })
    expect(Math.abs(readSum - sum), key).toBeLessThanOrEqual(1e-12 * Math.abs(sum))
  }
}

/** Without the instruments that metrics have of their own. */
function withoutOwn(known: ReadonlyMap<string, Known>): Map<string, Known> {
  return new Map([...known].filter(([key]) => !key.startsWith('["kit.')))
}

/** Without the series that a blocked recording, or one of zero, has created. */
function withoutEmpty(known: ReadonlyMap<string, Known>): Map<string, Known> {
  return new Map([...known].filter(([, { count, sum }]) => count > 0 || sum > 0))
}

/** The same counts and sums, with the buckets of another reader. */
function classic(known: ReadonlyMap<string, Known>, buckets: ReadonlyMap<string, Known>): Map<string, Known> {
  return new Map(
    [...known].map(([key, { count, sum }]) => [key, { ...(buckets.get(key) ?? nothing), count, sum }]),
  )
}

function distribution(values: readonly number[], sum: number): Known {
  const cell = new ExponentialCell()
  for (const value of values) cell.observe(value)
  const buckets: [string, number][] = [['zero', cell.zeroCount]]
  cell.positive.counts().forEach((n, i) => buckets.push([`+${cell.positive.offset + i}`, n]))
  cell.negative.counts().forEach((n, i) => buckets.push([`-${cell.negative.offset + i}`, n]))
  return {
    count: values.length,
    sum,
    buckets: new Map(buckets.filter(([, n]) => n > 0)),
    scale: cell.scale,
  }
}

const label = fc.constantFrom('a', 'b', '', '🦊"\n')
const magnitude = fc.oneof(
  fc.constantFrom(0, 1, 2, 0.1, 5e-324, Number.MAX_VALUE),
  fc.double({ min: 0, max: 1e9, noNaN: true }),
  fc.double({ min: 1e-3, max: 10, noNaN: true }),
)
const step = fc.oneof(
  fc.record({
    do: fc.constant('inc' as const),
    a: label,
    b: label,
    amount: fc.double({ min: 0, max: 1e9, noNaN: true }),
  }),
  fc.record({ do: fc.constant('observe' as const), a: label, value: magnitude, negative: fc.boolean() }),
  fc.record({ do: fc.constant('expiring' as const), a: fc.constantFrom('a', 'b'), amount: fc.nat(9) }),
  fc.record({ do: fc.constant('collect' as const), reader: fc.nat(4), fate: fateOf() }),
  fc.record({ do: fc.constant('fail' as const), reader: fc.nat(4) }),
  fc.record({ do: fc.constant('pods' as const), pod: label, more: fc.nat(9), there: fc.boolean() }),
  fc.record({
    do: fc.constant('filter' as const),
    filter: fc.constantFrom({}, { block: ['c'] }, { block: ['h', 'e'] }, { blockLabels: ['b'] }),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1500) }),
)

function fateOf(): fc.Arbitrary<Fate> {
  return fc.constantFrom('accept', 'refuse', 'defer')
}

describe('what was recorded', () => {
  it('is what each reader was told, whatever happened meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.boolean(),
        async (steps, signed) => {
          using time = manualClock()
          const metrics = createMetrics()
          const c = metrics.counter('c', { labels: ['a', 'b'] })
          const h = metrics.histogram('h', {
            labels: ['a'],
            native: true,
            buckets: signed ? [-1, 1] : [0, 0.1, 1],
          })
          const e = metrics.counter('e', { labels: ['a'], ttlMs: 1000 })
          const expiring = { a: e.labels({ a: 'a' }), b: e.labels({ a: 'b' }) }
          const pods = new Map<string, number>()
          const there = new Set<string>()
          metrics.observable('o', { kind: 'counter', labels: ['pod'] }, () =>
            [...pods].filter(([pod]) => there.has(pod)).map(([pod, total]) => [{ pod }, total] as const),
          )
          const sink = opentelemetry()
          metrics.attach(sink)
          const readers = [
            new Backend(sink.producer(), false),
            new Backend(sink.producer({ temporality: 'delta' }), false),
            new Backend(sink.producer({ temporality: 'delta', buckets: 'classic' }), false),
            new Backend(sink.producer({ temporality: 'delta' }), true),
            new Backend(sink.producer({ temporality: 'delta', buckets: 'classic' }), true),
          ]
          // A series that comes and goes between two collections is seen by nobody.
          for (const reader of readers) await reader.collect('accept')

          let filter: { readonly block?: readonly string[]; readonly blockLabels?: readonly string[] } = {}
          const truth = new Map<string, { sum: number; values: number[] }>()
          const record = (name: string, labels: Record<string, string>, value: number): void => {
            if (filter.block?.includes(name) === true) return
            const kept = Object.entries(labels).filter(
              ([key, text]) => text !== '' && filter.blockLabels?.includes(key) !== true,
            )
            const key = keyOf(name, Object.fromEntries(kept))
            const known = truth.get(key) ?? { sum: 0, values: [] }
            known.sum += value
            known.values.push(value)
            truth.set(key, known)
          }
          for (const one of steps) {
            if (one.do === 'inc') {
              c.inc({ a: one.a, b: one.b }, one.amount)
              record('c', { a: one.a, b: one.b }, one.amount)
            } else if (one.do === 'observe') {
              const value = signed && one.negative ? -one.value : one.value
              h.observe({ a: one.a }, value)
              record('h', { a: one.a }, value)
            } else if (one.do === 'expiring') {
              expiring[one.a as 'a'].inc(one.amount)
              record('e', { a: one.a }, one.amount)
            } else if (one.do === 'collect') await readers.at(one.reader)!.collect(one.fate)
            else if (one.do === 'fail') readers.at(one.reader)!.fail()
            else if (one.do === 'wait') time.advance(one.ms)
            else if (one.do === 'filter') {
              filter = one.filter
              metrics.updateFilter(filter)
            } else {
              pods.set(one.pod, (pods.get(one.pod) ?? 0) + one.more)
              if (one.there) there.add(one.pod)
              else there.delete(one.pod)
            }
          }
          for (const pod of pods.keys()) there.add(pod)
          metrics.updateFilter({})
          // Everything is asked once more, as shutdown does no more.
          await readers.at(0)!.collect('accept')
          await metrics.shutdown()
          time.advance(1)
          for (const reader of readers) {
            reader.fail()
            await reader.collect('accept')
          }

          for (const [pod, total] of pods) {
            truth.set(keyOf('o', pod === '' ? {} : { pod }), { sum: total, values: [] })
          }
          const told = (reader: number): Map<string, Known> => withoutOwn(readers.at(reader)!.known)
          const expected = [...truth].map(([key, { sum, values }]): [string, Known] => [
            key,
            key.startsWith('["h"') ? distribution(values, signed ? 0 : finite(sum)) : { ...nothing, sum },
          ])
          expectSame(withoutEmpty(told(0)), withoutEmpty(new Map(expected)))
          expectSame(told(1), told(0))
          expectSame(told(2), classic(told(0), told(2)))
          expectSame(told(3), told(0))
          expectSame(told(4), told(2))
        },
      ),
      { numRuns: 150 },
    )
  }, 60_000)
})
