/**
 * The Prometheus sink: a page for scrapers, as text or as a fetch-style handler.
 */

import { MetricsError } from '../../errors.ts'
import { checkOptions } from '../../options.ts'
import type { MetricSource, Sink } from '../../sink.ts'
import { answerHeaders, plainAnswer } from '../answer.ts'
import { ExposedRegistry } from './exposed-registry.ts'
import type { ExposableRegistry, MergeableRegistry } from './foreign.ts'
import { MergedRegistries, type MergeOptions } from './merged-registries.ts'
import { contentTypes, negotiate, type ExpositionFormat } from './negotiate.ts'
import { Page } from './page.ts'
import type { PulledPage } from './pulled-page.ts'
import { Rendered } from './rendered.ts'
import { SharedRun } from './shared-run.ts'

/** How the page is made. */
export interface PrometheusOptions {
  /** Put before every metric name, such as 'shop_'; none by default. */
  readonly prefix?: string | undefined
}

/**
 * A sink that is read by scrapes. It has no timers and sends nothing by itself, so `flush` has nothing to do.
 * Between scrapes it keeps, of instruments with 64 series or more, the label text in which each differs from the one before, some
 * 20 bytes a series and never over 72 on average, and of numbers that are fractions their digits, 36 bytes a series: for each
 * format that is asked for, and outside of the heap. No scrape takes the event loop for longer than about 110 kB of text at
 * a time. One that comes alone gets its page while it reads it, and nothing but a slice of it is in memory. Scrapes that
 * come together, or while such a page is read, share a page; one that comes while that is being made shares the
 * next, so that every page has all that was recorded before it was asked for.
 *
 * After `shutdown` the sink goes on showing the final numbers, for the last scrape of a service that drains. A sink
 * that was detached shows nothing, and lets go of the metrics. `text`, `contentType`, `handler` and `registry` need
 * no `this`.
 */
export interface PrometheusSink extends Sink {
  /**
   * The page: Prometheus text 0.0.4, or OpenMetrics 1.0 when this Accept header prefers it. Sums that left the
   * range of doubles are shown as the largest double. Rejects with `KIT_METRIC_SINK_DETACHED` before the sink is
   * attached and after it was detached.
   */
  readonly text: (accept?: string) => Promise<string>
  /** The Content-Type that goes with `text(accept)`. */
  readonly contentType: (accept?: string) => string
  /**
   * Answers GET and HEAD, whatever the path: 200 with the page, 405 for other methods, 503 where `text`
   * rejects with `KIT_METRIC_SINK_DETACHED`. Never rejects. It asks for no authorization: mount it where only your scrapers reach it.
   * A long page is a byte stream: read into memory of your own (a reader of mode `byob`), it takes no other.
   */
  readonly handler: (request: Request) => Promise<Response>
  /**
   * The page in the text format behind the part of a registry that the `Pushgateway` of prom-client and of
   * @prometheus-io/client needs as its third argument. `metrics()` rejects where `text` does.
   */
  readonly registry: PushableRegistry
  /**
   * Puts the metrics of a prom-client or @prometheus-io/client registry on this page, after ours, in the format that
   * is asked for and with the registry's default labels. Their metrics are asked at each scrape, each by itself: one
   * that throws, or takes longer than `timeoutMs`, is missing, counts as `observable_failed`, and touches no other.
   * A metric with a name that this page has already is left out (`conflict`), and so is every series that no page may
   * hold (`bad_name`, `bad_labels`, `bad_value`; `conflict` where it is there twice). `onProblem` tells which. May be
   * called before the sink is attached. Throws `KIT_METRIC_OPTION_INVALID` for what is no registry and for one that
   * is merged already. Returns what takes them off the page.
   */
  mergeWith(registry: MergeableRegistry, options?: MergeOptions): () => void
  /**
   * Puts our metrics into a prom-client or @prometheus-io/client registry: those that exist, and others as they come,
   * so that its `metrics()`, `getMetricsAsJSON()`, cluster aggregation and `resetMetrics()` cover them. A reset lets
   * counters and histograms begin at 0 there, and there only. A metric with a name that the registry has already is
   * left out, and counts as `conflict`. Their registry writes these in one turn of the event loop, as it does its own:
   * prefer `mergeWith` for many series. May be called before the sink is attached. Throws `KIT_METRIC_OPTION_INVALID`
   * for what is no registry and for one that ours are in already. Returns what takes ours out again.
   */
  exposeIn(registry: ExposableRegistry): () => void
}

/** As much of a registry as a Pushgateway client reads. */
export interface PushableRegistry {
  readonly contentType: string
  metrics(): Promise<string>
}

/** Creates a Prometheus sink; attach it to the metrics that it shall show. */
export function prometheus(options: PrometheusOptions = {}): PrometheusSink {
  checkOptions('prometheus', options, ['prefix'])
  const prefix: unknown = options.prefix ?? ''
  if (typeof prefix !== 'string' || !/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/.test(prefix)) {
    throw new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      "prometheus: the prefix may hold letters, digits, '_' and ':', and must not start with a digit",
    )
  }
  return new Exposition(prefix)
}

