/**
 * Readers of pages in random programs: several at a time, of both formats, that read as they like and may leave, while series
 * come and go, filters change and values grow.
 */

import * as fc from 'fast-check'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createMetrics, type MetricFilter, type Metrics } from '../../index.ts'
import { prometheusName } from '../../naming.ts'
import { parseExposition } from '../../testing/index.ts'
import { prometheus, type PrometheusSink } from './index.ts'
import { contentTypes, type ExpositionFormat } from './negotiate.ts'

/** What makes pages of a few hundred series as long as several slices. */
const long = 'ü'.repeat(400)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What stands on a page: each number by its name and labels. */
type Numbers = ReadonlyMap<string, number>

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value.replace(long, '')}`)
  return `${name} ${pairs.toSorted().join()}`
}

function numbersOf(metrics: Metrics): Numbers {
  const numbers = new Map<string, number>()
  for (const metric of metrics.snapshot().metrics) {
    const name = prometheusName(metric.name, metric.unit, metric.kind)
    for (const series of metric.series) {
      if ('value' in series) {
        const suffix = metric.kind === 'counter' ? '_total' : ''
        numbers.set(keyOf(name + suffix, series.labels), series.value)
      } else {
        numbers.set(keyOf(`${name}_count`, series.labels), series.count)
        numbers.set(keyOf(`${name}_sum`, series.labels), series.sum)
      }
    }
  }
  return numbers
}

function numbersOn(page: string, format: ExpositionFormat): Numbers {
  const samples = parseExposition(page, format).flatMap((family) => family.samples)
  const shown = samples.filter(({ name }) => !/_(?:bucket|created)$/.test(name))
  return new Map(shown.map(({ name, labels, value }) => [keyOf(name, labels), value]))
}

/** How a reader reads: the whole text, chunks as they come, or into memory of so many bytes, with other contents before. */
type Manner = 'text' | 'chunks' | number

/** A body in one of these manners. */
interface Reading {
  next(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
  cancel(): Promise<void>
}

/** One scrape, and all that it may find. */
class Reader {
  readonly format: ExpositionFormat
  readonly #manner: Manner
  readonly #answer: Promise<Response>
  readonly #seen: Numbers[] = []
  #sawBlocked = false
  readonly #chunks: Uint8Array[] = []
  #reading: Reading | undefined
  /** What it found that cannot be. */
  readonly problems: string[] = []
  isDone = false

  constructor(sink: PrometheusSink, format: ExpositionFormat, manner: Manner) {
    this.format = format
    this.#manner = manner
    this.#answer = sink.handler(new Request('http://x/', { headers: { accept: contentTypes[format] } }))
  }

  see(numbers: Numbers, isBlocked: boolean): void {
    if (this.isDone) return
    this.#seen.push(numbers)
    if (isBlocked) this.#sawBlocked = true
  }

  /** Reads the next chunk, and checks the page when there is none. */
  async step(): Promise<void> {
    if (this.isDone) return
    const { done, value } = await (this.#reading ??= await this.#open()).next()
    if (value !== undefined) this.#chunks.push(value)
    if (!done) return
    this.#check(Buffer.concat(this.#chunks).toString())
    this.isDone = true
  }

  async finish(): Promise<void> {
    while (!this.isDone) await this.step()
  }

  async leave(): Promise<void> {
    if (this.isDone) return
    this.isDone = true
    if (this.#reading === undefined) await (await this.#answer).body!.cancel()
    else await this.#reading.cancel()
  }

  async #open(): Promise<Reading> {
    const answer = await this.#answer
    const type = answer.headers.get('content-type')
    if (answer.status !== 200 || type !== contentTypes[this.format])
      this.problems.push(`${answer.status}, ${type}`)
    const body = answer.body!
    const manner = this.#manner
    if (manner === 'text') {
      return {
        next: async () => ({ done: true, value: Buffer.from(await answer.text()) }),
        cancel: () => body.cancel(),
      }
    }
    if (manner !== 'chunks' && takesMemory(body)) {
      const reader = body.getReader({ mode: 'byob' })
      return {
        next: () => reader.read(new Uint8Array(manner).fill(255)),
        cancel: () => reader.cancel(),
      }
    }
    const reader = body.getReader()
    return { next: () => reader.read(), cancel: () => reader.cancel() }
  }

  /** Each number is one that was there between the question and the answer's end, and none is missing that always was. */
  #check(page: string): void {
    const shown = numbersOn(page, this.format)
    for (const [key, value] of shown) {
      const known = this.#seen.map((numbers) => numbers.get(key))
      // A page that is under way goes on with a metric that is blocked meanwhile; series that come then count nothing.
      if (this.#sawBlocked && value === 0 && known.every((one) => one === undefined)) continue
      if (!known.includes(value))
        this.problems.push(`${key} is ${value} on the page, and was ${known.join()}`)
    }
    for (const key of this.#seen[0]?.keys() ?? []) {
      const wasAlways = this.#seen.every((numbers) => numbers.has(key))
      if (wasAlways && !shown.has(key)) this.problems.push(`${key} is missing`)
    }
  }
}

function takesMemory(body: ReadableStream<Uint8Array>): boolean {
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/** The metrics of a program, and what it does to them. */
class Service {
  readonly metrics: Metrics = createMetrics({ filter: { block: ['kit'] } })
  readonly sink: PrometheusSink = prometheus()
  readonly #requests = this.metrics.counter('requests', { labels: ['zone', 'id'] })
  readonly #took = this.metrics.histogram('took', { unit: 's', labels: ['zone', 'id'], buckets: [0.1, 1] })
  readonly #level = this.metrics.gauge('level')
  readonly #pods = new Map<string, number>()
  #next = 0

  constructor() {
    this.metrics.attach(this.sink)
    this.metrics.observable('seen', { kind: 'counter', labels: ['id', 'zone'] }, () =>
      [...this.#pods].map(([id, total]) => [{ id, zone: 'z' }, total] as const),
    )
    this.grow(150)
  }

  /** Makes so many new series. */
  grow(count: number): void {
    for (const end = this.#next + count; this.#next < end; this.#next++) this.record(this.#next, 1)
  }

  record(place: number, amount: number): void {
    const id = `${long}${place % this.#next || place}`
    const labels = { zone: `z${place % 3}`, id }
    this.#requests.inc(labels, amount)
    if (place % 3 === 0) this.#took.observe(labels, amount / 7)
    this.#level.set(amount / 3)
    const pod = `${id}${place % 5}`
    if (place % 11 === 0) this.#pods.delete(pod)
    else if (place % 7 === 0) this.#pods.set(pod, (this.#pods.get(pod) ?? 0) + amount)
  }

  /** Whether a metric is blocked to which series are added. */
  isBlocked = false

  filter(filter: MetricFilter): void {
    this.isBlocked = filter.block?.includes('took') === true
    this.metrics.updateFilter({ ...filter, block: ['kit', ...(filter.block ?? [])] })
  }
}

