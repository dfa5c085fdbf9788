// What the package had to give up, counted. Logging never throws and never waits without bound, so these
// numbers are the only trace of a lost line or field; the process has one set of them.

import type { Key } from '@kit/context'
import type { ContextFields } from './context-fields.ts'
import type { LogEvent } from './event.ts'
import type { Logger } from './logger.ts'
import type { RecordingRegistry } from './recording-registry.ts'
import type { KnownFacts } from './request-facts.ts'

/** Counts since the process started, which only grow, and what recordings keep now. */
export interface LogStats extends LogCounts {
  /** Recordings that are active now. */
  readonly activeRecordings: number
  /** Characters of the lines that those keep now. */
  readonly recordedCharacters: number
}

/** Counts since the process started. */
export interface LogCounts {
  /** Lines that reached no destination: the disk was full, the pipe closed or stalled, `write` threw. */
  readonly droppedLines: number
  /** Values replaced by a marker because reading them threw, or left out because the line was full. */
  readonly droppedFields: number
  /** Values cut at a limit: a long string, a wide or deep object. */
  readonly truncatedValues: number
  /** Named loggers that share their parent's level because the level tree is full. */
  readonly foldedNames: number
  /** Listeners of `levels.onChange`, and carriers of levels, that threw. */
  readonly failedListeners: number
  /** Times that a log file could not be opened again by its path; its lines went on to the old one. */
  readonly failedReopens: number
  /** Times that the condition of an override threw. */
  readonly failedOverrides: number
  /** Requests of whose baggage not all was read when an override asked: it has more than 8,192 bytes, or 64 members. */
  readonly limitedBaggage: number
  /** Lines that the option `sampling` left out. */
  readonly sampledLines: number
  /** Lines that the option `repeats` held back. */
  readonly repeatedLines: number
  /** Records that somebody of the option `records` did not take, because it threw or had nowhere to send them. */
  readonly failedRecords: number
  /** Recorded lines that fell out of their recording before anybody could want them: it was full, or evicted. */
  readonly lostRecordedLines: number
  /** Recordings that were ended because there were too many in the process, or they kept too much together. */
  readonly evictedRecordings: number
}

/** What all copies of this package in one process share. */
export interface ProcessState {
  readonly stats: { -readonly [Name in keyof LogCounts]: LogCounts[Name] }
  defaultLogger: Logger | undefined
  contextKey: Key<ContextFields | undefined> | undefined
  eventKey: Key<LogEvent | undefined> | undefined
  requestKey: Key<KnownFacts | undefined> | undefined
  recordings: RecordingRegistry | undefined
}

const ZERO: LogCounts = {
  droppedLines: 0,
  droppedFields: 0,
  truncatedValues: 0,
  foldedNames: 0,
  failedListeners: 0,
  failedReopens: 0,
  failedOverrides: 0,
  limitedBaggage: 0,
  sampledLines: 0,
  repeatedLines: 0,
  failedRecords: 0,
  lostRecordedLines: 0,
  evictedRecordings: 0,
}
const anchor = Symbol.for('@kit/log@1')

/** The shared state, created by whichever copy of the package is loaded first. */
export const processState: ProcessState = shareState()

/** The counters that the code of this package increments. */
export const stats: ProcessState['stats'] = processState.stats

/** A copy of the process-wide counts of what logging had to give up, and what recordings keep. */
export function logStats(): LogStats {
  const { recordings } = processState
  return {
    ...stats,
    activeRecordings: recordings?.active.size ?? 0,
    recordedCharacters: recordings?.characters ?? 0,
  }
}

function shareState(): ProcessState {
  const home: typeof globalThis & { [anchor]?: ProcessState } = globalThis
  home[anchor] ??= {
    stats: { ...ZERO },
    defaultLogger: undefined,
    contextKey: undefined,
    eventKey: undefined,
    requestKey: undefined,
    recordings: undefined,
  }
  // An older copy of the package may have made it, without the counts that are newer.
  Object.assign(home[anchor].stats, { ...ZERO, ...home[anchor].stats })
  return home[anchor]
}
