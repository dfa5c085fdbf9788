/* What this benchmark measures beyond what the harness of all benchmarks knows. */
import type { Case, Group, Operation } from '@kit-benchmarks/context/harness/suite.js'
import type { Output } from './output.ts'

/** A group with targets for what an operation of kit's allocates, as a share of another case's. */
export interface LogGroup extends Group {
  readonly cases: readonly LogCase[]
  /** The most nanoseconds that kit may take beyond another case, which does nothing in the same frame. */
  readonly beyond?: { readonly floor: string; readonly atMost: number }
  readonly allocations?: readonly { readonly against: string; readonly atMost: number }[]
  /** What every line must show; undefined where none is written. */
  readonly shows?: readonly string[]
}

/** A case that can also be asked to write where a test looks. */
export interface LogCase extends Case {
  prepareFor(to: Output): Operation | Promise<Operation>
}
