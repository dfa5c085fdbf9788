/* The verdicts that the harness does not know: on what a wrapper adds to the call that it wraps. */
import type { GroupResult, Verdict } from '@kit-benchmarks/context/harness/results.js'
import type { Group } from '@kit-benchmarks/context/harness/suite.js'

/** A group with targets for what the first case costs beyond a bare call. */
export interface WrapperGroup extends Group {
  /** The case that wraps nothing. */
  readonly bare: string
  /** The rival that the first case must undercut so many times, by what each adds to a bare call. */
  readonly added?: readonly { readonly against: string; readonly atLeast: number }[]
  /** How many nanoseconds the first case may add; reported, since nanoseconds do not travel. */
  readonly addsAtMost?: number
}

/** The verdicts on what is added, from the medians of one run. */
export function addedVerdicts(
  { bare, added = [], addsAtMost }: WrapperGroup,
  result: GroupResult,
): Verdict[] {
  const nsOf = (name: string | undefined): number | undefined => {
    const found = result.cases.find((one) => one.name === name)
    return found !== undefined && 'ns' in found ? found.ns.median : undefined
  }
  const first = result.cases[0]?.name
  const addedBy = (name: string | undefined): number | undefined => {
    const [own, none] = [nsOf(name), nsOf(bare)]
    return own === undefined || none === undefined ? undefined : own - none
  }
  const own = addedBy(first)
  const verdicts: Verdict[] = added.map(({ against, atLeast }) => {
    const other = addedBy(against)
    const measured = own === undefined || other === undefined ? undefined : other / Math.max(own, 0.1)
    return {
      target: `${first}: adds at most 1/${atLeast} of what ${against} adds`,
      measured,
      unit: '×',
      met: measured !== undefined && measured >= atLeast,
      enforced: true,
    }
  })
  if (addsAtMost !== undefined) {
    verdicts.push({
      target: `${first}: adds at most ${addsAtMost} ns`,
      measured: own,
      unit: 'ns',
      met: own !== undefined && own <= addsAtMost,
      enforced: false,
    })
  }
  return verdicts
}
