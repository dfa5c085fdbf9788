/* Calls below the level. */
import { casesOf, inTurn } from '../cases.ts'
import { nowhere } from '../output.ts'
import type { LogGroup } from '../suite-types.ts'

const many = 1024
const names = 20

/** One logger. */
export const disabledOne: LogGroup = {
  name: 'disabled-one',
  title: 'a call below the level, of one logger',
  note: 'The loop around the call is in the time.',
  targets: [{ nanosecondsOf: 'kit', atMost: 1.5 }],
  cases: casesOf(async (library, to) => {
    const log = await library.create(to)
    return () => library.debug(log, 'not written')
  }, nowhere),
}

/** Loggers of requests, in several parts of a program. */
export const disabledMany: LogGroup = {
  name: 'disabled-1024',
  title: `calls below the level, of ${many} loggers in turn: children, with a field each, of ${names} named ones`,
  note: 'Reading the next logger from a list is in the time.',
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
