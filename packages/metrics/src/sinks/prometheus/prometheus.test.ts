import { execFileSync, spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics, overflowLabelValue, type Metrics } from '../../index.ts'
import { prometheusLabelName, prometheusName } from '../../naming.ts'
import {
  parseExposition,
  sinkConformance,
  type ExpositionFamily,
  type SinkHarness,
} from '../../testing/index.ts'
import { canonicalFloat } from './text.ts'
import { prometheus, type PrometheusSink } from './index.ts'

const openMetrics = 'application/openmetrics-text; version=1.0.0'

function attached(): { metrics: Metrics; sink: PrometheusSink } {
  const metrics = createMetrics()
  const sink = prometheus()
  metrics.attach(sink)
  return { metrics, sink }
}

async function families(
  sink: PrometheusSink,
  format: 'text' | 'openmetrics' = 'text',
): Promise<ExpositionFamily[]> {
  return parseExposition(await sink.text(format === 'openmetrics' ? openMetrics : undefined), format)
}

function harness(format: 'text' | 'openmetrics'): SinkHarness {
  const sink = prometheus()
  return {
    sink,
    pull: true,
    async read({ name, kind, unit, labels }) {
      const base = prometheusName(name, unit, kind)
      const spelled = Object.entries(labels).map(([label, value]) => [
        prometheusLabelName(label),
        String(value),
      ])
      const samples = (await families(sink, format)).flatMap((family) => family.samples)
      const found = new Map(samples.map((sample) => [keyOf(sample.name, sample.labels), sample.value]))
      const find = (suffix: string): number | undefined =>
        found.get(keyOf(base + suffix, Object.fromEntries(spelled)))
      if (kind !== 'histogram') return find(kind === 'counter' ? '_total' : '')
      const [count, sum] = [find('_count'), find('_sum')]
      return count === undefined || sum === undefined ? undefined : { count, sum }
    },
  }
}

