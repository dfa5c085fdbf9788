/**
 * Random programs: whatever was recorded stands on the page, exactly, as the strict reader and promtool see it.
 * KIT_FUZZ_RUNS multiplies the runs; KIT_FUZZ_SEED repeats a run of 20,000 that failed.
 */

import { spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics, MetricsError, type Metrics } from '../../index.ts'
import { prometheusLabelName, prometheusName, type InstrumentKind } from '../../naming.ts'
import { parseExposition } from '../../testing/index.ts'
import { prometheus, type PrometheusSink } from './index.ts'
import { canonicalFloat } from './text.ts'

const runs = Number(process.env['KIT_FUZZ_RUNS'] ?? 1)
const formats = { text: undefined, openmetrics: 'application/openmetrics-text' } as const
const bounds = [1e-5, 0.5, 1, 1e6]

type Format = keyof typeof formats
type Truth = Map<string, number>

function newSeed(): number {
  return Number(process.env['KIT_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
}

function keyOf(name: string, labels: readonly (readonly [string, string])[]): string {
  return JSON.stringify([name, ...labels.toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

const nastyNames = [
  'constructor',
  'toString',
  'valueOf',
  '_x',
  'hasOwnProperty',
  'le',
  'quantile',
  'job',
  'a.b',
  'A-b/c',
]
const nameTail = fc.string({ unit: fc.constantFrom(...'aZ09_./-'.split('')), maxLength: 8 })
const metricName = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'B', 'z'), nameTail).map(([head, tail]) => head + tail),
  fc.constantFrom(
    'constructor',
    'toString',
    'a.total',
    'a_sum',
    'a.count',
    'a.bucket',
    'seconds',
    'hasOwnProperty',
  ),
)
const labelName = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'B', '_'), nameTail).map(([head, tail]) => head + tail),
  fc.constantFrom(...nastyNames, '__proto__', '__name__'),
)
const labelValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '\ud800',
    '\udc00x',
    '\n',
    '"',
    '\\',
    '\\n',
    ' # {} 1',
    '',
    '🦊',
  ),
  fc.integer(),
  fc.boolean(),
)
const amount = fc.oneof(
  fc.double({ min: 0, max: 1e300, noNaN: true }),
  fc.nat(),
  fc.constantFrom(0, -0, 5e-324, 1e21, 2 ** 53, 0.1, 1e-7),
)
const unit = fc.constantFrom('', 's', 'By', '1', '%', '{x}', 'By/s', 'q"', '\\n')
const recording = fc.record({ values: fc.array(labelValue, { minLength: 3, maxLength: 3 }), amount })
const program = fc.record({
  kind: fc.constantFrom<InstrumentKind>('counter', 'gauge', 'histogram'),
  name: metricName,
  unit,
  help: fc.string({ unit: 'binary', maxLength: 8 }),
  labels: fc.array(labelName, { maxLength: 3 }),
  recordings: fc.array(recording, { maxLength: 5 }),
})

/** Runs one program, and adds what it recorded to what each format is to show. */
function execute(
  metrics: Metrics,
  one: typeof program extends fc.Arbitrary<infer P> ? P : never,
  truth: Record<Format, Truth>,
): void {
  const { kind, name, unit: measured, help, labels, recordings } = one
  const spec = { labels, unit: measured, help, maxSeries: 100_000 }
  let record: (given: Record<string, string | number | boolean>, value: number) => void
  try {
    if (kind === 'counter') {
      const counter = metrics.counter<string>(name, spec)
      record = (given, value) =>
        labels.length === 0
          ? (counter as unknown as { inc(value: number): void }).inc(value)
          : counter.inc(given, value)
    } else if (kind === 'gauge') {
      const gauge = metrics.gauge<string>(name, spec)
      record = (given, value) =>
        labels.length === 0
          ? (gauge as unknown as { set(value: number): void }).set(-value)
          : gauge.set(given, -value)
    } else {
      const histogram = metrics.histogram<string>(name, { ...spec, buckets: bounds })
      record = (given, value) =>
        labels.length === 0
          ? (histogram as unknown as { observe(value: number): void }).observe(value)
          : histogram.observe(given, value)
    }
  } catch (error) {
    // A name that is none, or one that would look like another on the page: refused with a code, and so not recorded.
    if (!(error instanceof MetricsError)) throw error
    return
  }
  const base = prometheusName(name, measured, kind)
  const touch = (pairs: [string, string][], value: number): void => {
    for (const format of Object.keys(formats) as Format[])
      addTo(truth[format], format, kind, base, pairs, value)
  }
  if (labels.length === 0) touch([], NaN)
  for (const { values, amount: value } of recordings) {
    const given = Object.fromEntries(labels.map((label, i) => [label, values.at(i)!]))
    record(given, value)
    const pairs = labels.flatMap((label, i): [string, string][] => {
      const text = String(values[i]).replace(/\p{Surrogate}/gu, '\uFFFD')
      return text === '' ? [] : [[prometheusLabelName(label), text]]
    })
    touch(pairs, value)
  }
}

