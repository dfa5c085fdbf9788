// The flight recorder: the lines of one request that its loggers' levels refuse are kept for a while, and written
// when it turns out that somebody needs them. Lines find the recorder through their context, so those of
// module-level loggers do too. This file has one recording; `recordings.ts` has all of a level tree.

import type { Context, Key } from '@kit/context'
import { checkOptionNames, described, LogError } from './errors.ts'
import { KeptLines } from './kept-lines.ts'
import type { KeptLine } from './kept-lines.ts'
import { requireLevel, SILENT } from './level.ts'
import type { LineLevel } from './level.ts'
import { enter, keptMore, leave } from './recording-registry.ts'
import type { Evictable } from './recording-registry.ts'
import { stats } from './stats.ts'

/** What a recording keeps. */
export interface RecordOptions {
  /** Lines of this level and above, as far as they are not written anyway. Default `debug`. */
  level?: LineLevel | (string & {}) | undefined
  /** Lines that are kept at a time; for one more the oldest falls out. 1 to 10,000, default 200. */
  maxLines?: number | undefined
  /**
   * Characters that are kept at a time, fields and messages with 64 more for each line; likewise. 1,024 to 1,048,576,
   * default 65,536.
   */
  maxCharacters?: number | undefined
}

/** A recording of the lines of one context. */
export interface Recording extends Disposable {
  /** The context whose lines are recorded, and those of contexts derived from it. */
  readonly ctx: Context
  /** Lines that a `dump` would write now. */
  readonly lines: number
  /**
   * Writes the lines that are kept, in their order, each with its own time and with the field `recorded`, behind one
   * line that tells how many they are, how many fell out, and the reason. Nothing is written if there is nothing to
   * tell. The recording goes on, so a later `dump` writes what came after this one. Returns how many lines it wrote,
   * that one aside. Never throws.
   */
  dump(reason?: string): number
  /** Ends the recording; what it keeps is never written. Idempotent. */
  discard(): void
  /** Likewise. */
  [Symbol.dispose](): void
}

const OPTION_NAMES = ['level', 'maxLines', 'maxCharacters']
const MAX_LINES = 10_000
const MIN_CHARACTERS = 1024
const MAX_CHARACTERS = 1_048_576

/** `RecordOptions`, complete. */
export interface ResolvedRecordOptions {
  readonly threshold: number
  readonly maxLines: number
  readonly maxCharacters: number
}

/** Throws `LogError`: `KIT_LOG_UNKNOWN_OPTION`, `KIT_LOG_BAD_LEVEL`, `KIT_LOG_BAD_OPTION`. */
export function resolveRecordOptions(options: RecordOptions): ResolvedRecordOptions {
  checkOptionNames('log.record', options, OPTION_NAMES)
  const { level = 'debug', maxLines = 200, maxCharacters = 65_536 } = options
  const threshold = requireLevel(level)
  if (threshold === SILENT) {
    throw new LogError('KIT_LOG_BAD_LEVEL', 'A recording keeps lines: its level cannot be silent.')
  }
  checkCount('maxLines', maxLines, 1, MAX_LINES)
  checkCount('maxCharacters', maxCharacters, MIN_CHARACTERS, MAX_CHARACTERS)
  return { threshold, maxLines, maxCharacters }
}

function checkCount(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new LogError(
    'KIT_LOG_BAD_OPTION',
    `${name} is a whole number from ${least} to ${most}, not ${described(value)}.`,
  )
}

/** Writes what was taken out of a recording. Returns how many lines. Never throws. */
export type WriteRecorded = (
  ctx: Context,
  lines: readonly KeptLine[],
  lost: number,
  why: DumpReason,
) => number

/** Why lines are shown. */
export interface DumpReason {
  readonly reason: string | undefined
  /** Who asked, where somebody did. */
  readonly by?: string | undefined
}

/** What contexts carry: where their lines go while the recording is active. */
export class Recorder implements Evictable {
  readonly threshold: number
  /** The recording within which this one was made; one that was over by then is left out, so that chains stay short. */
  readonly outer: Recorder | undefined
  /** Undefined once it is over, as is `#kept`: then only the `Recording` has the lines, and whoever has that. */
  #ended: (() => void) | undefined
  #kept: KeptLines | undefined

  /** `ended` is called once, when it is over. */
  constructor(threshold: number, kept: KeptLines, outer: Recorder | undefined, ended: () => void) {
    this.threshold = threshold
    this.outer = outer
    this.#kept = kept
    this.#ended = ended
    enter(this)
  }

  /** This one, or the nearest around it that is active. */
  get active(): Recorder | undefined {
    return this.#kept === undefined ? this.outer?.active : this
  }

  /** Whether it, or one around it, keeps lines of this level. */
  wants(level: number): boolean {
    return (this.#kept !== undefined && level >= this.threshold) || this.outer?.wants(level) === true
  }

  /** Keeps a line, as do those around it that want it. */
  keep(line: KeptLine): void {
    this.outer?.keep(line)
    if (line.level >= this.threshold) this.#push(line)
  }

  /** Empties it. */
  take(kept: KeptLines): { readonly lines: readonly KeptLine[]; readonly lost: number } {
    if (this.#kept !== undefined) keptMore(-kept.characters)
    return kept.take()
  }

  /** Records no more. The lines stay with the `Recording`. */
  finish(): void {
    const kept = this.#kept
    const ended = this.#ended
    if (kept === undefined) return
    this.#kept = undefined
    this.#ended = undefined
    leave(this, kept.characters)
    ended?.()
  }

  evict(): void {
    const kept = this.#kept
    this.finish()
    stats.lostRecordedLines += kept?.drop() ?? 0
  }

  #push(line: KeptLine): void {
    const kept = this.#kept
    if (kept === undefined) return
    const before = kept.characters
    stats.lostRecordedLines += kept.push(line)
    keptMore(kept.characters - before)
  }
}

/** The recording that its user holds. */
export class ContextRecording implements Recording {
  readonly ctx: Context
  /** The level of its lines. */
  readonly threshold: number
  readonly #recorder: Recorder
  readonly #kept: KeptLines
  readonly #write: WriteRecorded
  #stop: (() => boolean) | undefined

  constructor(
    ctx: Context,
    key: Key<Recorder | undefined>,
    options: ResolvedRecordOptions,
    write: WriteRecorded,
    ended: (recording: ContextRecording) => void,
  ) {
    this.threshold = options.threshold
    this.#kept = new KeptLines(options.maxLines, options.maxCharacters)
    const recorder = new Recorder(this.threshold, this.#kept, ctx.value(key)?.active, () => {
      this.#stop?.()
      ended(this)
    })
    this.#recorder = recorder
    this.ctx = ctx.withValue(key, recorder)
    this.#write = write
    this.#stop = ctx.afterFunc(() => recorder.finish())
  }

  get lines(): number {
    return this.#kept.unwritten
  }

  dump(reason?: string): number {
    return this.show({ reason })
  }

  /** `dump`, with more to say about it. */
  show(why: DumpReason): number {
    const { lines, lost } = this.#recorder.take(this.#kept)
    // At once: a destination may dump another recording that has them.
    for (const line of lines) line.isWritten = true
    return this.#write(this.ctx, lines, lost, why)
  }

  discard(): void {
    this.#recorder.take(this.#kept)
    this.#recorder.finish()
  }

  [Symbol.dispose](): void {
    this.discard()
  }
}