describe.each(['text', 'openmetrics'] as const)('conformance, %s', { timeout: 60_000 }, (format) => {
  it.each(sinkConformance(() => harness(format)))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('the page', () => {
  it('is exact in the text format', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    metrics.counter('jobs', { labels: ['queue.name', 'kind'], help: 'Jobs\\done\n"now".' }).inc({
      'queue.name': 'a"b\\c\nd',
      kind: '',
    })
    metrics.gauge('pool.size', { unit: '{connection}' }).set(-0.5)
    metrics.histogram('took', { unit: 's', buckets: [0.5, 1] }).observe(0.75)
    expect(await sink.text()).toBe(
      [
        '# HELP jobs_total Jobs\\\\done\\n"now".',
        '# TYPE jobs_total counter',
        'jobs_total{queue_name="a\\"b\\\\c\\nd"} 1',
        '# HELP pool_size pool.size ({connection})',
        '# TYPE pool_size gauge',
        'pool_size -0.5',
        '# HELP took_seconds took (s)',
        '# TYPE took_seconds histogram',
        'took_seconds_bucket{le="0.5"} 0',
        'took_seconds_bucket{le="1"} 1',
        'took_seconds_bucket{le="+Inf"} 1',
        'took_seconds_sum 0.75',
        'took_seconds_count 1',
        '',
      ].join('\n'),
    )
  })

  it('is exact in OpenMetrics', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    metrics.counter('sent', { unit: 'By', labels: ['to'], help: 'All "sent".' }).inc({ to: 'x' }, 2)
    metrics.histogram('signed', { buckets: [-1, 1e6] }).observe(-2)
    const page = (await sink.text(openMetrics)).replaceAll(/created(\{.*\})? [\d.]+/g, 'created$1 T')
    expect(page).toBe(
      [
        '# HELP sent_bytes All \\"sent\\".',
        '# TYPE sent_bytes counter',
        '# UNIT sent_bytes bytes',
        'sent_bytes_total{to="x"} 2',
        'sent_bytes_created{to="x"} T',
        '# HELP signed signed',
        '# TYPE signed histogram',
        'signed_bucket{le="-1.0"} 1',
        'signed_bucket{le="1e+06"} 1',
        'signed_bucket{le="+Inf"} 1',
        'signed_created T',
        '# EOF',
        '',
      ].join('\n'),
    )
  })

  it('has a prefix when asked', async () => {
    const metrics = createMetrics()
    const sink = prometheus({ prefix: 'shop_' })
    metrics.attach(sink)
    metrics.counter('jobs').inc()
    expect(await sink.text()).toContain('\nshop_jobs_total 1\n')
    expect(() => prometheus({ prefix: '1' })).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' }),
    )
    expect(() => prometheus({ prefx: '1' } as never)).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_OPTION_UNKNOWN' }),
    )
  })

  it('shows changes, new series and vanished series from scrape to scrape', async () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('c', { labels: ['id'] })
    const pods = new Map([['a', 1]])
    metrics.observable('pods', { labels: ['pod'] }, () =>
      [...pods].map(([pod, value]) => [{ pod }, value] as const),
    )
    counter.inc({ id: 1 })
    const values = async (name: string): Promise<unknown[]> =>
      (await families(sink)).flatMap((family) =>
        family.samples
          .filter((sample) => sample.name === name)
          .map(({ labels, value }) => [...Object.values(labels), value]),
      )
    expect(await values('pods')).toEqual([['a', 1]])
    counter.inc({ id: 2 })
    counter.inc({ id: 1 })
    pods.set('b', 2).delete('a')
    expect(await values('c_total')).toEqual([
      ['1', 2],
      ['2', 1],
    ])
    expect(await values('pods')).toEqual([['b', 2]])
    pods.set('a', 5)
    expect(await values('pods')).toEqual([
      ['a', 5],
      ['b', 2],
    ])
    metrics.incrCounter('grows', 1, { one: 1 })
    await sink.text()
    metrics.incrCounter('grows', 1, { two: 2 })
    metrics.incrCounter('grows', 1, { one: 1 })
    expect(await sink.text()).toContain('grows_total{one="1"} 2\ngrows_total{two="2"} 1\n')
  })

  it('spells the labels anew when a name got more of them', async () => {
    const { metrics, sink } = attached()
    for (const format of [undefined, openMetrics]) {
      metrics.incrCounter('x', 1, { a: overflowLabelValue })
      metrics.addSample('y', 1, { a: overflowLabelValue })
      await sink.text(format)
    }
    metrics.incrCounter('x', 1, { a: 'q', b: '1' })
    metrics.incrCounter('x', 5, { a: overflowLabelValue })
    metrics.addSample('y', 1, { a: 'q', b: '1' })
    metrics.addSample('y', 1, { a: overflowLabelValue })
    for (const format of ['text', 'openmetrics'] as const) {
      expect(flattened(await families(sink, format))).toEqual(expectedFrom(metrics, format))
    }
    const lines = (await sink.text()).split('\n').filter((line) => line.startsWith('x_total'))
    expect(lines).toEqual([
      `x_total{a="${overflowLabelValue}",b="${overflowLabelValue}"} 2`,
      `x_total{a="${overflowLabelValue}"} 5`,
      'x_total{a="q",b="1"} 1',
    ])
  })

  it('shows sums that left the range of doubles as a snapshot does', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    const counter = metrics.counter('c')
    const gauge = metrics.gauge('g')
    const histogram = metrics.histogram('h', { buckets: [1] })
    for (let i = 0; i < 2; i++) {
      counter.inc(Number.MAX_VALUE)
      gauge.dec(Number.MAX_VALUE)
      histogram.observe(Number.MAX_VALUE)
    }
    for (const format of ['text', 'openmetrics'] as const) {
      const read = flattened(await families(sink, format))
      expect(read).toEqual(expectedFrom(metrics, format))
      expect(read.get(keyOf('c_total', {}))).toBe(Number.MAX_VALUE)
    }
  })

  it(
    'parses back to exactly what was recorded, in both formats, from scrape to scrape',
    { timeout: 60_000 },
    async () => {
      const text = fc.string({ unit: 'binary', maxLength: 6 })
      const label = fc.oneof(
        text,
        fc.constantFrom('\ud800', 'a', 'b', '\n', '"', '\\', '\\n', '', overflowLabelValue),
      )
      const amount = fc.double({ min: 0, max: 1e9, noNaN: true })
      const step = fc.record({
        a: label,
        b: label,
        amount,
        signed: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      })
      const setup = fc.record({
        help: text,
        unit: fc.constantFrom('', 's', 'By', '1', '{x}', 'By/s'),
        maxSeries: fc.integer({ min: 1, max: 8 }),
        rounds: fc.array(fc.array(step, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
      })
      await fc.assert(
        fc.asyncProperty(setup, async ({ help, unit, maxSeries, rounds }) => {
          const { metrics, sink } = attached()
          const spec = { help, unit, maxSeries, labels: ['la.bel', 'b'] } as const
          const counter = metrics.counter('fuzz.counter', spec)
          const gauge = metrics.gauge('fuzz.gauge', spec)
          const histogram = metrics.histogram('fuzz.histogram', { ...spec, buckets: [0.5, 1, 1000] })
          for (const steps of rounds) {
            for (const { a, b, amount: value, signed } of steps) {
              const labels = { 'la.bel': a, b }
              counter.inc(labels, value)
              gauge.set(labels, signed)
              histogram.observe(labels, value)
            }
            for (const format of ['text', 'openmetrics'] as const) {
              const read = await families(sink, format)
              expect(flattened(read)).toEqual(expectedFrom(metrics, format))
            }
          }
        }),
        { numRuns: 150 },
      )
    },
  )
})

