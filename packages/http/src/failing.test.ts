import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { connect } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { current, race, sleep } from '@kit/context'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toNodeListener } from './bridge.ts'
import { observeFetch } from './fetch.ts'
import type { ListenerOptions } from './node.ts'
import { observeListener } from './node.ts'
import { saysItIsOver } from './over.ts'

let destination = memoryDestination()
let options: ListenerOptions
const closing: (() => void)[] = []
beforeEach(() => {
  destination = memoryDestination()
  options = {
    metrics: createMetrics(),
    log: createLogger({ level: 'info', format: 'json', destination }),
    route: () => '/r',
  }
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** The line of the one request. */
async function line(): Promise<Record<string, unknown> | undefined> {
  await expect.poll(() => destination.records.length, { timeout: 20_000 }).toBe(1)
  return destination.records[0]
}

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown

/** What became of what an observed listener threw or rejected with, once it is known. */
interface Listening {
  readonly port: number
  readonly reported: Promise<unknown>
}

async function listening(listener: Listener, more: ListenerOptions = {}): Promise<Listening> {
  const observed: Listener = observeListener(listener, { ...options, ...more })
  let settle: (outcome: unknown) => void
  const reported = new Promise<unknown>((resolve) => {
    settle = resolve
  })
  const server = createServer((req, res) => {
    try {
      Promise.resolve(observed(req, res)).then(
        () => settle('nothing'),
        (error: unknown) => settle(error),
      )
    } catch (error) {
      settle(error)
    }
  })
  closing.push(() => server.closeAllConnections())
  return { port: await portOf(server), reported }
}

/** Sends a request, and resets the connection as soon as there is something in its place. */
async function leave(port: number, head: string, when: Promise<unknown>): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(head)
  await when
  socket.resetAndDestroy()
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const post = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'

describe('a listener that fails', () => {
  const error = new Error('broken')
  const failing: [string, Listener][] = [
    [
      'throws',
      () => {
        throw error
      },
    ],
    [
      'rejects',
      async () => {
        await Promise.resolve()
        throw error
      },
    ],
  ]

  it.each(failing)(
    'gets a 500 when it %s, a line with the error, and the error goes on',
    async (_, listener) => {
      const { port, reported } = await listening(listener)
      expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(500)
      expect(await reported).toBe(error)
      expect(await line()).toMatchObject({
        level: 'error',
        outcome: 'error',
        status: 500,
        err: { message: 'broken' },
      })
    },
  )

  it.each(failing)('gives its error to onError when it %s, and to nobody else', async (_, listener) => {
    const given: unknown[] = []
    const { port, reported } = await listening(listener, {
      onError: (...args) => given.push(args[0], args[1].url),
    })
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(500)
    expect(await reported).toBe('nothing')
    expect(given).toEqual([error, '/x'])
  })

  it('leaves an answer whole that was whole before, and its error goes on', async () => {
    const { port, reported } = await listening(async (_req, res) => {
      res.end(Buffer.alloc(2 ** 23))
      throw error
    })
    expect((await (await fetch(`http://127.0.0.1:${port}`)).arrayBuffer()).byteLength).toBe(2 ** 23)
    expect(await reported).toBe(error)
    expect(await line()).toMatchObject({ status: 200, outcome: 'ok', err: { message: 'broken' } })
  })

  it('gets one 500, where it is observed twice', async () => {
    const { port, reported } = await listening(
      observeListener(
        async () => {
          throw error
        },
        { log: false },
      ),
    )
    const response = await fetch(`http://127.0.0.1:${port}`)
    expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error\n'])
    expect(await reported).toBe(error)
  })

  it('is heard when it fails for a reason of its own, though its client has left', async () => {
    const { port, reported } = await listening(async () => {
      const ctx = current()
      left()
      await new Promise((resolve) => ctx.afterFunc(resolve))
      throw error
    })
    let left = (): void => {}
    await leave(port, get, new Promise<void>((resolve) => (left = resolve)))
    expect(await reported).toBe(error)
    expect(await line()).toMatchObject({ outcome: 'canceled', errorType: 'client_abort' })
  })

  it('is heard when a deadline of its own has passed, and not that of the request', async () => {
    const { port, reported } = await listening(async () => {
      using ctx = current().withTimeout(0)
      ctx.throwIfDone()
    })
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(500)
    expect(await reported).toMatchObject({ code: 'KIT_DEADLINE_EXCEEDED' })
    expect(await line()).toMatchObject({ outcome: 'error', status: 500 })
  })

  it('is heard when a connection of its own breaks', async () => {
    const { port, reported } = await listening(async () => {
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
    })
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(500)
    expect(await reported).toMatchObject({ code: 'ECONNRESET' })
  })

  it('is heard when what it sends comes from a stream that broke', async () => {
    const { port, reported } = await listening(async (_req, res) => {
      const source = new Readable({ read() {} })
      source.push('first')
      setImmediate(() => source.destroy())
      await pipeline(source, res)
    })
    await expect(fetch(`http://127.0.0.1:${port}`).then((response) => response.text())).rejects.toThrow(
      'terminated',
    )
    expect(await reported).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(await line()).toMatchObject({ outcome: 'error', errorType: 'server_abort' })
  })
})

describe('a listener that gives up because its client has left', () => {
  const endless = async function* (): AsyncGenerator<string> {
    for (;;) {
      yield 'more'
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const write = (res: ServerResponse): Promise<void> =>
    new Promise((resolve, reject) => {
      res.write('more', (failed) => (failed ? reject(failed) : resolve()))
    })
  const waiting: [string, string, Listener][] = [
    ['sleeping', get, () => sleep(current(), 60_000)],
    ['in a race', get, () => race(current(), new Promise(() => {}))],
    [
      'with an error of its own around the end',
      get,
      async () => {
        await sleep(current(), 60_000).catch((cause: unknown) => {
          throw new Error('orders', { cause })
        })
      },
    ],
    ['in a context below', get, () => sleep(current().withTimeout(60_000), 60_000)],
    [
      'on a signal',
      get,
      async () => {
        const { signal } = current()
        await once(new EventTarget() as never, 'never', { signal })
      },
    ],
    ['reading its body', post, (req) => text(req)],
    ['sending an endless body', get, (_req, res) => pipeline(Readable.from(endless()), res)],
    [
      'writing',
      get,
      async (_req, res) => {
        for (;;) {
          await write(res)
          await new Promise((resolve) => setImmediate(resolve))
        }
      },
    ],
  ]

  it.each(waiting)('has not failed: %s', async (_, head, work) => {
    const given: unknown[] = []
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const { port, reported } = await listening(
      async (req, res) => {
        setImmediate(begin)
        await work(req, res)
      },
      { onError: (failed) => given.push(failed) },
    )
    await leave(port, head, begun)
    expect([await reported, given]).toEqual(['nothing', []])
    expect(await line()).toMatchObject({ level: 'info', outcome: 'canceled', errorType: 'client_abort' })
  })

  it('has not failed over HTTP/2', async () => {
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    let outcome: Promise<unknown> = Promise.resolve()
    const observed: (req: Http2ServerRequest, res: Http2ServerResponse) => unknown = observeListener(
      async (_req: Http2ServerRequest, _res: Http2ServerResponse) => {
        setImmediate(begin)
        await sleep(current(), 60_000)
      },
      options,
    )
    const port = await portOf(
      createHttp2Server((req, res) => {
        outcome = Promise.resolve(observed(req, res))
      }),
    )
    const client = connectHttp2(`http://127.0.0.1:${port}`)
    closing.push(() => client.destroy())
    const stream = client.request({ ':path': '/' })
    stream.on('error', () => {})
    await begun
    stream.close(constants.NGHTTP2_CANCEL)
    expect(await line()).toMatchObject({ outcome: 'canceled' })
    await expect(outcome).resolves.toBeUndefined()
  })
})

describe('a listener that gives up with its deadline', () => {
  it('has not failed: the deadline has answered', async () => {
    const { port, reported } = await listening(() => sleep(current(), 60_000), { timeoutMs: 20 })
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(503)
    expect(await reported).toBe('nothing')
    expect(await line()).toMatchObject({ outcome: 'deadline', status: 503 })
  })

  it('gets the answer of the deadline, also where it is the first to know', async () => {
    const { port, reported } = await listening(
      () => {
        while (current().err === undefined);
        current().throwIfDone()
      },
      { timeoutMs: 5 },
    )
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(503)
    expect(await reported).toBe('nothing')
  })

  it('breaks off what it had begun to send', async () => {
    const { port, reported } = await listening(
      async (_req, res) => {
        res.write('first')
        await sleep(current(), 60_000)
      },
      { timeoutMs: 20 },
    )
    await expect(fetch(`http://127.0.0.1:${port}`).then((response) => response.text())).rejects.toThrow(
      'terminated',
    )
    expect(await reported).toBe('nothing')
    expect(await line()).toMatchObject({ outcome: 'deadline', status: 200 })
  })
})

describe('a fetch-style handler that gives up because its client has left', () => {
  it.each([
    ['sleeping', () => sleep(current(), 60_000)],
    [
      'with the reason of the signal',
      (request: Request) => race(current().withSignal(request.signal), new Promise(() => {})),
    ],
    [
      'with the reason itself',
      (request: Request) =>
        new Promise((_, reject) => {
          request.signal.addEventListener('abort', () => reject(request.signal.reason as Error))
        }),
    ],
  ])('has not failed: %s', async (_, work) => {
    const left = new AbortController()
    const handler = observeFetch(async (request: Request) => {
      setImmediate(() => left.abort(new Error('gone')))
      await work(request)
      return new Response('never')
    }, options as object)
    const response = await handler(new Request('http://x/', { signal: left.signal }))
    expect(response.status).toBe(499)
    expect(await line()).toMatchObject({ outcome: 'canceled', status: null, level: 'info' })
  })

  it('has not failed reading a body, on a server of node:http', async () => {
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    let outcome: Promise<Response> | undefined
    const observed = observeFetch(async (request: Request) => {
      setImmediate(begin)
      return new Response(await request.text())
    }, options as object)
    const port = await portOf(createServer(toNodeListener((request) => (outcome = observed(request)))))
    await leave(port, post, begun)
    expect(await line()).toMatchObject({ outcome: 'canceled', status: null })
    expect((await outcome)?.status).toBe(499)
  })

  it('has failed for a reason of its own', async () => {
    const error = new Error('broken')
    const left = new AbortController()
    const handler = observeFetch(async () => {
      left.abort()
      throw error
    }, options as object)
    await expect(handler(new Request('http://x/', { signal: left.signal }))).rejects.toBe(error)
  })

  it("gets the deadline's answer, also where it is the first to know", async () => {
    const handler = observeFetch(
      async () => {
        while (current().err === undefined);
        return current().throwIfDone() as never
      },
      { ...options, timeoutMs: 5 } as object,
    )
    expect((await handler(new Request('http://x/'))).status).toBe(503)
  })
})

describe('saysItIsOver', () => {
  it('survives whatever was thrown', () => {
    using ctx = current().withCancel()
    ctx.cancel()
    const cyclic: { cause?: unknown } = {}
    cyclic.cause = cyclic
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no')
        },
      },
    )
    for (const thrown of [undefined, null, 0, 'text', cyclic, hostile, Object.create(null)]) {
      expect(saysItIsOver(thrown, ctx, () => true)).toBe(false)
    }
  })
})
