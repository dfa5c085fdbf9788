/* Lines that are written. */
import { lineGroups } from '../cases.ts'
import type { LogGroup } from '../suite-types.ts'

const requests = 2048
/** Within 1.2 times of what pino takes. */
const likePino = [{ against: 'pino', atLeast: 0.83 }]
const notMoreThanPino = [{ against: 'pino', atMost: 1 }]
const aboutPino =
  'pino writes no process id and host name here, which it does by default, since the others do not.'

/** The root, a message alone. */
export const messages: LogGroup[] = lineGroups(
  {
    name: 'line-message',
    title: 'a line with a message, of the root',
    note: aboutPino,
    targets: likePino,
    allocations: notMoreThanPino,
    shows: ['request done'],
  },
  async (library, to) => {
    const log = await library.create(to)
    return () => library.info(log, 'request done')
  },
)

/** The root, with fields. */
export const fields: LogGroup[] = lineGroups(
  {
    name: 'line-fields',
    title: 'a line with a message and an object of three fields, of the root',
    note: 'The object is new each time.',
    targets: likePino,
    allocations: notMoreThanPino,
    shows: ['request done', '"method":"GET"', '"status":200', '"ms":'],
  },
  async (library, to) => {
    const log = await library.create(to)
    return (i) => library.infoWith(log, { method: 'GET', status: 200, ms: i & 127 }, 'request done')
  },
)

/** The root, with an object in an object. */
export const nested: LogGroup[] = lineGroups(
  {
    name: 'line-nested',
    title: 'a line with a message, ten fields and two objects in them, of the root',
    note: 'kit looks at each key and text for credentials, and at each value for cycles; the others do not.',
    shows: ['request done', '"route":"/carts/:id"', '"ids":[1,2,3]', '"name":"ann"'],
  },
  async (library, to) => {
    const log = await library.create(to)
    return (i) =>
      library.infoWith(
        log,
        {
          method: 'POST',
          route: '/carts/:id',
          status: 200,
          ms: (i & 127) + 0.25,
          bytes: 5123,
          ok: true,
          cached: false,
          user: { id: i & 1023, name: 'ann', roles: ['admin', 'buyer'] },
          items: { count: 3, ids: [1, 2, 3] },
          referrer: null,
        },
        'request done',
      )
  },
)

/** Errors. */
export const errors: LogGroup[] = lineGroups(
  {
    name: 'line-error',
    title: 'a line with an error and its stack, of the root',
    shows: ['no connection'],
  },
  async (library, to) => {
    const log = await library.create(to)
    const error = new Error('no connection')
    return () => library.error(log, error)
  },
)

/** Children of the root. */
export const children: LogGroup[] = lineGroups(
  {
    name: 'line-child',
    title: `a line with a message, of ${requests} children of the root in turn, with two fields each`,
    targets: likePino,
    allocations: notMoreThanPino,
    shows: ['request done', '"requestId":"r-', '"user":'],
  },
  async (library, to) => {
    const root = await library.create(to)
    const logs = Array.from({ length: requests }, (_, i) => library.child(root, request(i)))
    return (i) => library.info(logs[i & (requests - 1)]!, 'request done')
  },
)

/** A child of each request's own logger. */
export const grandchildren: LogGroup[] = lineGroups(
  {
    name: 'line-grandchild',
    title: `a line with a message, of ${requests} children in turn, each of a parent of its own`,
    note: 'As of `request.log.child({ part })`: a parent that is a child of the root for each.',
    targets: [{ against: 'pino', atLeast: 2 }],
    allocations: notMoreThanPino,
    shows: ['request done', '"requestId":"r-', '"user":', '"part":"cart"'],
  },
  async (library, to) => {
    const root = await library.create(to)
    const logs = Array.from({ length: requests }, (_, i) =>
      library.child(library.child(root, request(i)), { part: 'cart' }),
    )
    return (i) => library.info(logs[i & (requests - 1)]!, 'request done')
  },
)

/** What a child of a child costs beside the root. */
export function request(i: number): object {
  return { requestId: `r-${i}`, user: i & 63 }
}