/** Every sample of a page but the times of creation. */
function flattened(read: readonly ExpositionFamily[]): Map<string, number> {
  const samples = read.flatMap((family) => family.samples).filter(({ name }) => !name.endsWith('_created'))
  return new Map(samples.map(({ name, labels, value }) => [keyOf(name, labels), value]))
}

/** The same from a snapshot, which the page does not pass through. */
function expectedFrom(metrics: Metrics, format: 'text' | 'openmetrics'): Map<string, number> {
  const expected = new Map<string, number>()
  for (const metric of metrics.snapshot().metrics) {
    const name = prometheusName(metric.name, metric.unit, metric.kind)
    for (const series of metric.series) {
      const labels = Object.fromEntries(
        Object.entries(series.labels).map(([label, value]) => [prometheusLabelName(label), value]),
      )
      if ('value' in series) {
        expected.set(keyOf(metric.kind === 'counter' ? `${name}_total` : name, labels), series.value + 0)
      } else if (metric.kind === 'histogram') {
        let count = 0
        series.buckets.forEach((bucket, i) => {
          count += bucket
          const bound = metric.bounds[i]
          const text = format === 'text' ? String(bound) : canonicalFloat(bound ?? 0)
          expected.set(keyOf(`${name}_bucket`, { ...labels, le: bound === undefined ? '+Inf' : text }), count)
        })
        expected.set(keyOf(`${name}_sum`, labels), series.sum)
        expected.set(keyOf(`${name}_count`, labels), series.count)
      }
    }
  }
  return expected
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

/**
 * Reads a body into memory of its reader, of so many bytes, and of `first` at first. That has other contents and is part of
 * some that nobody else may touch.
 */
async function readInto(
  body: ReadableStream<Uint8Array>,
  length: number,
  first = length,
): Promise<Uint8Array[]> {
  const reader = body.getReader({ mode: 'byob' })
  const chunks: Uint8Array[] = []
  for (let next = first; ; next = length) {
    const memory = new Uint8Array(next + 64).fill(255)
    const { done, value } = await reader.read(memory.subarray(32, 32 + next))
    if (done) return chunks
    chunks.push(value)
    const { buffer } = value
    expect(new Uint8Array(buffer, 0, 32).every((byte) => byte === 255)).toBe(true)
    expect(new Uint8Array(buffer, 32 + next).every((byte) => byte === 255)).toBe(true)
  }
}

/** Whether a body is written while it is read: only those take memory of the reader. */
function isPulled(body: ReadableStream<Uint8Array>): boolean {
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

describe('scrapes', () => {
  it('that come together share one collection', async () => {
    const { metrics, sink } = attached()
    let reads = 0
    metrics.observable('o', {}, () => ++reads)
    const get = async (): Promise<string> => (await sink.handler(new Request('http://x/metrics'))).text()
    const pages = await Promise.all(
      Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? get() : sink.text())),
    )
    expect(reads).toBe(1)
    expect(new Set(pages).size).toBe(1)
    await sink.text()
    expect(reads).toBe(2)
  })

  it('that are handed out one by one in a round of the event loop share one collection', async () => {
    const { metrics, sink } = attached()
    let reads = 0
    metrics.observable('o', {}, () => ++reads)
    const pages: Promise<string>[] = []
    for (let scrape = 0; scrape < 50; scrape++) {
      pages.push(sink.text())
      for (let step = 0; step < 10; step++) await Promise.resolve()
    }
    await Promise.all(pages)
    expect(reads).toBe(1)
  })

  it('get all that was recorded before they were asked for, however long the page before takes', async () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('a')
    const first = sink.text()
    counter.inc()
    expect(await sink.text()).toContain('\na_total 1\n')
    expect(await first).toContain('\na_total 1\n')
    const many = metrics.counter('many', { labels: ['id'], maxSeries: 20_000 })
    for (let id = 0; id < 10_000; id++) many.inc({ id })
    let reads = 0
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    metrics.observable('reads', {}, () => {
      begin()
      return ++reads
    })
    const long = sink.text()
    await begun
    counter.inc()
    const later = [sink.text(), sink.text(), sink.text()]
    expect(await long).toContain('\na_total 1\n')
    for (const page of await Promise.all(later)) expect(page).toContain('\na_total 2\n')
    expect(reads).toBe(2)
  })

  it('still find the final numbers after shutdown, in both formats', async () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('c', { labels: ['a'] })
    let total = 1
    metrics.observable('o', { kind: 'counter' }, () => total)
    counter.inc({ a: 1 }, 3)
    await sink.text()
    counter.inc({ a: 1 }, 4)
    total = 2
    const shutdown = metrics.shutdown()
    counter.inc({ a: 1 }, 100)
    total = 50
    await shutdown
    for (const accept of [undefined, openMetrics]) {
      const page = await sink.text(accept)
      expect(page).toContain('\nc_total{a="1"} 7\n')
      expect(page).toContain('\no_total 2\n')
    }
    expect((await sink.handler(new Request('http://x/'))).status).toBe(200)
  })

  it('are text for an Accept that is no text', async () => {
    const { sink } = attached()
    for (const accept of [1, {}, [openMetrics], Symbol(openMetrics), null]) {
      expect(sink.contentType(accept as never)).toBe('text/plain; version=0.0.4; charset=utf-8')
      expect(await sink.text(accept as never)).not.toContain('# EOF')
    }
  })

  it('go on after one that failed', async () => {
    const sink = prometheus()
    const early = sink.text().catch((error: unknown) => error)
    expect(await early).toMatchObject({ code: 'KIT_METRIC_SINK_DETACHED' })
    createMetrics().attach(sink)
    expect(await sink.text()).toContain('kit_metrics_series 0\n')
  })

  it('of long pages leave the event loop to others', async () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('c', { labels: ['id'], maxSeries: 50_000 })
    for (let id = 0; id < 20_000; id++) counter.inc({ id })
    let turns = 0
    let done = false
    const count = (): void => {
      turns++
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    const page = await sink.text()
    done = true
    expect(parseExposition(page).find(({ name }) => name === 'c_total')!.samples.length).toBe(20_000)
    expect(turns).toBeGreaterThanOrEqual(Math.floor(page.length / 130_000))
  })

  it('of long pages arrive whole through the handler, all at once', async () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('c', { labels: ['id'] })
    for (let id = 0; id < 1900; id++) counter.inc({ id: `${id}${'ü'.repeat(100)}` })
    const get = async (): Promise<string> => (await sink.handler(new Request('http://x/metrics'))).text()
    const [page, pages] = await Promise.all([sink.text(), Promise.all([get(), get(), get()])])
    expect(page.length).toBeGreaterThan(200_000)
    for (const other of pages) expect(other).toBe(page)
  })

  it('of long pages stay whole for all when one reader takes the memory of what it gets', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    const counter = metrics.counter('c', { labels: ['id'] })
    // Three slices, and a last one of a few bytes.
    for (let id = 0; id < 339; id++) counter.inc({ id: `${id + 1000}${'x'.repeat(1000)}` })
    metrics.gauge('g').set(1)
    const take = async (): Promise<string> => {
      const decoder = new TextDecoder()
      let text = ''
      for await (const chunk of (await sink.handler(new Request('http://x/metrics'))).body!) {
        text += decoder.decode(structuredClone(chunk, { transfer: [chunk.buffer] }), { stream: true })
      }
      return text
    }
    const alone = await take()
    const [first, second, third] = await Promise.all([take(), sink.text(), take()])
    expect(alone.length).toBeGreaterThan(3 * 114_688)
    expect([first, second, third]).toEqual([alone, alone, alone])
    expect(await take()).toBe(alone)
  })

  it('of long pages are written while a single reader takes them, whatever pieces it takes', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    const counter = metrics.counter('c', { labels: ['id'] })
    for (let id = 0; id < 1900; id++) counter.inc({ id: `${id}${'ü'.repeat(100)}` }, id)
    for (const accept of [undefined, openMetrics]) {
      const page = await sink.text(accept)
      const read = async (length: number, first = length): Promise<string> => {
        const headers = accept === undefined ? {} : { accept }
        const { body } = await sink.handler(new Request('http://x/metrics', { headers }))
        return Buffer.concat(await readInto(body!, length, first)).toString()
      }
      expect(page.length).toBeGreaterThan(200_000)
      for (const length of [999, 65_536, 122_879, 122_880, 1_000_000]) expect(await read(length)).toBe(page)
      expect(await read(122_880, 4096)).toBe(page)
      expect(await read(4096, 1_000_000)).toBe(page)
    }
  })

  it('of series that are longer than the memory of their reader are whole', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    const buckets = Array.from({ length: 200 }, (_, i) => i)
    const sizes = metrics.histogram('sizes', { labels: ['id'], buckets })
    const after = metrics.counter('after', { labels: ['id'] })
    for (let id = 0; id < 12; id++) sizes.observe({ id: `${id}${'x'.repeat(id % 3 === 0 ? 1000 : 10)}` }, id)
    for (let id = 0; id < 1500; id++) after.inc({ id: `${id}${'ü'.repeat(100)}` }, id)
    const page = await sink.text()
    for (const length of [122_880, 300_000]) {
      const { body } = await sink.handler(new Request('http://x/metrics'))
      const chunks = await readInto(body!, length)
      expect(Buffer.concat(chunks).toString()).toBe(page)
    }
  })

  it('are the same with text that was kept as without, in pages of both formats that are written in turns', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    const counter = metrics.counter('c', { labels: ['a', 'b'] })
    const duration = metrics.histogram('d', { unit: 's', labels: ['a', 'b'] })
    const labelsOf = (i: number): { a: string; b: string } => ({ a: `${i % 7}🦊`, b: `ü${i}` })
    const record = (i: number): void => {
      counter.inc(labelsOf(i), i % 3 === 0 ? 0.1 : 1)
      duration.observe(labelsOf(i), i / 1000)
    }
    // A sink that is new has kept nothing.
    const plain = async (accept: string): Promise<string> => {
      const other = prometheus()
      const detach = metrics.attach(other)
      try {
        return await other.text(accept)
      } finally {
        await detach()
      }
    }
    let count = 0
    for (; count < 1000; count++) record(count)
    for (let scrape = 0; scrape < 12; scrape++) {
      for (let i = scrape; i < count; i += 10) record(i)
      if (scrape % 4 === 3) record(count++)
      const pages = await Promise.all([sink.text(), sink.text(openMetrics), sink.text()])
      expect(pages).toEqual([await plain(''), await plain(openMetrics), await plain('')])
    }
  })

  it('see what is recorded while they are read, and are whole lines all the same', async () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    const counter = metrics.counter('c', { labels: ['id'] })
    for (let id = 0; id < 1900; id++) counter.inc({ id: `${id}${'x'.repeat(100)}` })
    const { body } = await sink.handler(new Request('http://x/metrics'))
    // Another series, and a new number in each: of the former nothing is seen, of the latter what is not written yet.
    for (let id = 0; id < 1901; id++) counter.inc({ id: `${id}${'x'.repeat(100)}` }, 10)
    const page = Buffer.concat(await readInto(body!, 65_536)).toString()
    const values = parseExposition(page).flatMap(({ samples }) => samples.map(({ value }) => value))
    expect(values.length).toBe(1900)
    expect(new Set(values)).toEqual(new Set([1, 11]))
    expect(values.lastIndexOf(1)).toBeLessThan(values.indexOf(11))
  })

  it('that come while a reader takes its time share pages and do not wait for it', async () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('c', { labels: ['id'] })
    for (let id = 0; id < 1900; id++) counter.inc({ id: `${id}${'x'.repeat(100)}` })
    let reads = 0
    metrics.observable('o', {}, () => ++reads)
    const scrape = async (): Promise<ReadableStream<Uint8Array>> =>
      (await sink.handler(new Request('http://x/metrics'))).body!
    const slow = (await scrape()).getReader()
    await slow.read()
    const pages = await Promise.all([sink.text(), sink.text(), new Response(await scrape()).text()])
    expect(new Set(pages).size).toBe(1)
    expect(reads).toBe(2)
    await slow.cancel()
    // The place is free again: a body that nobody reads is not written.
    const left = await scrape()
    expect(isPulled(left)).toBe(true)
    expect(isPulled(await scrape())).toBe(false)
    await left.cancel()
    const whole = await scrape()
    expect(isPulled(whole)).toBe(true)
    await new Response(whole).text()
    expect(isPulled(await scrape())).toBe(true)
  })

  it('hold series that are longer than a slice', async () => {
    const { metrics, sink } = attached()
    const buckets = Array.from({ length: 256 }, (_, i) => i + 0.5)
    const histogram = metrics.histogram('h', { labels: ['id'], buckets })
    const ids = ['x', 'ü', '🦊'].map((character) => character.repeat(500))
    for (const id of ids) histogram.observe({ id }, 200)
    for (const accept of [undefined, 'application/openmetrics-text']) {
      const page = await sink.text(accept)
      const family = parseExposition(page, accept === undefined ? 'text' : 'openmetrics').find(
        ({ name }) => name === 'h',
      )
      const counts = family!.samples.filter(({ name }) => name === 'h_bucket')
      expect(counts.map(({ labels }) => labels['id'])).toEqual(
        ids.flatMap((id) => buckets.concat(0).map(() => id)),
      )
      expect(counts.map(({ value }) => value)).toEqual(
        ids.flatMap(() => [...buckets, Infinity].map((le) => Number(le >= 200))),
      )
    }
  })

  it('need an attached sink', async () => {
    const metrics = createMetrics()
    const sink = prometheus()
    await expect(sink.text()).rejects.toMatchObject({ code: 'KIT_METRIC_SINK_DETACHED' })
    const detach = metrics.attach(sink)
    await sink.text()
    await detach()
    await expect(sink.text()).rejects.toMatchObject({ code: 'KIT_METRIC_SINK_DETACHED' })
    expect((await sink.handler(new Request('http://x/'))).status).toBe(503)
  })
})

