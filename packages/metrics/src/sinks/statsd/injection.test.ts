import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics, MetricsError, type Metrics } from '../../index.ts'
import { FakeClient, logical } from './fake-client.ts'
import { statsd, type StatsdDialect } from './index.ts'
import { maxSpelledBytes, Speller } from './spelling.ts'

/** 4 dialects × 10 runs × 500 series make 20,000. */
const runs = 10 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1)
const dialects: StatsdDialect[] = ['statsd', 'dogstatsd', 'telegraf', 'graphite-tags']

/** One character, or a lone surrogate, of a text. */
function oneOf(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(...Array.from(text))
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({
    unit: oneOf('\n\r|:#,@;= ._x7c{}\\\u0000\u010a\u017c\ud800é🦊'),
    maxLength: 12,
  }),
  fc.string({ unit: oneOf('_xh0123abcdef'), maxLength: 10 }),
  fc.constantFrom(
    'x:1|c\nforged:1|c',
    '1|c|#admin:true',
    'a|@0.001',
    '__proto__',
    'constructor',
    'hits',
    'more',
  ),
)
const name = fc
  .tuple(oneOf('abAB'), fc.string({ unit: oneOf('ab._-/x7'), maxLength: 8 }))
  .map((parts) => parts.join(''))
const labelName = fc
  .tuple(oneOf('ab'), fc.string({ unit: oneOf('ab._-/x7'), maxLength: 4 }))
  .map((parts) => parts.join(''))
const amount = fc.oneof(
  fc.integer({ min: 1, max: 1e6 }),
  fc.double({ min: 5e-324, max: Number.MAX_VALUE, noNaN: true, noDefaultInfinity: true }),
)

/** Names that the registry refuses, since Prometheus would spell two alike, are no matter of this sink. */
function declared(
  metrics: Metrics,
  metric: string,
  label: string,
): ReturnType<typeof metrics.counter<string>> | undefined {
  try {
    return metrics.counter(metric, { labels: [label] as readonly string[], maxSeries: 5000 })
  } catch (error) {
    if (error instanceof MetricsError) return undefined
    throw error
  }
}

