// The recordings of one level tree: which is concerned by a line, and the lowest level that any of them keeps.

import { createKey, current } from '@kit/context'
import type { Context, Key } from '@kit/context'
import { ContextRecording } from './recorder.ts'
import type { DumpReason, Recorder, ResolvedRecordOptions, WriteRecorded } from './recorder.ts'

/** What a dump of all recordings wrote. */
export interface DumpResult {
  /** Recordings that had lines to write. */
  readonly recordings: number
  /** The lines, without those that tell of them. */
  readonly lines: number
}

/** The recordings of one tree. */
export class Recordings {
  readonly #key: Key<Recorder | undefined> = createKey<Recorder>('log.recorder')
  readonly #active = new Set<ContextRecording>()
  /** How many are active of each level, whose numbers are tens. */
  readonly #counts: number[] = [0, 0, 0, 0, 0, 0, 0]
  readonly #moved: () => void

  /** `moved` is called when `floor` may be another. */
  constructor(moved: () => void) {
    this.#moved = moved
  }

  /** The lowest level that any of them keeps; `Infinity` when none is active. Looks at seven numbers. */
  get floor(): number {
    const lowest = this.#counts.findIndex((count) => count > 0)
    return lowest === -1 ? Infinity : lowest * 10
  }

  begin(ctx: Context, options: ResolvedRecordOptions, write: WriteRecorded): ContextRecording {
    const recording = new ContextRecording(ctx, this.#key, options, write, (over) => this.#end(over))
    this.#active.add(recording)
    this.#count(recording.threshold, 1)
    return recording
  }

  /** Where a line goes that is not written: to this, and to those around it that want it. */
  recorderOf(level: number, own: Context | undefined): Recorder | undefined {
    if (this.#active.size === 0) return undefined
    const recorder = (own ?? current()).value(this.#key)
    return recorder?.wants(level) === true ? recorder : undefined
  }

  /** Has each write what it keeps. */
  dump(why: DumpReason): DumpResult {
    let recordings = 0
    let lines = 0
    // Those of now: what is written may begin others.
    const active = [...this.#active]
    for (const recording of active) {
      const written = recording.show(why)
      if (written > 0) recordings += 1
      lines += written
    }
    return { recordings, lines }
  }

  #end(recording: ContextRecording): void {
    if (this.#active.delete(recording)) this.#count(recording.threshold, -1)
  }

  #count(threshold: number, by: 1 | -1): void {
    const at = threshold / 10
    const count = (this.#counts[at] ?? 0) + by
    this.#counts[at] = count
    // Otherwise there are others of this level, before and now.
    if (count === 0 || (count === 1 && by === 1)) this.#moved()
  }
}
