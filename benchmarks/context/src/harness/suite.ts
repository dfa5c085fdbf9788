/*
 * What a benchmark consists of. A suite is a module that exports `suite`; both the parent and every child process import
 * it, so importing it must be cheap and without effect: a case loads the library that it measures in `prepare`.
 */

/** All that one benchmark measures. */
export interface Suite<G extends Group = Group> {
  /** The heading of the results. */
  readonly title: string
  readonly groups: readonly G[]
  readonly retention: readonly RetentionGroup[]
}

/** Cases that do the same work, to be compared with the first of them. */
export interface Group {
  /** Short and unique: `--only` looks for it. */
  readonly name: string
  /** The work, in a sentence without a full stop. */
  readonly title: string
  /** What the reader has to know to judge the comparison. */
  readonly note?: string
  /** Absent: operations return at once. A number: they return promises, of which so many are under way together. */
  readonly awaits?: number
  /** The first is what the others are compared with. */
  readonly cases: readonly Case[]
  readonly targets?: readonly Target[]
  /** Whether the result of an operation shows that the work was done; asked once in every process. */
  readonly holds?: (result: unknown) => boolean
}

/** One way to do the work of a group. */
export interface Case {
  readonly name: string
  /** The first major version of Node on which it runs; on older ones it is skipped by name. */
  readonly minimumNode?: number
  /** Called once, in the process of the case. */
  prepare(): Operation | Promise<Operation>
}

/** Does the work once, or, where that needs a frame around many, so many times in a row. */
export type Operation = ((index: number) => unknown) | { burst(count: number): unknown }

/** What is hoped for. The first kind is a ratio within one run, the second is reported and never enforced. */
export type Target =
  | { readonly against: string; readonly atLeast: number }
  | { readonly nanosecondsOf: string; readonly atMost: number }

/** Cases of which each counts what stays on the heap after many operations and a collection. */
export interface RetentionGroup {
  readonly name: string
  readonly title: string
  readonly note?: string
  readonly cases: readonly RetentionCase[]
}

/** One operation whose remains are counted. */
export interface RetentionCase extends Case {
  /** How often it is done: fewer where what stays would fill the memory. */
  readonly iterations: number
  /** Whether the operation returns a promise to await. */
  readonly awaits?: boolean
  /** The most bytes an operation may leave. Absent: no target. */
  readonly atMostBytes?: number
}
