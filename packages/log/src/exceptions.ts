// The exceptions to the levels of a tree: overrides and recordings. They lower the gates of all its loggers to the
// lowest level that one of them wants, and decide about the lines that come through because of it.

import { current } from '@kit/context'
import type { Context } from '@kit/context'
import { LogError } from './errors.ts'
import { MAX_OVERRIDES } from './override.ts'
import type { ActiveOverride } from './override.ts'

/** Above every level, `silent` included: no exception lowers a gate. A small integer, as gates are. */
const NOTHING = 1000

/** The exceptions of one tree. */
export class Exceptions {
  /** The lowest level that any exception wants. */
  floor: number = NOTHING
  readonly #overrides = new Map<string, ActiveOverride>()
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

  /** Whether an override wants a line that its logger's level refuses; such a line counts. Never throws. */
  admits(level: number, ctx: Context | undefined): boolean {
    const override = this.#asked(level, ctx)
    override?.count()
    return override !== undefined
  }

  /** Likewise, of a line that nobody writes yet. */
  wouldAdmit(level: number, ctx: Context | undefined): boolean {
    return this.#asked(level, ctx) !== undefined
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
    let floor = NOTHING
    for (const { threshold } of this.#overrides.values()) floor = Math.min(floor, threshold)
    if (floor === this.floor) return
    this.floor = floor
    this.#moved()
  }
}
