/**
 * Responses that are meant to last: streams of events, and connections that went over to another protocol. How long they take
 * says nothing about how fast a service is, and a few of them would spoil every percentile; so they are counted apart from the
 * other requests, each once.
 */

import type { Histogram, Metrics } from '@kit/metrics'
import { lookAtConnections } from './connection-end.ts'
import type { StreamKind } from './exchange.ts'
import type { Verdict } from './outcome.ts'

/** A stream that has not ended. */
export interface OpenStream {
  /** The template of its route as far as it is known, else ''. */
  template(): string
}

/** From a second to a day. */
const durationBuckets: readonly number[] = [
  1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400,
]

/** The streams that are recorded into one set of metrics. */
export class StreamInstruments {
  readonly #duration: Histogram<
    'http.request.method' | 'url.scheme' | 'http.route' | 'http.response.status_code' | 'error.type' | 'kind'
  >
  readonly #open: Map<OpenStream, StreamKind>

  constructor(metrics: Metrics) {
    this.#duration = metrics.histogram('http.server.stream.duration', {
      help: 'Time from the arrival of a request until the stream that answered it closed.',
      unit: 's',
      labels: [
        'http.request.method',
        'url.scheme',
        'http.route',
        'http.response.status_code',
        'error.type',
        'kind',
      ],
      buckets: durationBuckets,
    })
    this.#open = new Map()
    metrics.observable(
      'http.server.stream.active',
      {
        help: 'Streams of events and upgraded connections that have not closed yet; they are among the active requests too.',
        unit: '{stream}',
        labels: ['kind', 'http.route'],
      },
      () => this.#count(),
    )
  }

  /** `stream` is one from now on. */
  enter(stream: OpenStream, kind: StreamKind): void {
    this.#open.set(stream, kind)
  }

  /** It has ended, or never was one. */
  leave(stream: OpenStream): void {
    this.#open.delete(stream)
  }

  closed(
    kind: StreamKind,
    method: string,
    scheme: string,
    route: string,
    { status, errorType }: Verdict,
    seconds: number,
  ): void {
    const labels = {
      'http.request.method': method,
      'url.scheme': scheme,
      'http.route': route,
      'http.response.status_code': status,
      'error.type': errorType,
      kind,
    }
    this.#duration.observe(labels, seconds)
  }

  /** Node tells nobody when the head of a response is sent, so whoever wants to know has to look. */
  #count(): Iterable<readonly [Record<'kind' | 'http.route', string>, number]> {
    lookAtConnections()
    const counts = new Map<string, [Record<'kind' | 'http.route', string>, number]>()
    for (const [stream, kind] of this.#open) {
      const route = stream.template()
      const key = `${kind} ${route}`
      const known = counts.get(key)
      if (known === undefined) counts.set(key, [{ kind, 'http.route': route }, 1])
      else known[1] += 1
    }
    return counts.values()
  }
}

const instrumentsOf = new WeakMap<Metrics, StreamInstruments>()

/** Those of `metrics`: the same for every observer, as a series can be reported by one only. */
export function streamInstruments(metrics: Metrics): StreamInstruments {
  const known = instrumentsOf.get(metrics)
  if (known !== undefined) return known
  const made = new StreamInstruments(metrics)
  instrumentsOf.set(metrics, made)
  return made
}

const eventStream = /^text\/event-stream\s*(?:;|$)/i

/** What a response of this status and media type is to be counted as; undefined for an ordinary one. */
export function streamKind(method: string, status: number, contentType: unknown): StreamKind | undefined {
  if (status === 101) return 'upgrade'
  if (status < 200 || status > 299 || method === 'HEAD') return undefined
  if (method === 'CONNECT') return 'upgrade'
  return typeof contentType === 'string' && isEventStream(contentType) ? 'events' : undefined
}

/** One letter tells that nearly every other type is none. */
function isEventStream(contentType: string): boolean {
  return contentType[5]?.toLowerCase() === 'e' && eventStream.test(contentType)
}
