/* The libraries that have pages for scrapers, each as something that records under labels and makes a page. */
import { setImmediate } from 'node:timers/promises'
import type { PrometheusSink } from '@kit/metrics/prometheus'
import { elevenBuckets, labelNames, type RequestLabels } from './labels.ts'
import { kitMetrics, openTelemetry, otelMeter, promClients } from './libraries.ts'

/** One instrument and its page. */
export interface Population {
  /** Records a value in the series of these labels. */
  record(labels: RequestLabels, value: number): void
  readonly page: () => Promise<string>
  /** Makes the page in bytes, as it is served: piece by piece where the library can do that. */
  readonly serve: () => Promise<unknown>
}

/** What series are counted. */
export type Kind = 'counters' | 'histograms'

/** A way to make a population. */
export interface Maker {
  readonly name: string
  readonly minimumNode: number
  make(kind: Kind): Promise<Population>
}

/** Kit with its Prometheus sink. */
export const kitMaker: Maker = {
  name: 'kit',
  minimumNode: 0,
  async make(kind) {
    const { prometheus } = await import('@kit/metrics/prometheus')
    const metrics = await kitMetrics()
    const sink = prometheus()
    metrics.attach(sink)
    const ways = { page: () => sink.text(), serve: () => drain(sink) }
    if (kind === 'counters') {
      const requests = metrics.counter('requests', { labels: labelNames })
      return { record: (labels) => requests.inc(labels), ...ways }
    }
    const spec = { unit: 's', labels: labelNames, buckets: elevenBuckets } as const
    const duration = metrics.histogram('request.duration', spec)
    return { record: (labels, value) => duration.observe(labels, value), ...ways }
  },
}

/** What kit's server reads of a body at first, and at a time then. */
const firstRead = 4096
const readAtOnce = 122_880

/**
 * Reads what the handler sends as kit's server does, into the same memory again and again, and lets it go. Like a
 * connection it is ready for more in the next turn only.
 */
async function drain({ handler }: PrometheusSink): Promise<number> {
  const { body } = await handler(new Request('http://localhost/metrics'))
  let length = 0
  let memory = new Uint8Array(firstRead)
  const reader = body!.getReader({ mode: 'byob' })
  for (;;) {
    const { done, value } = await reader.read(memory)
    if (done) return length
    length += value.byteLength
    const { buffer } = value
    memory = buffer.byteLength === readAtOnce ? new Uint8Array(buffer) : new Uint8Array(readAtOnce)
    await setImmediate()
  }
}

/** What `response.end(page)` does with a string. */
async function encode(page: () => Promise<string>): Promise<number> {
  return Buffer.from(await page()).byteLength
}

const rivals = promClients.map(({ name, minimumNode, load }): Maker => ({
  name,
  minimumNode,
  async make(kind) {
    const { Counter, Histogram, Registry } = await load()
    const registry = new Registry()
    const common = { help: 'h', labelNames, registers: [registry] }
    const page = (): Promise<string> => registry.metrics()
    if (kind === 'counters') {
      const requests = new Counter({ ...common, name: 'requests_total' })
      return { record: (labels) => requests.inc(labels), page, serve: () => encode(page) }
    }
    const duration = new Histogram({ ...common, name: 'request_duration_seconds', buckets: elevenBuckets })
    return { record: (labels, value) => duration.observe(labels, value), page, serve: () => encode(page) }
  },
}))

const otel: Maker = {
  ...openTelemetry,
  async make(kind) {
    const { meter, page } = otelMeter()
    if (kind === 'counters') {
      const requests = meter.createCounter('requests')
      return { record: (labels) => requests.add(1, labels), page, serve: () => encode(page) }
    }
    const advice = { explicitBucketBoundaries: elevenBuckets }
    const duration = meter.createHistogram('request_duration_seconds', { advice })
    return { record: (labels, value) => duration.record(value, labels), page, serve: () => encode(page) }
  },
}

/** Kit first. */
export const makers: readonly Maker[] = [kitMaker, ...rivals, otel]

/** What most people use. */
export const promMaker: Maker = rivals[0]!

/** Throws unless a page shows so many series of a kind. Regular expressions would keep the page. */
export function checkPage(kind: Kind, count: number, page: string): void {
  const line = kind === 'counters' ? '\nrequests_total{' : '\nrequest_duration_seconds_count{'
  let found = 0
  for (let at = page.indexOf(line); at >= 0; at = page.indexOf(line, at + 1)) found++
  if (found !== count) throw new Error(`the page shows ${found} series, not ${count}`)
}
