/**
 * What a published promise is, to the runner: a number, what it says, how it is tried, and the bugs that the trial must
 * find. A module under `promises/` exports one, by the name `promise`; a trial runs in a process of its own.
 */

/** When a trial runs: with each change, at night, before a release. */
export type Tier = 'change' | 'nightly' | 'release'

/** A promise of `docs/promises.md`. */
export interface PublishedPromise {
  /** Its number, `R3`. Never given to another promise. */
  readonly id: string
  /** What is promised, in one sentence for users, without the figures. */
  readonly says: string
  /** The tiers in which there is something to try. */
  readonly tiers: readonly Tier[]
  /** Programs and kernel features without which it is skipped, by name. */
  readonly needs?: readonly Tool[]
  /** Whether its figures are times: then no other trial runs beside it. Default false. */
  readonly alone?: boolean
  /**
   * The code that it speaks of, as paths from the root of the repository (files, or folders with all sources under
   * them). A figure is stale when the text of these has changed since. As narrow as is honest.
   */
  readonly speaksOf: readonly string[]
  /** Tries it. What it reports is compared with the limits; a rejection is a failure of the trial. */
  run(trial: Trial): Promise<void>
  /** Bugs which the trial of the lowest tier must find, each by at least one figure beyond its limit or by failing. */
  readonly plants: readonly Plant[]
}

/** A program or a feature of the system that a trial needs. */
export type Tool =
  | 'promtool'
  | 'strace'
  | 'faketime'
  | 'slowhttptest'
  | 'network namespace'
  | 'tmpfs'
  | '/dev/full'
  | 'chromium'

/** What a trial is given. */
export interface Trial {
  readonly tier: Tier
  /** Where randomness begins: the same seed gives the same trial. */
  readonly seed: number
  /**
   * The root of the repository, for what is only there: sources, suites, installed programs. Trials run in a copy of what
   * is built; a planted bug is in the copy and not here.
   */
  readonly checkout: string
  /** A folder for the trial's files, removed after it. */
  readonly folder: string
  /** The figure for the tier, since all else about a trial is the same. */
  pick<T>(byTier: Readonly<Record<Tier, T>>): T
  /** Reports a figure. */
  figure(figure: Figure): void
  /** How far the trial is, for whoever waits. */
  progress(done: number, total: number, unit: string): void
  /** A curve for the report of long runs: `points` are pairs of x and y. */
  plot(title: string, x: string, y: string, points: readonly (readonly [number, number])[]): void
}

/** One measured figure and the bound that was promised for it. */
export interface Figure {
  /** What was measured, unique within the promise: `series after a million values`. */
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The promised bound, inclusive. Without any the figure is there to be read, not to be judged. */
  readonly atMost?: number
  readonly atLeast?: number
  readonly exactly?: number
}

/** A bug, as one replacement in a copy of the built packages. */
export interface Plant {
  /** What is broken, `the budget is not looked at`. */
  readonly bug: string
  /** The built file, from the folder of the packages: `metrics/dist/series.js`. */
  readonly file: string
  /** Must occur exactly once in the file. */
  readonly find: string
  readonly replace: string
}

/** Whether a figure keeps its bound. What is no finite number keeps none, also after its way as JSON, where it is null. */
export function keeps({ value, atMost, atLeast, exactly }: Figure): boolean {
  if (!Number.isFinite(value)) return false
  if (exactly !== undefined && value !== exactly) return false
  return (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast)
}
