/* Calls below the level. */
import { casesOf, inTurn } from '../cases.ts'
import { nowhere } from '../output.ts'
import type { LogGroup } from '../suite-types.ts'

const many = 1024
const names = 20
const floor = 'by hand (floor)'

/** One logger. */
export const disabledOne: LogGroup = {
  name: 'disabled-one',
  title: 'a call below the level, of one logger',
  note: 'The floor calls an empty method in the same loop, through the same functions: so much of each time is not the logger’s.',
  targets: [{ nanosecondsOf: 'kit', atMost: 1.5 }],
  beyond: { floor, atMost: 1.5 },
  cases: casesOf(async (library, to) => {
    const log = await library.create(to)
    return () => library.debug(log, 'not written')
  }, nowhere),
}

/** Loggers of requests, in several parts of a program. */
export const disabledMany: LogGroup = {
  name: 'disabled-1024',
  title: `calls below the level, of ${many} loggers in turn: children, with a field each, of ${names} named ones`,
  note: 'Reading the next logger from a list is in the time, and in that of the floor, which calls an empty method.',
  beyond: { floor, atMost: 3 },
  targets: [
    { nanosecondsOf: 'kit', atMost: 3 },
    { against: 'pino', atLeast: 1 },
  ],
  cases: casesOf(async (library, to) => {
    const root = await library.create(to)
    const parts = Array.from({ length: names }, (_, i) => library.named(root, `part${i}`))
    const logs = Array.from({ length: many }, (_, i) =>
      library.child(parts[i % names]!, { requestId: `r-${i}` }),
    )
    return inTurn(logs, (log) => library.debug(log, 'not written'))
  }, nowhere),
}
