/** How conversations of HTTP/1 end, and what is to be counted of each. */

import { Raw, answersIn, beganAfter, departures, get } from './raw.ts'
import type { Departure } from './raw.ts'
import type { Endings, Watched } from './watched.ts'

/** One way for requests to end. */
export interface Ending {
  readonly name: string
  readonly expected: Endings
  run(service: Watched): Promise<void>
}

const given = (route: string, status: string, error: string, count = 1): Endings => ({
  [`/${route}/:id ${status} ${error}`]: count,
})
const answered = (route: string, count = 1): Endings => given(route, '200', '-', count)
const abandoned = (route: string, count = 1): Endings => given(route, '200', 'client_abort', count)
const unanswered = (count = 1): Endings => given('unanswered', '-', 'client_abort', count)

/** Says `text`, and leaves when `heard` holds, or else when all `requests` have come. */
function leaving(
  text: string,
  requests: number,
  how: Departure,
  heard?: (received: string) => boolean,
): (service: Watched) => Promise<void> {
  return async (service) => {
    const before = service.reached.length
    const client = await Raw.open(service.port)
    client.say(text)
    if (heard !== undefined) await client.hears(heard)
    await service.until(before + requests)
    await client.leave(how)
  }
}

/** The client gives up; alone on its connection, and with other requests before and behind. */
const aborts: readonly Ending[] = departures.flatMap((how): Ending[] => [
  {
    name: `${how} before the head`,
    expected: unanswered(),
    run: leaving(get('unanswered'), 1, how),
  },
  {
    name: `${how} in the body`,
    expected: abandoned('begun'),
    run: leaving(get('begun'), 1, how, beganAfter(0)),
  },
  {
    name: `${how} in a body that is too long for the connection's buffers`,
    expected: abandoned('large'),
    run: async (service) => {
      const client = await Raw.open(service.port)
      client.say(get('large'))
      await client.hears(beganAfter(0))
      client.pause()
      await client.leave(how)
    },
  },
  {
    name: `${how} after the end`,
    expected: answered('whole'),
    run: leaving(get('whole'), 1, how, (received) => answersIn(received) === 1),
  },
  {
    name: `${how} after the end of an answer in parts`,
    expected: answered('streamed'),
    run: leaving(get('streamed'), 1, how, (received) => answersIn(received) === 1),
  },
  {
    name: `pipelined, ${how} before the head`,
    expected: { ...answered('whole'), ...unanswered(2), ...abandoned('streamed') },
    run: leaving(
      get('whole') + get('unanswered') + get('streamed') + get('unanswered'),
      4,
      how,
      (received) => answersIn(received) === 1,
    ),
  },
  {
    name: `pipelined, ${how} in the body`,
    expected: { ...answered('whole'), ...abandoned('begun'), ...abandoned('streamed') },
    run: leaving(get('whole') + get('begun') + get('streamed'), 3, how, beganAfter(1)),
  },
  {
    name: `pipelined, ${how} after the end`,
    expected: { ...answered('whole', 2), ...answered('streamed'), ...given('failed', '500', '500') },
    run: leaving(
      get('whole') + get('failed') + get('streamed') + get('whole'),
      4,
      how,
      (received) => answersIn(received) === 4,
    ),
  },
  {
    name: `one after the other on one connection, then ${how}`,
    expected: { ...answered('whole', 3), ...unanswered() },
    async run(service) {
      const before = service.reached.length
      const client = await Raw.open(service.port)
      for (let i = 1; i <= 3; i += 1) {
        client.say(get('whole'))
        await client.hears((received) => answersIn(received) === i)
      }
      client.say(get('unanswered'))
      await service.until(before + 4)
      await client.leave(how)
    },
  },
  {
    name: `${how} in the body of the request`,
    expected: given('read', '-', 'client_abort'),
    run: leaving(`${post(1000)}12345`, 1, how),
  },
  {
    name: `upgraded, ${how} in the new protocol`,
    expected: answered('whole'),
    async run(service) {
      await upgrading(service, async (client) => {
        client.say(get('whole'))
        await client.hears((received) => answersIn(received) === 1)
        client.say(get('unanswered', 'Connection: Upgrade\r\nUpgrade: echo\r\n'))
        await client.hears((received) => received.includes('HTTP/1.1 101'))
        client.say(get('whole'))
        await client.leave(how)
      })
    },
  },
  {
    name: `${how} before the upgrade`,
    expected: {},
    async run(service) {
      await upgrading(service, async (client) => {
        client.say(get('unanswered', 'Connection: Upgrade\r\nUpgrade: echo\r\n'))
        await client.leave(how)
      })
    },
  },
])

/** While `use` runs, the service takes upgrades to a protocol in which it says nothing. */
async function upgrading(service: Watched, use: (client: Raw) => Promise<void>): Promise<void> {
  const onUpgrade = (_request: unknown, socket: NodeJS.WritableStream): void => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    ;(socket as unknown as NodeJS.ReadableStream).on('end', () => socket.end()).resume()
  }
  service.server.on('upgrade', onUpgrade)
  try {
    await use(await Raw.open(service.port))
    await service.settled()
  } finally {
    service.server.off('upgrade', onUpgrade)
  }
}

/** Requests that do not come to their end, or hardly. */
const slow: readonly Ending[] = [
  {
    name: 'a head that never ends',
    expected: {},
    async run(service) {
      const client = await Raw.open(service.port)
      for (const piece of ['GET /whole/1 HT', 'TP/1.1\r\nHost: kit\r\nX-', 'a: b\r\n']) {
        client.say(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await client.leave('FIN')
    },
  },
  {
    name: 'a body that comes byte by byte',
    expected: answered('read'),
    async run(service) {
      const client = await Raw.open(service.port)
      client.say(post(5))
      for (const piece of '12345') {
        client.say(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await client.hears((received) => answersIn(received) === 1)
      await client.leave('FIN')
    },
  },
  {
    name: 'an upgrade that nobody takes',
    expected: answered('whole'),
    run: leaving(
      get('whole', 'Connection: Upgrade\r\nUpgrade: echo\r\n'),
      1,
      'FIN',
      (received) => answersIn(received) === 1,
    ),
  },
]

/** Heads that no server should take; a valid request before each shows that it is counted all the same. */
const malformed: readonly Ending[] = [
  'GET /whole/1 HTTP/9.9\r\nHost: kit\r\n\r\n',
  'GET /whole/1 HTTP/1.1\r\nHost kit\r\n\r\n',
  'GET /whole/1 HTTP/1.1\r\nHost: kit\r\n: empty\r\n\r\n',
  'GET /whole/1 HTTP/1.1\r\nHost: kit\r\nA: \u0000\r\n\r\n',
  'BREW /whole/1 HTTP/1.1\r\nHost: kit\r\n\r\n',
  `GET /whole/1 HTTP/1.1\r\nHost: kit\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
  'POST /read/1 HTTP/1.1\r\nHost: kit\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  'POST /read/1 HTTP/1.1\r\nHost: kit\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
  '\r\n'.repeat(100),
].map((head, i) => ({
  name: `malformed head ${i + 1}`,
  expected: answered('whole'),
  async run(service) {
    const client = await Raw.open(service.port)
    client.say(get('whole'))
    await client.hears((received) => answersIn(received) === 1)
    client.say(head)
    await client.end()
  },
}))

function post(length: number): string {
  return `POST /read/1 HTTP/1.1\r\nHost: kit\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`
}

/** All of them. */
export const endingsOfHttp1: readonly Ending[] = [...aborts, ...slow, ...malformed]
