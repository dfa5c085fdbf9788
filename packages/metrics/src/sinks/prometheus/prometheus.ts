/**
 * The Prometheus sink: a page for scrapers, as text or as a fetch-style handler.
 */

import { MetricsError } from '../../errors.ts'
import { checkOptions } from '../../options.ts'
import type { MetricSource, Sink } from '../../sink.ts'
import { contentTypes, negotiate, type ExpositionFormat } from './negotiate.ts'
import { Page } from './page.ts'
import { SharedRun } from './shared-run.ts'

/** How the page is made. */
export interface PrometheusOptions {
  /** Put before every metric name, such as 'shop_'; none by default. */
  readonly prefix?: string | undefined
}

/**
 * A sink that is read by scrapes. It has no timers and sends nothing by itself, so `flush` has nothing to do.
 * It keeps its rendered text, as much memory as the page is long, and no scrape takes the event loop for longer
 * than about 64 kB of text at a time. Scrapes that come together share a page; one that comes while a page is being
 * made shares the next, so that every page has all that was recorded before it was asked for.
 *
 * After `shutdown` the sink goes on showing the final numbers, for the last scrape of a service that drains. A sink
 * that was detached shows nothing, and lets go of the metrics. `text`, `contentType` and `handler` need no `this`.
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
   */
  readonly handler: (request: Request) => Promise<Response>
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

/** One rendered page, shared by all scrapes that came before it was begun. */
interface Rendered {
  readonly slices: readonly string[]
  /** The slices as UTF-8, each encoded when it is first asked for. */
  readonly bytes: Uint8Array[]
}

class Exposition implements PrometheusSink {
  readonly name = 'prometheus'
  readonly text: (accept?: string) => Promise<string>
  readonly contentType: (accept?: string) => string
  readonly handler: (request: Request) => Promise<Response>
  readonly #prefix: string
  readonly #pages = new Map<ExpositionFormat, Page>()
  readonly #renderings: Readonly<Record<ExpositionFormat, SharedRun<Rendered>>>
  #source: MetricSource | undefined

  constructor(prefix: string) {
    this.#prefix = prefix
    this.#renderings = {
      text: new SharedRun(() => this.#render('text')),
      openmetrics: new SharedRun(() => this.#render('openmetrics')),
    }
    this.text = async (accept) => (await this.#renderings[negotiate(accept)].join()).slices.join('')
    this.contentType = (accept) => contentTypes[negotiate(accept)]
    this.handler = (request) => this.#handle(request)
  }

  start(source: MetricSource): void {
    if (this.#source !== undefined) {
      throw new MetricsError(
        'KIT_METRIC_SINK_INVALID',
        'prometheus: this sink is attached already; create another',
      )
    }
    this.#source = source
  }

  async stop(): Promise<void> {
    if (this.#source?.ended === true) return
    this.#source = undefined
    this.#pages.clear()
  }

  async #handle(request: Request): Promise<Response> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return new Response('Use GET\n', { status: 405, headers: { allow: 'GET, HEAD' } })
    }
    const format = negotiate(request.headers.get('accept'))
    const headers = { 'content-type': contentTypes[format], 'cache-control': 'no-store', vary: 'accept' }
    try {
      const rendered = await this.#renderings[format].join()
      if (request.method === 'HEAD') return new Response(null, { headers })
      return new Response(bodyOf(rendered), { headers })
    } catch (error) {
      const attached = !(error instanceof MetricsError)
      return new Response(attached ? 'The page could not be rendered\n' : `${error.message}\n`, {
        status: attached ? 500 : 503,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      })
    }
  }

  async #render(format: ExpositionFormat): Promise<Rendered> {
    const source = this.#source
    if (source === undefined) {
      throw new MetricsError(
        'KIT_METRIC_SINK_DETACHED',
        'prometheus: this sink is not attached; call metrics.attach(sink)',
      )
    }
    let page = this.#pages.get(format)
    if (page === undefined) this.#pages.set(format, (page = new Page(format, this.#prefix)))
    return { slices: await page.render(source), bytes: [] }
  }
}

/** The page as bytes, slice by slice, so that encoding a long page does not take one long turn either. */
function bodyOf({ slices, bytes }: Rendered): string | ReadableStream<Uint8Array> {
  if (slices.length === 1) return slices[0]!
  let next = 0
  return new ReadableStream({
    pull(controller) {
      const slice = (bytes[next] ??= Buffer.from(slices[next]!))
      // A copy, since whoever reads the stream may transfer what it gets, and others read the same page.
      controller.enqueue(new Uint8Array(slice))
      next++
      if (next === slices.length) controller.close()
    },
  })
}
