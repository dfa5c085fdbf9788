/* Fields that come from the context of a request. */
import { inTurn, lineGroups } from '../cases.ts'
import { kit } from '../libraries.ts'
import type { Library } from '../libraries.ts'
import type { Output } from '../output.ts'
import type { LogCase, LogGroup } from '../suite-types.ts'
import { casesOf } from '../cases.ts'
import { nowhere } from '../output.ts'

const fields = { requestId: 'r-1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736', user: 17 }

/** Three fields of the ambient context join. */
export const contextFields: LogGroup[] = lineGroups(
  {
    name: 'context',
    title: 'a line with a message, of the root, under a context with three fields',
    note:
      'kit joins the text that the first line of a context has made. pino has a mixin that reads an AsyncLocalStorage, ' +
      'winston a format that does, LogTape its own context. Entering the context is not in the time: a burst runs in it.',
    targets: [{ against: 'pino', atLeast: 1.5 }],
    allocations: [{ against: 'pino', atMost: 1 }],
    shows: ['request done', '"requestId":"r-1"', '"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"', '"user":17'],
  },
  async (library, to) => {
    const log = await library.create(to, true)
    return {
      burst(count) {
        library.within(fields, () => {
          for (let i = 0; i < count; i++) library.info(log, 'request done')
        })
      },
    }
  },
)

/** What the context adds to a line of kit's. */
export const contextCost: LogGroup = {
  name: 'context-cost',
  title:
    'a line with a message under a context with three fields, beside those fields in a child, made and let go',
  cases: [...kitCase('kit: context', true), ...kitCase('kit: child', false)],
  targets: [{ against: 'kit: child', atLeast: 0.77 }],
  shows: ['request done', '"requestId":"r-1"', '"user":17'],
}

/** Many contexts in turn, a line each. */
export const contextsInTurn: LogGroup = {
  name: 'contexts',
  title: 'enter a new context with three fields and write a line in it, made and let go',
  note: 'The other extreme: each text is made for one line.',
  cases: casesOf(async (library, to) => {
    const log = await library.create(to, true)
    const all = Array.from({ length: 64 }, (_, i) => ({ ...fields, user: i }))
    return inTurn(all, (some) => library.within(some, () => library.info(log, 'request done')))
  }, nowhere),
  shows: ['request done', '"requestId":"r-1"', '"user":'],
}

function kitCase(name: string, ambient: boolean): LogCase[] {
  const work = async <Log>(library: Library<Log>, to: Output) => {
    const root = await library.create(to, ambient)
    const log = ambient ? root : library.child(root, fields)
    return {
      burst(count: number) {
        library.within(ambient ? fields : {}, () => {
          for (let i = 0; i < count; i++) library.info(log, 'request done')
        })
      },
    }
  }
  return casesOf(work, nowhere, [kit]).map((one) => ({ ...one, name }))
}
