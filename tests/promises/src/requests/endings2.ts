/** How conversations of HTTP/2 end, and what is to be counted of each. */

import type { Ending } from './endings1.ts'
import { Session, leavings } from './http2.ts'
import type { Endings } from './watched.ts'

const answered: Endings = { '/whole/:id 200 -': 1, '/streamed/:id 200 -': 1, '/failed/:id 500 500': 1 }
const given: Readonly<Record<string, Endings>> = {
  unanswered: { '/unanswered/:id - client_abort': 1 },
  begun: { '/begun/:id 200 client_abort': 1 },
}
/** The handler is done, and most of its answer still waits for the client to take it. */
const heavy: readonly Ending[] = (['RST_STREAM', ...leavings] as const).map((how) => ({
  name: `${how} in a body that its handler has ended`,
  expected: { '/heavy/:id 200 client_abort': 1 },
  async run(service) {
    const session = await Session.open(service.port, true)
    await session.ask([], ['heavy'], how === 'RST_STREAM')
    await session.leave(how === 'RST_STREAM' ? 'GOAWAY' : how)
  },
}))

const moments = { 'before the head': ['unanswered'], 'in the body': ['begun'], 'after the end': [] } as const

/** All of them: a stream is reset, or the connection is left in each way, while others on it are answered. */
export const endingsOfHttp2: readonly Ending[] = [
  ...heavy,
  ...Object.entries(moments).flatMap(([moment, hanging]): Ending[] => [
    {
      name: `RST_STREAM ${moment}`,
      expected: Object.assign({}, answered, ...hanging.map((kind) => given[kind])) as Endings,
      async run(service) {
        const session = await Session.open(service.port)
        await session.ask(['whole', 'streamed', 'failed'], hanging)
        if (hanging.length === 0) session.resetAll()
        await session.leave('GOAWAY')
      },
    },
    ...leavings.map((how): Ending => ({
      name: `${how} ${moment}`,
      expected: Object.assign({}, answered, ...hanging.map((kind) => given[kind])) as Endings,
      async run(service) {
        const session = await Session.open(service.port)
        await session.ask(['whole', 'streamed', 'failed'], hanging, false)
        await session.leave(how)
      },
    })),
  ]),
]
