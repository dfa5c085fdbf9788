// The exceptions to the levels of a tree: overrides and recordings. They lower the gates of all its loggers to the
// lowest level that one of them wants, and decide about the lines that come through because of it.

import { current } from '@kit/context'
import type { Context } from '@kit/context'
import { LogError } from './errors.ts'
import { MAX_OVERRIDES } from './override.ts'
import type { ActiveOverride } from './override.ts'
import type {
  ContextRecording,
  Recorder,
  ResolvedRecordOptions,
  WriteRecorded,
  DumpReason,
} from './recorder.ts'
import { Recordings } from './recordings.ts'
import type { DumpResult } from './recordings.ts'

/** Above every level, `silent` included: no exception lowers a gate. A small integer, as gates are. */
const NOTHING = 1000

/** The exceptions of one tree. */
export class Exceptions {
  /** The lowest level that any exception wants. */
  floor: number = NOTHING
  readonly #overrides = new Map<string, ActiveOverride>()
  readonly #recordings = new Recordings(() => this.#settle())
  readonly #moved: () => void
  /** A condition that logs must not be asked about its own lines. */
  #isAsking = false

  /** `moved` is called when the floor is another. */
  constructor(moved: () => void) {
    this.#moved = moved
  }

  /** Those that are active, oldest first. */
  overrides(): readonly ActiveOverride[] {
    return [...this.#overrides.values()]
  }

  override(id: string): ActiveOverride | undefined {
    return this.#overrides.get(id)
  }

  /** Throws a `LogError` with code `KIT_LOG_TOO_MANY_OVERRIDES` when no more fit. */
  checkRoom(): void {
    if (this.#overrides.size < MAX_OVERRIDES) return
    throw new LogError(
      'KIT_LOG_TOO_MANY_OVERRIDES',
      `${MAX_OVERRIDES} overrides are active, and no more can be. End one, or give them shorter lives.`,
    )
  }

  add(override: ActiveOverride): void {
    this.#overrides.set(override.id, override)
    this.#settle()
  }

  remove(override: ActiveOverride): void {
    this.#overrides.delete(override.id)
    this.#settle()
  }

  /** Whether an override wants a line that would not be written without it; such a line counts. Never throws. */
  admits(level: number, ctx: Context | undefined): boolean {
    const override = this.#asked(level, ctx)
    override?.count()
    return override !== undefined
  }

  /** Whether an override wants such a line, or a recording would keep it: of one that nobody writes yet. */
  wouldTake(level: number, ctx: Context | undefined): boolean {
    return this.#asked(level, ctx) !== undefined || this.recorderOf(level, ctx) !== undefined
  }

  /** Begins to record the lines of a context that are not written otherwise. */
  record(ctx: Context, options: ResolvedRecordOptions, write: WriteRecorded): ContextRecording {
    return this.#recordings.begin(ctx, options, write)
  }

  /** The recorder that keeps a line which is not written. */
  recorderOf(level: number, ctx: Context | undefined): Recorder | undefined {
    return this.#recordings.recorderOf(level, ctx)
  }

  /** Has all recordings write what they keep. */
  dump(why: DumpReason): DumpResult {
    return this.#recordings.dump(why)
  }

  #asked(level: number, own: Context | undefined): ActiveOverride | undefined {
    if (this.#isAsking || this.#overrides.size === 0) return undefined
    this.#isAsking = true
    try {
      const ctx = own ?? current()
      for (const override of this.#overrides.values()) {
        if (override.wants(level, ctx)) return override
      }
      return undefined
    } finally {
      this.#isAsking = false
    }
  }

  #settle(): void {
    let floor = Math.min(NOTHING, this.#recordings.floor)
    for (const { threshold } of this.#overrides.values()) floor = Math.min(floor, threshold)
    if (floor === this.floor) return
    this.floor = floor
    this.#moved()
  }
}
