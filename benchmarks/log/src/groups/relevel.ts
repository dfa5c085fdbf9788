/* Changing the level of what is there. */
import type { Operation } from '@kit-benchmarks/context/harness/suite.js'
import { casesOf } from '../cases.ts'
import { kit, rivals } from '../libraries.ts'
import type { Library } from '../libraries.ts'
import { nowhere } from '../output.ts'
import type { Output } from '../output.ts'
import type { LogGroup } from '../suite-types.ts'

const count = 10_000

/** All of ten thousand. */
export const relevel: LogGroup = {
  name: 'relevel-10k',
  title: `change the root's level under ${count.toLocaleString('en-US')} live loggers`,
  note:
    'kit writes a line that tells of the change, which is in the time. A child of pino follows its parent as long as ' +
    'neither was given a level of its own, which pino does not promise; one of winston shares its level. LogTape is configured anew.',
  targets: [
    { nanosecondsOf: 'kit: of 20 names', atMost: 50_000 },
    { nanosecondsOf: 'kit: of 4,000 names', atMost: 500_000 },
  ],
  cases: [
    ...casesOf(relevelling(20), nowhere, [kit]).map((one) => ({ ...one, name: 'kit: of 20 names' })),
    ...casesOf(relevelling(4000), nowhere, [kit]).map((one) => ({ ...one, name: 'kit: of 4,000 names' })),
    ...casesOf(relevelling(20), nowhere, rivals),
  ],
}

function relevelling(names: number) {
  return async <Log>(library: Library<Log>, to: Output): Promise<Operation> => {
    const root = await library.create(to)
    const parts = Array.from({ length: names }, (_, i) => library.named(root, `part${i}`))
    const live = Array.from({ length: count }, (_, i) =>
      library.child(parts[i % names]!, { requestId: `r-${i}` }),
    )
    return (i) => {
      library.setLevel(root, i % 2 === 0 ? 'debug' : 'info')
      return live
    }
  }
}