describe('the handler', () => {
  it('negotiates, and answers GET and HEAD only', async () => {
    const { sink } = attached()
    const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
      sink.handler(new Request('http://x/metrics', { method, headers }))
    const plain = await get()
    expect(plain.status).toBe(200)
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    parseExposition(await plain.text())
    const open = await get({ accept: openMetrics })
    expect(open.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    parseExposition(await open.text(), 'openmetrics')
    const head = await get({}, 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
    const post = await get({}, 'POST')
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('forbids sniffing and caching, whatever it answers', async () => {
    const { sink } = attached()
    const get = (method = 'GET'): Promise<Response> =>
      sink.handler(new Request('http://x/metrics', { method }))
    const detached = await prometheus().handler(new Request('http://x/metrics'))
    expect(detached.status).toBe(503)
    for (const { headers } of [detached, await get(), await get('HEAD'), await get('POST')]) {
      expect(headers.get('content-type')).toMatch(/^text\/plain; (?:version=0\.0\.4; )?charset=utf-8$/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  it.each<[string, 'text' | 'application']>([
    ['', 'text'],
    ['*/*', 'text'],
    ['garbage;;;=,,', 'text'],
    [openMetrics, 'application'],
    ['application/openmetrics-text', 'application'],
    ['application/openmetrics-text; version=2.0.0', 'text'],
    [`${openMetrics};q=0.5,text/plain;version=0.0.4;q=0.4`, 'application'],
    [`${openMetrics};q=0.4,text/plain;version=0.0.4;q=0.5`, 'text'],
    [`${openMetrics};q=0,*/*;q=0.1`, 'text'],
    [`TEXT/PLAIN,${openMetrics}`, 'text'],
    [`text/html,${openMetrics};q=0.9`, 'application'],
    [`${openMetrics};q=nonsense`, 'text'],
  ])('answers Accept %j with %s', (accept, type) => {
    expect(prometheus().contentType(accept).startsWith(`${type}/`)).toBe(true)
  })

  it('needs no sink to be called on, and neither do the page and its type', async () => {
    const { metrics, sink } = attached()
    metrics.counter('c').inc()
    const { handler, text, contentType } = sink
    const response = await handler(new Request('http://x/metrics'))
    expect(await response.text()).toBe(await text())
    expect(response.headers.get('content-type')).toBe(contentType())
  })

  it('takes any Accept header', () => {
    fc.assert(
      fc.property(fc.string(), (accept) => {
        expect(prometheus().contentType(accept)).toMatch(/^(text|application)\//)
      }),
    )
  })
})

describe('promtool', () => {
  const missing = spawnSync('promtool', ['--version']).error !== undefined

  it.skipIf(missing)('finds nothing to complain about', async () => {
    const { metrics, sink } = attached()
    const labels = ['http.route'] as const
    const nasty = 'a"b\\c\nd\u0000\u2028🦊\ud800'
    metrics.counter('jobs', { labels }).inc({ 'http.route': nasty })
    metrics.gauge('queue.size', { labels, help: nasty }).set({ 'http.route': nasty }, 1e21)
    metrics.histogram('took', { labels, unit: 's' }).observe({ 'http.route': nasty }, 1e-7)
    metrics.gauge('share', { unit: '1' }).set(0.5)
    const output = execFileSync('promtool', ['check', 'metrics'], {
      input: await sink.text(),
      encoding: 'utf8',
    })
    expect(output).toBe('')
  })
})

describe('canonical floats', () => {
  it.each<[number, string]>([
    [0, '0.0'],
    [1, '1.0'],
    [-5, '-5.0'],
    [0.005, '0.005'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [100_000, '100000.0'],
    [1e6, '1e+06'],
    [1_500_000, '1.5e+06'],
    [1e21, '1e+21'],
    [2.5e-12, '2.5e-12'],
  ])('%s is %s', (value, text) => {
    expect(canonicalFloat(value)).toBe(text)
    expect(Number(text)).toBe(value)
  })
})
