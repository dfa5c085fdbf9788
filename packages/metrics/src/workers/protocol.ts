/**
 * What goes over between a worker and the thread or process that collects from it. A report defines instruments and
 * series once, by small numbers, and from then on carries numbers only. Its values are cumulative, so a report that
 * is late or left out loses nothing: the next one says it all.
 */

import type { InstrumentKind } from '../naming.ts'

/** The key that tells these messages from those of the user on the same channel. */
export const envelope = '@kit/metrics/workers@1'

/** Where a worker's values come from, which decides how the instrument is to be declared elsewhere. */
export type Origin = 'declared' | 'open' | 'verb' | 'observed'

/** An instrument of the worker. */
export interface InstrumentDefinition {
  readonly id: number
  readonly kind: InstrumentKind
  readonly name: string
  readonly unit: string
  readonly help: string
  readonly labels: readonly string[]
  readonly bounds: readonly number[]
  readonly native: boolean
  readonly origin: Origin
}

/** A series of the worker: its number, that of its instrument, its label values. */
export type SeriesDefinition = readonly [id: number, instrument: number, labelValues: readonly string[]]

/** The latest exemplar of one bucket of a series. */
export type ExemplarReport = readonly [
  series: number,
  bucket: number,
  value: number,
  time: number,
  traceId: string,
  spanId: string,
]

/** Some of what is new in the worker; a large report is several of these. */
export interface Part {
  readonly instruments: readonly InstrumentDefinition[]
  readonly series: readonly SeriesDefinition[]
  /** For each series that changed: its id, how many numbers follow, and these. */
  readonly numbers: ArrayLike<number>
  readonly exemplars: readonly ExemplarReport[]
  /** Series that will not be reported any more under this number. */
  readonly gone: readonly number[]
}

/** A part as it is sent. */
export interface Report extends Part {
  /** Counts messages from 1 on, so that one that is missing is noticed. */
  readonly sequence: number
  /** Whether it is the last part of a report, which is to be acknowledged. */
  readonly isLast: boolean
  /** On the last part: the number of the question that this report answers. */
  readonly answers?: number
}

/** What the collecting side says to a worker. */
export interface Reply {
  /** The sequence number of the last part of a report that arrived. */
  readonly got?: number
  /** Whether something did not make sense, so that everything has to be defined and said again. */
  readonly resync?: boolean
  /** Asks for a report now; the number comes back in it. */
  readonly ask?: number
}

/** Whether it is an object whose properties may be looked at. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The content of a message if it is in the envelope. */
export function opened(message: unknown): unknown {
  return isObject(message) && Object.hasOwn(message, envelope) ? message[envelope] : undefined
}

/** Reads a reply; undefined if it is none. */
export function readReply(message: unknown): Reply | undefined {
  if (!isObject(message)) return undefined
  const { got, resync, ask } = message
  return {
    ...(typeof got === 'number' ? { got } : {}),
    ...(typeof ask === 'number' ? { ask } : {}),
    resync: resync === true,
  }
}
