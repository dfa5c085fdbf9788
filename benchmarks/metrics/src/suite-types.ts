/* What this benchmark measures beyond what the harness of all benchmarks knows. */
import type { Group, RetentionGroup } from '@kit-benchmarks/context/harness/suite.js'

/** Operations of nanoseconds, timed by the harness, with targets for what they allocate. */
export interface FastGroup extends Group {
  readonly allocations?: readonly { readonly of: string; readonly atMost: number }[]
}

/**
 * Operations of milliseconds, which need no row of many to be timed. Their `burst` does so many and returns a promise
 * of the nanoseconds that one of them took, because not all that it does is to be timed.
 */
export interface SlowGroup extends Group {
  /** How many rounds at most. Undefined: one, without a warm-up, because one takes seconds. */
  readonly rounds: number | undefined
}

/** What libraries keep; the first case is kit's. `burst` of an operation makes so many of what is counted, once. */
export interface HeapGroup extends RetentionGroup {
  /** The most that kit may keep, as a share of what another case keeps. */
  readonly share?: { readonly against: string; readonly atMost: number }
  /** The most bytes that kit may keep in all. */
  readonly inAll?: number
}

/** All that this benchmark measures. */
export interface MetricsSuite {
  readonly title: string
  readonly groups: readonly FastGroup[]
  readonly slow: readonly SlowGroup[]
  readonly retention: readonly HeapGroup[]
}