const reader = fc.nat({ max: 3 })
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      place: fc.nat({ max: 400 }),
      amount: fc.nat(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('grow' as const), count: fc.nat({ max: 40 }) }) },
  fc.record({
    do: fc.constant('filter' as const),
    filter: fc.constantFrom<MetricFilter>(
      {},
      {},
      { blockLabels: ['id'] },
      { block: ['took'] },
      { block: ['seen'] },
    ),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      reader,
      format: fc.constantFrom<ExpositionFormat>('text', 'openmetrics'),
      manner: fc.constantFrom<Manner>('text', 'chunks', 1000, 65_536, 130_000, 1_000_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      reader,
      chunks: fc.integer({ min: 1, max: 4 }),
    }),
  },
  fc.record({ do: fc.constant('leave' as const), reader }),
  fc.record({ do: fc.constant('head' as const) }),
)

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Runs a program to its end; returns what was wrong. */
async function run(steps: readonly Step[]): Promise<string[]> {
  const service = new Service()
  const { metrics, sink } = service
  const readers: Reader[] = []
  const current: (Reader | undefined)[] = []
  const problems: string[] = []
  for (const one of steps) {
    if (one.do === 'record') service.record(one.place, one.amount)
    else if (one.do === 'grow') service.grow(one.count)
    else if (one.do === 'filter') service.filter(one.filter)
    else if (one.do === 'ask') {
      await current[one.reader]?.leave()
      readers.push((current[one.reader] = new Reader(sink, one.format, one.manner)))
    } else if (one.do === 'read') {
      for (let i = 0; i < one.chunks; i++) await current[one.reader]?.step()
    } else if (one.do === 'leave') await current[one.reader]?.leave()
    else {
      const { status, body, headers } = await sink.handler(new Request('http://x/', { method: 'HEAD' }))
      if (status !== 200 || body !== null || headers.get('content-type') !== contentTypes.text)
        problems.push(`HEAD: ${status}`)
    }
    const numbers = numbersOf(metrics)
    for (const each of readers) each.see(numbers, service.isBlocked)
  }
  for (const each of readers) await each.finish()
  // Whoever comes now is alone.
  service.filter({})
  service.grow(1)
  const { body } = await sink.handler(new Request('http://x/'))
  if (!takesMemory(body!)) problems.push('a page is still being read')
  return problems.concat(...readers.map((each) => each.problems))
}

describe('readers', { timeout: 120_000 }, () => {
  it('find what was there while they read, whoever else reads, leaves, records or filters', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        expect(await run(steps)).toEqual([])
      }),
      { numRuns: 80 },
    )
  })

  it('that are forgotten before they have read all do not keep others from a page of their own', async () => {
    const { sink } = new Service()
    const ask = async (): Promise<ReadableStream<Uint8Array>> =>
      (await sink.handler(new Request('http://x/'))).body!
    expect(takesMemory(await ask())).toBe(true)
    // A weak reference holds what it refers to until the turn is over.
    await turn()
    collect()
    const held = await ask()
    expect(takesMemory(held)).toBe(true)
    expect(takesMemory(await ask())).toBe(false)
    await held.cancel()
  })
})