describe.each(dialects)('in %s', (dialect) => {
  it('every series is one line, whatever its name, labels and value', async () => {
    const series = fc.tuple(fc.nat({ max: 5 }), hostile, amount)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, fc.constantFrom('name', 'metric_type', 'a', 'b'), labelName), {
          minLength: 6,
          maxLength: 6,
        }),
        fc.array(series, { minLength: 500, maxLength: 500 }),
        fc.boolean(),
        async (names, calls, ascii) => {
          const client = Object.assign(new FakeClient(dialect), { protocol: ascii ? 'tcp' : 'udp' })
          const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
          metrics.attach(statsd({ client, dialect }))
          const known: Record<string, string[]> = {}
          const counters = names.map(([metric, special, label], i) => {
            const counter = declared(metrics, metric, i % 2 === 0 ? special : label)
            if (counter !== undefined) known[metric] = [i % 2 === 0 ? special : label]
            return { metric, label: known[metric]?.[0] ?? '', counter }
          })
          const truth = new Map<string, number>()
          for (const [at, given, number] of calls) {
            // The registry holds well-formed text only.
            const value = given.replace(/\p{Surrogate}/gu, '\uFFFD')
            const { metric, label, counter } = counters.at(at)!
            const before = truth.get(JSON.stringify([metric, value])) ?? 0
            counter?.inc({ [label]: given }, number)
            if (counter !== undefined) {
              truth.set(JSON.stringify([metric, value]), Math.min(Number.MAX_VALUE, before + number))
            }
          }
          await metrics.flush(0)
          const whole = dialect === 'telegraf'
          const expected = [...truth]
            .map(([key, number]) => [key, whole ? Math.trunc(number) : number] as const)
            .filter(([, number]) => number > 0)
          const { server } = client
          const received = [...server.counters].map(
            ([key, number]) => [logical(dialect, key, known), number] as const,
          )
          expect(server.lines).toBe(expected.length)
          expect(new Map(received)).toEqual(new Map(expected))
          expect(ascii && server.packets.some((packet) => /[^\n -~]/.test(packet))).toBe(false)
          await metrics.shutdown(0)
        },
      ),
      { numRuns: runs, endOnFailure: true },
    )
  })

  it('no two series become one, however long their names, labels and values are', async () => {
    const length = fc.integer({ min: 30, max: 254 })
    await fc.assert(
      fc.asyncProperty(
        length,
        length,
        fc.integer({ min: 30, max: 1000 }),
        oneOf('aZ./-éx'),
        fc.constantFrom(0, 1, 512),
        fc.boolean(),
        async (nameLength, labelLength, valueLength, unit, samples, isPrefixed) => {
          const client = new FakeClient(dialect)
          const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
          const prefix = isPrefixed ? 'service.of.a.team.' : ''
          metrics.attach(statsd({ client, dialect, samples, prefix, maxPacketBytes: 8192 }))
          const ascii = unit === 'é' ? 'e' : unit
          const ends = ['y', 'z']
          for (const end of ends) {
            const label = `a${ascii.repeat(labelLength - 1)}${end}`
            const labels = [label]
            const counter = metrics.counter(`a${ascii.repeat(nameLength - 1)}${end}`, { labels })
            const histogram = metrics.histogram(`b${ascii.repeat(nameLength - 1)}${end}`, { labels })
            for (const last of ends) {
              const value = unit.repeat(valueLength) + last
              counter.inc({ [label]: value })
              histogram.observe({ [label]: value }, 3)
            }
          }
          await metrics.flush(0)
          await metrics.shutdown(0)
          const { counters, samples: sampled } = client.server
          const totals = [...counters.values()].toSorted((a, b) => a - b)
          expect(totals).toEqual(samples === 0 ? [1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3] : [1, 1, 1, 1])
          expect([...sampled.values()].map(({ count }) => count)).toEqual(samples === 0 ? [] : [1, 1, 1, 1])
        },
      ),
    )
  })

  it('what a client brings along forges nothing', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, async (prefix, suffix, tag) => {
        const client = Object.assign(new FakeClient(dialect), {
          prefix: `p${prefix}`,
          suffix,
          globalTags: dialect === 'statsd' ? [tag] : [`env:${tag}`],
          getDatadogExtensionFields: () => (dialect === 'dogstatsd' ? ['c:a|b\nc'] : []),
        })
        const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
        metrics.attach(statsd({ client, dialect }))
        metrics.counter('hits').inc()
        await metrics.flush(0)
        await metrics.shutdown(0)
        expect([client.server.lines, [...client.server.counters.values()]]).toEqual([1, [1]])
      }),
    )
  })
})

describe('a spelling', () => {
  const speller = new Speller('[A-Za-z0-9_-]')

  it('is unique, though long texts are cut', () => {
    const long = fc.tuple(
      fc.constantFrom('a', 'é', '🦊', '_x', '.'),
      fc.integer({ min: 100, max: 1024 }),
      hostile,
    )
    const text = fc.oneof(
      hostile,
      long.map(([unit, times, end]) => unit.repeat(times) + end),
    )
    fc.assert(
      fc.property(fc.uniqueArray(text, { minLength: 2, maxLength: 20 }), (texts) => {
        const spelled = texts.map((one) => speller.spell(one))
        expect(new Set(spelled).size).toBe(texts.length)
        expect(Math.max(...spelled.map((one) => Buffer.byteLength(one)))).toBeLessThanOrEqual(
          maxSpelledBytes + 20,
        )
      }),
    )
  })

  it.each([
    ['plain-1_2', 'plain-1_2'],
    ['a b', 'a_x20_b'],
    ['a_x20_b', 'a_x5f_x20_b'],
    ['__x', '__x5f_x'],
    ['_', '_'],
    ['🦊', '_x1f98a_'],
    ['\ud800', '_xd800_'],
  ])('of %j is %j', (text, spelled) => {
    expect(speller.spell(text)).toBe(spelled)
  })
})