class Exposition implements PrometheusSink {
  readonly name = 'prometheus'
  readonly text: (accept?: string) => Promise<string>
  readonly contentType: (accept?: string) => string
  readonly handler: (request: Request) => Promise<Response>
  readonly registry: PushableRegistry
  readonly #prefix: string
  readonly #merged = new MergedRegistries()
  readonly #exposed = new Map<ExposableRegistry, ExposedRegistry>()
  #pages: Readonly<Record<ExpositionFormat, Page>> | undefined
  readonly #renderings: Readonly<Record<ExpositionFormat, SharedRun<Rendered | PulledPage>>>
  /** The page that is being written while it is read. Weak: a reader may let go of it and say nothing. */
  #pulled: WeakRef<PulledPage> | undefined
  #source: MetricSource | undefined

  constructor(prefix: string) {
    this.#prefix = prefix
    this.#renderings = {
      text: new SharedRun((readers) => this.#render('text', readers)),
      openmetrics: new SharedRun((readers) => this.#render('openmetrics', readers)),
    }
    this.text = async (accept) => (await this.#renderings[negotiate(accept)].join()).text()
    this.contentType = (accept) => contentTypes[negotiate(accept)]
    this.handler = (request) => this.#handle(request)
    this.registry = { contentType: contentTypes.text, metrics: () => this.text() }
  }

  start(source: MetricSource): void {
    if (this.#source !== undefined) {
      throw new MetricsError(
        'KIT_METRIC_SINK_INVALID',
        'prometheus: this sink is attached already; create another',
      )
    }
    this.#source = source
    for (const exposed of this.#exposed.values()) exposed.start(source)
  }

  async stop(): Promise<void> {
    if (this.#source?.ended === true) return
    this.#source = undefined
    this.#pages = undefined
    for (const exposed of this.#exposed.values()) exposed.stop()
  }

  mergeWith(registry: MergeableRegistry, options: MergeOptions = {}): () => void {
    checkOptions('mergeWith', options, ['timeoutMs', 'onProblem'])
    return this.#merged.add(registry, options)
  }

  exposeIn(registry: ExposableRegistry): () => void {
    checkExposable(registry)
    if (this.#exposed.has(registry)) {
      throw new MetricsError(
        'KIT_METRIC_OPTION_INVALID',
        'exposeIn: these metrics are in this registry already',
      )
    }
    const exposed = new ExposedRegistry(registry, this.#prefix)
    this.#exposed.set(registry, exposed)
    if (this.#source !== undefined) exposed.start(this.#source)
    return () => {
      exposed.end()
      if (this.#exposed.get(registry) === exposed) this.#exposed.delete(registry)
    }
  }

  async #handle(request: Request): Promise<Response> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return plainAnswer(405, 'Use GET', { allow: 'GET, HEAD' })
    }
    const format = negotiate(request.headers.get('accept'))
    const headers = { 'content-type': contentTypes[format], vary: 'accept', ...answerHeaders }
    try {
      if (request.method === 'HEAD') {
        this.#requireSource()
        return new Response(null, { headers })
      }
      return new Response((await this.#renderings[format].join()).body(), { headers })
    } catch (error) {
      const attached = !(error instanceof MetricsError)
      return attached ? plainAnswer(500, 'The page could not be rendered') : plainAnswer(503, error.message)
    }
  }

  /**
   * One reader alone gets a page that is written while it is read, unless another one is, which may take as long as its
   * reader likes. Those who come meanwhile share pages that are written first.
   */
  async #render(format: ExpositionFormat, readers: number): Promise<Rendered | PulledPage> {
    const source = this.#requireSource()
    this.#pages ??= { text: this.#createPage('text'), openmetrics: this.#createPage('openmetrics') }
    const page = this.#pages[format]
    if (readers > 1 || this.#pulled?.deref() !== undefined || !page.canBePulled) {
      return new Rendered(await page.render(source), readers)
    }
    const pulled = page.pull(source, () => {
      if (this.#pulled?.deref() === pulled) this.#pulled = undefined
    })
    this.#pulled = new WeakRef(pulled)
    return pulled
  }

  #requireSource(): MetricSource {
    if (this.#source !== undefined) return this.#source
    throw new MetricsError(
      'KIT_METRIC_SINK_DETACHED',
      'prometheus: this sink is not attached; call metrics.attach(sink)',
    )
  }

  #createPage(format: ExpositionFormat): Page {
    return new Page(format, this.#prefix, this.#merged)
  }
}

const registryMethods = [
  'getMetricsAsArray',
  'getSingleMetric',
  'registerMetric',
  'removeSingleMetric',
] as const

function checkExposable(registry: unknown): asserts registry is ExposableRegistry {
  const given = registry as Partial<ExposableRegistry> | null | undefined
  if (registryMethods.every((method) => typeof given?.[method] === 'function')) return
  throw new MetricsError(
    'KIT_METRIC_OPTION_INVALID',
    `exposeIn: a registry has the methods ${registryMethods.join(', ')}, like those of prom-client`,
  )
}
