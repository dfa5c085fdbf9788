/* From work that is said once to the cases of a group, one for each library. */
import type { Operation } from '@kit-benchmarks/context/harness/suite.js'
import { floor, kit, rivals } from './libraries.ts'
import type { Library, SomeLibrary } from './libraries.ts'
import { nowhere } from './output.ts'
import type { Output } from './output.ts'
import type { LogCase, LogGroup } from './suite-types.ts'

/** Sets a library up and returns what it does over and over. */
export type Work = <Log>(library: Library<Log>, to: Output) => Promise<Operation>

/** The work of a group, by each of the libraries, and by hand. */
export function casesOf(
  work: Work,
  to: Output,
  of: readonly SomeLibrary[] = [kit, floor, ...rivals],
): LogCase[] {
  return of.map((some) =>
    some((library) => ({
      name: library.name,
      prepare: () => work(library, to),
      prepareFor: (other) => work(library, other),
    })),
  )
}

/** Two groups with the same lines: written to the null device, and let go, so that only the making of them counts. */
export function lineGroups(
  { name, title, note = '', ...rest }: Omit<LogGroup, 'cases'>,
  work: Work,
): [LogGroup, LogGroup] {
  const written = `${note} What the floor takes is the system call, which nobody can save.`.trimStart()
  return [
    {
      ...rest,
      name,
      title: `${title}, written to the null device`,
      note: written,
      cases: casesOf(work, 'null device'),
    },
    { ...rest, name: `${name}-cpu`, title: `${title}, made and let go`, note, cases: casesOf(work, nowhere) },
  ]
}

/** Calls `fn` with each of the loggers in turn; there must be a power of two of them. */
export function inTurn<Log>(logs: readonly Log[], fn: (log: Log) => void): (index: number) => void {
  const last = logs.length - 1
  return (index) => fn(logs[index & last]!)
}
