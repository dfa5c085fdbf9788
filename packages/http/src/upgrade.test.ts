import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { current, sleep } from '@kit/context'
import type { Context } from '@kit/context'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { internal } from './index.ts'
import type { ListenerOptions, UpgradeListener } from './node.ts'
import { observeUpgrade } from './node.ts'

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

let metrics = createMetrics()
let destination = memoryDestination()
let options: ListenerOptions
let stop = (): void => {}
beforeEach(() => {
  metrics = createMetrics()
  destination = memoryDestination()
  const log = createLogger({ level: 'info', format: 'json', destination })
  options = { metrics, log, route: (req) => (req.url?.startsWith('/ws/') === true ? '/ws/:room' : undefined) }
})
afterEach(() => stop())

/** A server that has only an upgrade listener, and what its listener threw or rejected with. */
async function listening(
  listener: UpgradeListener,
  more: ListenerOptions = {},
): Promise<{ port: number; reported: unknown[] }> {
  const reported: unknown[] = []
  const observed = observeUpgrade(listener, { ...options, ...more })
  const sockets: Socket[] = []
  const server = createServer().on('upgrade', (req, socket: Socket, head) => {
    sockets.push(socket)
    socket.on('error', () => {}).on('end', () => socket.end())
    socket.resume()
    try {
      Promise.resolve(observed(req, socket, head)).catch((error: unknown) => reported.push(error))
    } catch (error) {
      reported.push(error)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stop = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, reported }
}

function ask(port: number, path: string, headers = ''): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n`,
  )
  return socket
}

/** What was counted, as `metric count kind route status error`. */
function counted(): string[] {
  return metrics.snapshot().metrics.flatMap((metric) => {
    if (metric.kind !== 'histogram') return []
    return metric.series.map(({ labels, count }) => {
      const names = ['kind', 'http.route', 'http.response.status_code', 'error.type']
      return [metric.name.split('.')[2], count, ...names.map((name) => labels[name] || '-')].join(' ')
    })
  })
}

function gauge(name: string): Record<string, number> {
  const metric = metrics.snapshot().metrics.find((one) => one.name === name)
  const series = metric === undefined || metric.kind === 'histogram' ? [] : metric.series
  return Object.fromEntries(series.map(({ labels, value }) => [Object.values(labels).join(' '), value]))
}

async function line(): Promise<Record<string, unknown> | undefined> {
  await expect.poll(() => destination.records.length, { timeout: 20_000 }).toBe(1)
  return destination.records[0]
}

describe('observeUpgrade', () => {
  it('counts a connection while it is open and once when it has closed, and ends its context then', async () => {
    let ctx: Context | undefined
    const { port } = await listening((_req, socket) => {
      ctx = current()
      socket.write(Buffer.from(switching))
    })
    const socket = ask(port, '/ws/7?token=secret')
    expect(String(await once(socket, 'data'))).toBe(switching)
    expect(gauge('http.server.stream.active')).toEqual({ 'upgrade /ws/:room': 1 })
    expect(gauge('http.server.active_requests')).toEqual({ 'GET http': 1 })
    expect([counted(), ctx?.err]).toEqual([[], undefined])
    socket.end()
    expect(await line()).toMatchObject({
      stream: 'upgrade',
      status: 101,
      outcome: 'ok',
      path: '/ws/7',
      route: '/ws/:room',
    })
    expect(counted()).toEqual(['stream 1 upgrade /ws/:room 101 -'])
    expect(gauge('http.server.stream.active')).toEqual({})
    expect(gauge('http.server.active_requests')).toEqual({ 'GET http': 0 })
    expect(ctx?.cause).toBe('finished')
  })

  it('tells a connection that broke from one that was closed', async () => {
    const { port } = await listening((_req, socket) => socket.write(switching))
    const socket = ask(port, '/ws/7')
    await once(socket, 'data')
    socket.resetAndDestroy()
    expect(await line()).toMatchObject({ stream: 'upgrade', outcome: 'canceled', errorType: 'client_abort' })
  })

  it('counts what is refused as a request', async () => {
    const { port } = await listening((_req, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'))
    await text(ask(port, '/ws/7'))
    expect(await line()).toMatchObject({ status: 401, outcome: 'ok' })
    expect(counted()).toEqual(['request 1 - /ws/:room 401 -'])
  })

  it('counts one whose client left before an answer', async () => {
    const { port } = await listening(() => arrived())
    let arrived = (): void => {}
    const came = new Promise<void>((resolve) => (arrived = resolve))
    const socket = ask(port, '/')
    await came
    socket.resetAndDestroy()
    expect(await line()).toMatchObject({ status: null, outcome: 'canceled', errorType: 'client_abort' })
  })

  it('takes what is no answer of HTTP for the talk of a connection that was switched before', async () => {
    const { port } = await listening((_req, socket) => socket.write(new Uint8Array([0x81, 0])))
    const socket = ask(port, '/ws/7')
    await once(socket, 'data')
    socket.end()
    expect(await line()).toMatchObject({ stream: 'upgrade', status: 101 })
  })

  it('observes once what is observed twice', async () => {
    const { port } = await listening(observeUpgrade((_req, socket) => socket.end(switching), { log: false }))
    await text(ask(port, '/ws/7'))
    await line()
    expect(counted()).toEqual(['stream 1 upgrade /ws/:room 101 -'])
  })

  const error = new Error('broken')
  it.each([
    [
      'throws',
      () => {
        throw error
      },
    ],
    ['rejects', async () => Promise.reject(error)],
  ])('answers 500 when the listener %s, and the error goes on', async (_, listener: UpgradeListener) => {
    const { port, reported } = await listening(listener)
    expect(await text(ask(port, '/ws/7'))).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/)
    expect(await line()).toMatchObject({ status: 500, outcome: 'error', err: { message: 'broken' } })
    expect(reported).toEqual([error])
  })

  it('cuts the connection when the listener fails after it was switched, and gives onError the error', async () => {
    const given: unknown[] = []
    const { port, reported } = await listening(
      async (_req, socket) => {
        socket.write(switching)
        await Promise.resolve()
        throw error
      },
      { onError: (failed) => given.push(failed) },
    )
    expect(await text(ask(port, '/ws/7'))).toBe(switching)
    await line()
    expect([given, reported]).toEqual([[error], []])
  })

  it('does not take the end of a connection for a failure of what works until then', async () => {
    const { port, reported } = await listening(async (_req, socket) => {
      socket.write(switching)
      await sleep(current(), 60_000)
    })
    const socket = ask(port, '/ws/7')
    await once(socket, 'data')
    socket.end()
    expect(await line()).toMatchObject({ status: 101, outcome: 'ok' })
    expect(reported).toEqual([])
  })

  it("answers 504 when the caller's deadline had passed", async () => {
    const { port } = await listening(() => expect.unreachable(), internal)
    expect(await text(ask(port, '/ws/7', 'grpc-timeout: 0m\r\n'))).toMatch(
      /^HTTP\/1\.1 504 Gateway Timeout\r\n/,
    )
    expect(await line()).toMatchObject({ status: 504, outcome: 'deadline' })
  })

  it('lets go of a connection that it refused, whatever the client does with it', async () => {
    const server = createServer().on(
      'upgrade',
      observeUpgrade(() => expect.unreachable(), { ...options, ...internal }),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stop = () => server.close()
    const { port } = server.address() as AddressInfo
    const closed = new Promise<unknown>((resolve) => {
      server.once('connection', (socket) => socket.once('close', resolve))
    })
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
    socket.write('grpc-timeout: 0m\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/)
    await closed
    expect(await line()).toMatchObject({ status: 504, outcome: 'deadline' })
    socket.destroy()
  })

  it('does not let the connection of one that it refused end the process', async () => {
    let connection: Socket | undefined
    const fail = async (socket: Socket): Promise<never> => {
      connection = socket
      return Promise.reject(error)
    }
    const { port } = await new Promise<AddressInfo>((resolve) => {
      const server = createServer()
      server.on(
        'upgrade',
        observeUpgrade((_req, socket) => fail(socket as Socket), {
          ...options,
          onError: () => connection?.destroy(new Error('reset by the client')),
        }),
      )
      server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo))
      stop = () => server.close()
    })
    await once(ask(port, '/').resume(), 'close')
    expect(await line()).toMatchObject({ status: 500, err: { message: 'broken' } })
  })
})
