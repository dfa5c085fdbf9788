import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMetrics } from '../../packages/metrics/src/index.ts'
import type { Metrics } from '../../packages/metrics/src/index.ts'
import { prometheus } from '../../packages/metrics/src/sinks/prometheus/index.ts'
import type { PrometheusSink } from '../../packages/metrics/src/sinks/prometheus/index.ts'
import { parseExposition } from '../../packages/metrics/src/testing/index.ts'
import { freePair } from './demo.ts'

const installed = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What each series of the histogram observes, times its number. */
const seconds = [1e-5, 0.25, 0.5, 0.75, 2, 1e9]
const traceId = '0af7651916cd43dd8448eb211c80319c'

/** Counters, gauges and histograms with all that a label may hold. */
function record(metrics: Metrics): void {
  const values = ['plain', 'a"b\\c\nd', '__proto__', 'ü🦊\u2028', ' # {a="1"} 1 ', '\ud800', '']
  const sizes = [-1e21, 5e-324, 0, 2 ** 53, 0.1, Number.MAX_VALUE, -0.5]
  const labels = ['who', 'constructor', 'toString'] as const
  const counter = metrics.counter('page.jobs', { labels, help: 'Jobs "of" all\\kinds\n.' })
  const gauge = metrics.gauge('page.size', { labels, unit: 'By' })
  const histogram = metrics.histogram('page.took', { labels, unit: 's', buckets: [0.00001, 0.5, 1, 1e6] })
  values.forEach((who, i) => {
    const given = { who, constructor: i, toString: i % 2 === 0 }
    counter.inc(given, i + 0.1)
    gauge.set(given, sizes.at(i)!)
    for (const one of seconds) histogram.observe(given, one * (i + 1))
  })
  metrics.histogram('page.signed', { buckets: [-1, 0, 1] }).observe(-0.5)
  for (let id = 0; id < 1500; id++) metrics.counter('page.many', { labels: ['id'] }).inc({ id }, id)
}

/** Serves the page as it negotiates it at one path, and always as text at another. */
async function serve(sink: PrometheusSink): Promise<Server> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const accept = request.url === '/text' ? 'text/plain' : (request.headers.accept ?? '')
    const page = await sink.handler(new Request('http://page/', { headers: { accept } }))
    response.writeHead(page.status, Object.fromEntries(page.headers))
    response.end(Buffer.from(await page.arrayBuffer()))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

const key = (name: string, labels: Readonly<Record<string, string>>): string =>
  JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])

describe.skipIf(!installed('prometheus'))('Prometheus (skipped where it is not installed)', () => {
  const metrics = createMetrics({ exemplars: () => ({ traceId, spanId: 'b7ad6b7169203331' }) })
  const sink = prometheus()
  let server: Server
  let folder = ''
  let port = 0
  let process: ReturnType<typeof spawn>

  const query = async (promql: string): Promise<readonly Sample[]> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(promql)}`
    const response = await fetch(url).catch(() => undefined)
    const answer = (await response?.json()) as { data: { result: Sample[] } } | undefined
    return answer?.data.result ?? []
  }
  const number = async (promql: string): Promise<number> => Number((await query(promql))[0]?.value[1])

  beforeAll(async () => {
    metrics.attach(sink)
    record(metrics)
    server = await serve(sink)
    folder = await mkdtemp(join(tmpdir(), 'kit-page-'))
    port = await freePair()
    const targets = [`127.0.0.1:${(server.address() as AddressInfo).port}`]
    const job = (name: string, path: string): object => ({
      job_name: name,
      metrics_path: path,
      static_configs: [{ targets }],
    })
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [job('openmetrics', '/metrics'), job('text', '/text')],
    }
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config)) // JSON is YAML
    process = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    )
  })

  afterAll(async () => {
    process.kill()
    await new Promise((resolve) => process.once('exit', resolve))
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
    await rm(folder, { recursive: true })
  })

  it('scrapes the page in both formats', async () => {
    await expect.poll(() => number('sum(up)'), { timeout: 60_000, interval: 200 }).toBe(2)
  })

  it.each(['openmetrics', 'text'] as const)(
    'has every series of the page, value by value, from %s',
    async (format) => {
      const accept = format === 'text' ? undefined : 'application/openmetrics-text'
      const expected = new Map(
        parseExposition(await sink.text(accept), format)
          .filter(({ name }) => name.startsWith('page_'))
          .flatMap(({ samples }) => samples)
          .map(({ name, labels, value }) => [key(name, labels), value]),
      )
      expect(expected.size).toBeGreaterThan(1550)
      const stored = await query(`{job="${format}",__name__=~"page_.*"}`)
      const found = stored.map(
        ({ metric: { __name__: name = '', job: _job, instance: _instance, ...labels }, value }) => [
          key(name, labels),
          Number(value[1]),
        ],
      )
      expect(new Map(found as [string, number][])).toEqual(expected)
    },
  )

  it.each(['openmetrics', 'text'])('answers PromQL with the truth, from %s', async (job) => {
    const total = [0.1, 1.1, 2.1, 3.1, 4.1, 5.1, 6.1].reduce((a, b) => a + b)
    expect(await number(`sum(page_jobs_total{job="${job}"})`)).toBeCloseTo(total, 9)
    expect(await number(`count(page_many_total{job="${job}"})`)).toBe(1500)
    expect(await number(`sum(page_many_total{job="${job}"})`)).toBe((1499 * 1500) / 2)
    const observed = [1, 2, 3, 4, 5, 6, 7].flatMap((factor) => seconds.map((one) => one * factor))
    const upTo = (bound: number): number => observed.filter((value) => value <= bound).length
    expect(await number(`sum(page_took_seconds_count{job="${job}"})`)).toBe(observed.length)
    expect(await number(`sum(page_took_seconds_sum{job="${job}"})`)).toBeCloseTo(
      observed.reduce((a, b) => a + b),
      3,
    )
    // Linear interpolation within the bucket from 0.00001 to 0.5, which the rank of the quantile falls into.
    const rank = (upTo(0.00001) + upTo(0.5)) / 2
    const quantile = 0.00001 + (0.5 - 0.00001) / 2
    const buckets = `sum by (le) (page_took_seconds_bucket{job="${job}"})`
    expect(await number(`histogram_quantile(${rank / observed.length}, ${buckets})`)).toBeCloseTo(quantile, 9)
    expect(await number(`sum(page_signed_bucket{job="${job}",le=~"0|0.0"})`)).toBe(1)
  })

  it('stores the exemplars', async () => {
    const parameters = new URLSearchParams({
      query: 'page_took_seconds_bucket{job="openmetrics"}',
      start: '0',
      end: String(Date.now() / 1000 + 60),
    })
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query_exemplars?${parameters.toString()}`)
    const { data } = (await response.json()) as { data: { exemplars: { labels: { trace_id: string } }[] }[] }
    const ids = data.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id))
    expect(ids.length).toBeGreaterThan(20)
    expect(new Set(ids)).toEqual(new Set([traceId]))
  })
})
