/* The verdicts that the harness does not know: on what kit takes beyond a floor, and on what it allocates beside a rival. */
import type { GroupResult, Measured, Verdict } from '@kit-benchmarks/context/harness/results.js'
import type { LogGroup } from './suite-types.ts'

/** The verdicts on a group. */
export function verdictsOn({ beyond, allocations = [] }: LogGroup, result: GroupResult): Verdict[] {
  const find = (name: string | undefined): Measured | undefined => {
    const found = result.cases.find((one) => one.name === name)
    return found !== undefined && 'ns' in found ? found : undefined
  }
  const first = result.cases[0]?.name ?? '-'
  const own = find(first)
  const verdicts = allocations.map(({ against, atMost }): Verdict => {
    const other = find(against)?.bytes
    const measured = own?.bytes === undefined || other === undefined ? undefined : own.bytes / other
    return {
      target: `${first}: allocates at most ${atMost}× of what ${against} does`,
      measured,
      unit: '×',
      met: measured !== undefined && measured <= atMost,
      enforced: true,
    }
  })
  return beyond === undefined ? verdicts : [beyondFloor(first, beyond, own, find(beyond.floor)), ...verdicts]
}

function beyondFloor(
  name: string,
  { floor, atMost }: NonNullable<LogGroup['beyond']>,
  own: Measured | undefined,
  other: Measured | undefined,
): Verdict {
  const measured = own === undefined || other === undefined ? undefined : own.ns.median - other.ns.median
  return {
    target: `${name}: at most ${atMost} ns beyond ${floor}`,
    measured,
    unit: 'ns',
    met: measured !== undefined && measured <= atMost,
    enforced: false,
  }
}
