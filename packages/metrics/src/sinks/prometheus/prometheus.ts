/**
 * The Prometheus sink: a page for scrapers, as text or as a fetch-style handler.
 */

import { MetricsError } from '../../errors.ts'
import { checkOptions } from '../../options.ts'
import type { MetricSource, Sink } from '../../sink.ts'
import { contentTypes, negotiate, type ExpositionFormat } from './negotiate.ts'
import { Page } from './page.ts'

/** How the page is made. */
export interface PrometheusOptions {
  /** Put before every metric name, such as 'shop_'; none by default. */
  readonly prefix?: string
}

/**
 * A sink that is read by scrapes. It has no timers and sends nothing by itself, so `flush` has nothing to do.
 * It keeps its rendered text, as much memory as the page is long, and no scrape takes the event loop for longer
 * than about 64 kB of text at a time. Scrapes that come while one is being rendered share its page.
 */
export interface PrometheusSink extends Sink {
  /**
   * The page: Prometheus text 0.0.4, or OpenMetrics 1.0 when this Accept header prefers it. Rejects with
   * `KIT_METRIC_SINK_DETACHED` unless the sink is attached.
   */
  text(accept?: string): Promise<string>
  /** The Content-Type that goes with `text(accept)`. */
  contentType(accept?: string): string
  /**
   * Answers GET and HEAD, whatever the path: 200 with the page, 405 for other methods, 503 when the sink is not
   * attached. Never rejects. It asks for no authorization: mount it where only your scrapers reach it.
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

/** One rendered page, shared by all scrapes that came while it was made. */
interface Rendered {
  readonly slices: readonly string[]
  /** The slices as UTF-8, each encoded when it is first asked for. */
  readonly bytes: Uint8Array[]
}

class Exposition implements PrometheusSink {
  readonly name = 'prometheus'
  readonly handler: (request: Request) => Promise<Response>
  readonly #prefix: string
  readonly #pages = new Map<ExpositionFormat, Page>()
  readonly #rendering = new Map<ExpositionFormat, Promise<Rendered>>()
  #source: MetricSource | undefined

  constructor(prefix: string) {
    this.#prefix = prefix
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
    this.#source = undefined
    this.#pages.clear()
  }

  async text(accept?: string): Promise<string> {
    const { slices } = await this.#render(negotiate(accept))
    return slices.join('')
  }

  contentType(accept?: string): string {
    return contentTypes[negotiate(accept)]
  }

  async #handle(request: Request): Promise<Response> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return new Response('Use GET\n', { status: 405, headers: { allow: 'GET, HEAD' } })
    }
    const format = negotiate(request.headers.get('accept'))
    const headers = { 'content-type': contentTypes[format], 'cache-control': 'no-store', vary: 'accept' }
    try {
      const rendered = await this.#render(format)
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

  #render(format: ExpositionFormat): Promise<Rendered> {
    let rendering = this.#rendering.get(format)
    if (rendering === undefined) {
      rendering = this.#start(format).finally(() => this.#rendering.delete(format))
      this.#rendering.set(format, rendering)
    }
    return rendering
  }

  async #start(format: ExpositionFormat): Promise<Rendered> {
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
