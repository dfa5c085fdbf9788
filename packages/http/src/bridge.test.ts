import { once } from 'node:events'
import { createServer, request as ask } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { current } from '@kit/context'
import { createMetrics } from '@kit/metrics'
import { afterEach, describe, expect, it } from 'vitest'
import { toNodeListener } from './bridge.ts'
import type { FetchHandler } from './bridge.ts'
import { observeFetch } from './fetch.ts'
import { observeListener } from './node.ts'
import { requestIdKey } from './request-id.ts'
import { eventually } from './testing/rig.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(handler: FetchHandler): Promise<string> {
  const server = createServer(toNodeListener(handler)).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** So many bytes, all different from their neighbours, in chunks of the given size as the reader asks for them. */
function bytesOf(length: number, chunk: number, onCancel = (): void => {}): ReadableStream<Uint8Array> {
  let given = 0
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const view = controller.byobRequest!.view as Uint8Array
      const count = Math.min(view.length, chunk, length - given)
      for (let i = 0; i < count; i++) view[i] = (given + i) % 251
      given += count
      if (count === 0) controller.close()
      controller.byobRequest!.respond(count)
    },
    cancel: onCancel,
  })
}

it('keeps the reason phrase of a response', async () => {
  const url = await serve(() => new Response('', { status: 202, statusText: 'In the queue' }))
  const { status, statusText } = await fetch(url)
  expect([status, statusText]).toEqual([202, 'In the queue'])
})

it('says https in the URL of a request that came over TLS', async () => {
  const url = await serve((request) => new Response(request.url))
  servers[0]?.on('connection', (socket) => Object.assign(socket, { encrypted: true }))
  expect(await (await fetch(url)).text()).toBe(url.replace('http:', 'https:'))
})

describe('a body that is read into memory of the reader', () => {
  it.each([0, 1, 4095, 4096, 4097, 65_535, 65_536, 122_880, 126_976, 3_000_000])(
    'arrives whole: %d bytes',
    async (length) => {
      const url = await serve(() => new Response(bytesOf(length, 50_000)))
      const received = new Uint8Array(await (await fetch(url)).arrayBuffer())
      expect(received.length).toBe(length)
      expect(received.findIndex((byte, i) => byte !== i % 251)).toBe(-1)
    },
  )

  it('is the same for a reader that is slower than the handler', async () => {
    const length = 8_000_000
    const url = await serve(() => new Response(bytesOf(length, 65_536)))
    const incoming = await get(url)
    let received = 0
    let wrong = 0
    // One chunk a turn, so that the sender has to wait for room again and again.
    for await (const chunk of incoming) {
      for (const byte of chunk as Buffer) if (byte !== received++ % 251) wrong++
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect({ received, wrong }).toEqual({ received: length, wrong: 0 })
  })

  it('is cancelled when the client leaves', async () => {
    let onCancel!: () => void
    const cancelled = new Promise<void>((resolve) => (onCancel = resolve))
    const url = await serve(() => new Response(bytesOf(100_000_000, 65_536, onCancel)))
    ;(await get(url)).destroy()
    await cancelled
  })

  it('is cancelled when the client leaves while the next bytes are waited for', async () => {
    let onCancel!: () => void
    const cancelled = new Promise<void>((resolve) => (onCancel = resolve))
    const body = new ReadableStream({
      type: 'bytes',
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      pull: () => new Promise(() => {}),
      cancel: () => onCancel(),
    })
    const url = await serve(() => new Response(body))
    ;(await get(url)).destroy()
    await cancelled
  })

  it('that fails midway breaks the connection, so that nobody takes it for whole', async () => {
    let pulls = 0
    const url = await serve(
      () =>
        new Response(
          new ReadableStream({
            type: 'bytes',
            pull(controller) {
              if (pulls++ === 2) throw new Error('no more')
              controller.enqueue(new Uint8Array(1000))
            },
          }),
        ),
    )
    await expect((await fetch(url)).arrayBuffer()).rejects.toThrow('terminated')
  })

  it('that fails at once is a 500', async () => {
    const url = await serve(
      () =>
        new Response(
          new ReadableStream({
            type: 'bytes',
            pull() {
              throw new Error('nothing')
            },
          }),
        ),
    )
    expect((await fetch(url)).status).toBe(500)
  })
})

describe('a body that brings its own memory', () => {
  it('arrives whole', async () => {
    let rest = 50
    const url = await serve(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              if (rest-- === 0) controller.close()
              else controller.enqueue(new Uint8Array(40_000).fill(rest))
            },
          }),
        ),
    )
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(2_000_000)
  })

  it('that fails at once is a 500', async () => {
    const pull = (): void => {
      throw new Error('nothing')
    }
    const url = await serve(() => new Response(new ReadableStream({ pull })))
    expect((await fetch(url)).status).toBe(500)
  })

  it('is cancelled when the client leaves', async () => {
    let onCancel!: () => void
    const cancelled = new Promise<void>((resolve) => (onCancel = resolve))
    const url = await serve(
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(40_000)),
            cancel: onCancel,
          }),
        ),
    )
    ;(await get(url)).destroy()
    await cancelled
  })
})

it.each(['bytes', undefined] as const)('gives way to others between long chunks (%s)', async (type) => {
  const chunks = 40
  let turn = 0
  const turnsOfPulls: number[] = []
  const nextTurn = (): void => {
    turn++
    if (turnsOfPulls.length < chunks) setImmediate(nextTurn)
  }
  const body = new ReadableStream({
    type: type as 'bytes',
    pull(controller) {
      controller.enqueue(new Uint8Array(65_536))
      if (turnsOfPulls.push(turn) === chunks) controller.close()
    },
  })
  const url = await serve(() => {
    setImmediate(nextTurn)
    return new Response(body)
  })
  expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(65_536 * chunks)
  // Up to two chunks are sent at a time.
  expect(new Set(turnsOfPulls).size).toBeGreaterThan(chunks / 2 - 2)
})

