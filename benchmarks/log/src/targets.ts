/* The verdicts that the harness does not know: on what kit allocates beside a rival. */
import type { GroupResult, Verdict } from '@kit-benchmarks/context/harness/results.js'
import type { LogGroup } from './suite-types.ts'

/** The verdicts on the allocations of a group. */
export function allocationVerdicts({ allocations = [] }: LogGroup, result: GroupResult): Verdict[] {
  const bytesOf = (name: string | undefined): number | undefined => {
    const found = result.cases.find((one) => one.name === name)
    return found !== undefined && 'ns' in found ? found.bytes : undefined
  }
  const first = result.cases[0]?.name
  const own = bytesOf(first)
  return allocations.map(({ against, atMost }) => {
    const other = bytesOf(against)
    const measured = own === undefined || other === undefined ? undefined : own / other
    return {
      target: `${first}: allocates at most ${atMost}× of what ${against} does`,
      measured,
      unit: '×',
      met: measured !== undefined && measured <= atMost,
      enforced: true,
    }
  })
}