/** What a recording does to the truth; NaN only makes the series. */
function addTo(
  truth: Truth,
  format: Format,
  kind: InstrumentKind,
  base: string,
  labels: [string, string][],
  value: number,
): void {
  const add = (name: string, more: [string, string][], by: number): void => {
    const key = keyOf(name, [...labels, ...more])
    truth.set(key, (truth.get(key) ?? 0) + by)
  }
  if (kind === 'counter') add(`${base}_total`, [], Number.isNaN(value) ? 0 : value)
  else if (kind === 'gauge') {
    const key = keyOf(base, labels)
    if (!Number.isNaN(value)) truth.set(key, 0 - value)
    else if (!truth.has(key)) truth.set(key, 0)
  } else {
    for (const bound of [...bounds, Infinity]) {
      const le = bound === Infinity ? '+Inf' : format === 'text' ? String(bound) : canonicalFloat(bound)
      add(`${base}_bucket`, [['le', le]], value <= bound ? 1 : 0)
    }
    add(`${base}_sum`, [], Number.isNaN(value) ? 0 : value)
    add(`${base}_count`, [], Number.isNaN(value) ? 0 : 1)
  }
}

async function shown(sink: PrometheusSink, format: Format): Promise<Truth> {
  const families = parseExposition(await sink.text(formats[format]), format)
  const samples = families
    .flatMap((family) => family.samples)
    .filter(({ name }) => !name.endsWith('_created'))
  return new Map(samples.map(({ name, labels, value }) => [keyOf(name, Object.entries(labels)), value]))
}

/** As a page shows sums: within the range of doubles. */
function clamped(truth: Truth): Truth {
  return new Map(
    [...truth].map(([key, value]) => [key, Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))]),
  )
}

describe('random programs', { timeout: 120_000 }, () => {
  it('stand on the page exactly, in both formats', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(program, { maxLength: 5 }), { maxLength: 3 }), async (rounds) => {
        const metrics = createMetrics({ filter: { block: ['kit'] } })
        const sink = prometheus()
        metrics.attach(sink)
        const truth = { text: new Map(), openmetrics: new Map() }
        for (const programs of rounds) {
          for (const one of programs) execute(metrics, one, truth)
          for (const format of Object.keys(formats) as Format[]) {
            expect(await shown(sink, format)).toEqual(clamped(truth[format]))
          }
        }
      }),
      { numRuns: 150 * runs },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('of 20,000 names, labels and values make one page that is right', async () => {
    for (let run = 0; run < runs; run++) {
      const metrics = createMetrics({ filter: { block: ['kit'] }, maxTotalSeries: 1_000_000 })
      const sink = prometheus()
      metrics.attach(sink)
      const truth = { text: new Map(), openmetrics: new Map() }
      const seed = newSeed()
      for (const one of fc.sample(program, { numRuns: 20_000, seed })) execute(metrics, one, truth)
      expect(truth.text.size).toBeGreaterThan(10_000)
      for (const format of Object.keys(formats) as Format[]) {
        expect(await shown(sink, format), `seed ${seed}`).toEqual(clamped(truth[format]))
      }
    }
  })

  it('may have any label value, whoever it is', async () => {
    const metrics = createMetrics({ filter: { block: ['kit'] } })
    const sink = prometheus()
    metrics.attach(sink)
    const names = ['constructor', 'toString', 'hasOwnProperty'] as const
    const counter = metrics.counter('toString', { labels: names })
    counter.inc({ constructor: '__proto__', toString: 'constructor', hasOwnProperty: 'toString' })
    metrics.incrCounter('__proto__')
    metrics.incrCounter('verb', 1, JSON.parse('{"__proto__":"x"}'))
    expect(() => metrics.counter('c', { labels: ['__proto__'] })).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_LABEL_INVALID' }),
    )
    const expected = [
      [
        'toString_total',
        { constructor: '__proto__', toString: 'constructor', hasOwnProperty: 'toString' },
        1,
      ],
    ]
    const page = parseExposition(await sink.text())
    expect(
      page.flatMap(({ samples }) => samples.map(({ name, labels, value }) => [name, { ...labels }, value])),
    ).toEqual(expected)
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

const missing = spawnSync('promtool', ['--version']).error !== undefined

describe('promtool (skipped where it is not installed)', { timeout: 120_000 }, () => {
  it.skipIf(missing)('reads a page of random programs', async () => {
    const metrics = createMetrics()
    const sink = prometheus()
    metrics.attach(sink)
    const truth = { text: new Map(), openmetrics: new Map() }
    const seed = newSeed()
    for (const one of fc.sample(program, { numRuns: 2000, seed })) execute(metrics, one, truth)
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await sink.text(),
      encoding: 'utf8',
    })
    // Status 3 is for advice about names, which are random here; 1 is for what it cannot read.
    expect(stderr, `seed ${seed}`).not.toMatch(/error while linting|text format parsing error/)
    expect([0, 3]).toContain(status)
  })
})