it.each(['bytes', undefined] as const)(
  'cancels a body that is answered when the client has left (%s)',
  async (type) => {
    let onCancel!: () => void
    const cancelled = new Promise<void>((resolve) => (onCancel = resolve))
    let onAsked!: () => void
    const asked = new Promise<void>((resolve) => (onAsked = resolve))
    const url = await serve(async ({ signal }) => {
      onAsked()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await new Promise((resolve) => setImmediate(resolve))
      const pull = (): Promise<void> => new Promise(() => {})
      return new Response(new ReadableStream({ type: type as 'bytes', pull, cancel: () => onCancel() }))
    })
    const request = ask(url, { agent: false }).end()
    request.on('error', () => {})
    await asked
    request.destroy()
    await cancelled
  },
)

it('tells a handler that waits for it, and nobody else knows of, when the client leaves', async () => {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  let asked = 0
  let left = 0
  const url = await serve(async ({ signal }) => {
    asked++
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    left++
    return new Response()
  })
  const request = ask(url, { agent: false }).end()
  request.on('error', () => {})
  await eventually(
    () => asked === 1,
    () => 'a request',
  )
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  request.destroy()
  await eventually(
    () => left === 1,
    () => 'a client that left',
  )
})

it('tells pipelined requests that wait for their turn when the client leaves', async () => {
  const signals: AbortSignal[] = []
  let cancelled = 0
  const url = await serve((request) => {
    signals.push(request.signal)
    const endless = bytesOf(100_000_000, 65_536, () => (cancelled += 1))
    return request.url.endsWith('/stuck') ? new Promise<Response>(() => {}) : new Response(endless)
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const head = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  socket.on('error', () => {}).write(head('/stuck') + head('/stuck') + head('/endless'))
  await eventually(
    () => signals.length === 3,
    () => 'three requests',
  )
  socket.resetAndDestroy()
  await eventually(
    () => signals.every(({ aborted }) => aborted) && cancelled === 1,
    () => `three aborted requests; there are ${signals.filter(({ aborted }) => aborted).length}`,
  )
})

it('takes the path from the target, and refuses a host that would bring one of its own', async () => {
  const { port } = new URL(await serve((request) => new Response(new URL(request.url).pathname)))
  const say = async (host: string): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    return text(socket)
  }
  for (const host of ['x', 'x:80', '[::1]:80', ''])
    expect(await say(host)).toMatch(/^HTTP\/1.1 200 [^]*\r\n\/livez\r\n/)
  for (const host of ['x/metrics?', 'x/metrics#', 'x?', 'x#', 'x\\metrics?', 'a@x', 'x/', '/', 'a b', '[::1'])
    expect(await say(host)).toMatch(/^HTTP\/1.1 400 [^]*\r\nBad Request\n$/)
})

it('is no second observation of a request whose listener is observed, and names its route', async () => {
  const options = { metrics: createMetrics(), log: false as const }
  let ids: (string | undefined)[] = []
  const handler = observeFetch(() => new Response(current().value(requestIdKey)), {
    ...options,
    route: () => '/inner',
  })
  const outer = observeListener(
    (req: IncomingMessage, res: ServerResponse) => {
      ids = [current().value(requestIdKey)]
      toNodeListener(handler)(req, res)
    },
    { ...options, route: () => '/outer' },
  )
  const server = createServer(outer).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  ids.push(await response.text(), response.headers.get('x-request-id') ?? undefined)
  expect(new Set(ids).size).toBe(1)
  const counted = (): [string | undefined, number][] =>
    options.metrics
      .snapshot()
      .metrics.flatMap((one) =>
        one.name === 'http.server.request.duration' && one.kind === 'histogram' ? one.series : [],
      )
      .map(({ labels, count }) => [labels['http.route'], count])
  await eventually(
    () => counted().length > 0,
    () => 'a request that is counted',
  )
  expect(counted()).toEqual([['/inner', 1]])
})

async function get(url: string): Promise<IncomingMessage> {
  const asked = ask(url, { agent: false }).end()
  asked.on('error', () => {})
  const [incoming] = (await once(asked, 'response')) as [IncomingMessage]
  return incoming
}

describe('the Host of a request', () => {
  /** The URL that a handler got for `GET /metrics` with this header; undefined where it was refused. */
  async function urlFor(header: string): Promise<string | undefined> {
    const seen: string[] = []
    const { port } = new URL(
      await serve((request) => {
        seen.push(request.url)
        return new Response()
      }),
    )
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(`GET /metrics HTTP/1.1\r\n${header}\r\nConnection: close\r\n\r\n`)
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer).toMatch(seen.length === 0 ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 200 /)
    return seen[0]
  }

  it.each(['a/b', 'a?', 'a#', 'a\\b', 'user@a', 'a b', 'a/b?c='])('moves no path: %s', async (host) => {
    expect(await urlFor(`Host: ${host}`)).toBeUndefined()
  })

  it('may be any host, with a port or without, and empty', async () => {
    expect(await urlFor('Host: shop.test')).toBe('http://shop.test/metrics')
    expect(await urlFor('Host: [::1]:8080')).toBe('http://[::1]:8080/metrics')
    expect(await urlFor('Host:')).toBe('http://localhost/metrics')
  })
})
