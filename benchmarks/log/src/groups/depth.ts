/* What depth costs kit. */
import { casesOf } from '../cases.ts'
import { kit } from '../libraries.ts'
import { nowhere } from '../output.ts'
import type { LogGroup } from '../suite-types.ts'

const loggers = 64

/** Children of children beside the root. */
export const depth: LogGroup = {
  name: 'depth',
  title: `a line with a message, of ${loggers} loggers in turn, by how deep they are, made and let go`,
  note: 'All of them write the same four fields, so the lines are equally long.',
  targets: [{ against: 'kit: children of the root', atLeast: 0.77 }],
  cases: [8, 3, 1].map((levels) => ({
    ...casesOf(
      async (library, to) => {
        const root = await library.create(to)
        const logs = Array.from({ length: loggers }, (_, i) => {
          const all = { requestId: `r-${i}`, user: i, part: 'cart', step: 'add' }
          if (levels === 1) return library.child(root, all)
          let log = library.child(root, { requestId: all.requestId, user: all.user })
          for (let level = 1; level < levels - 1; level++) log = library.child(log, { part: all.part })
          return library.child(log, { step: all.step })
        })
        return (i) => library.info(logs[i & (loggers - 1)]!, 'request done')
      },
      nowhere,
      [kit],
    )[0]!,
    name: levels === 1 ? 'kit: children of the root' : `kit: ${levels} levels deep`,
  })),
  shows: ['"requestId":"r-', '"user":', '"part":"cart"', '"step":"add"'],
}
