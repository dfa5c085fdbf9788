import { manualClock } from '@kit/context/testing'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type LookupFunction, type Server, type Socket as Connection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StatsD } from 'hot-shots'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from '../../index.ts'
import { testMetrics } from '../../testing/index.ts'
import { WireServer } from './grammar.ts'
import { statsd, type StatsdDialect, type StatsdOptions } from './index.ts'

const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function metricsWith(options: StatsdOptions): { metrics: Metrics; sink: ReturnType<typeof statsd> } {
  const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
  const sink = statsd(options)
  metrics.attach(sink)
  ends.push(() => metrics.shutdown(0))
  return { metrics, sink }
}

interface Receiver {
  readonly server: WireServer
  readonly port: number
  /** Resolves once the counter has that total. */
  total(key: string, value: number): Promise<void>
}

/** Waits for totals without a clock: asks whenever something arrived. */
function waiting(server: WireServer, port: number, onData: (listener: () => void) => void): Receiver {
  return {
    server,
    port,
    total: (key, value) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (server.counters.get(key) === value) resolve()
        }
        onData(check)
        check()
      }),
  }
}

async function udp(dialect: StatsdDialect): Promise<Receiver> {
  const socket: Socket = createSocket('udp4')
  const server = new WireServer(dialect)
  socket.on('message', (message) => server.receive(String(message)))
  socket.setMaxListeners(100)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  ends.push(() => socket.close())
  return waiting(server, socket.address().port, (listener) => socket.on('message', listener))
}

/** How a server ends its connections: when it has said all, or at once. */
type Ending = 'end' | 'resetAndDestroy'

async function tcp(
  dialect: StatsdDialect,
  port = 0,
): Promise<Receiver & { close(how?: Ending): Promise<void> }> {
  const server = new WireServer(dialect)
  const connections = new Set<Connection>()
  const listeners: (() => void)[] = []
  const listening: Server = createServer((connection) => {
    connections.add(connection)
    let rest = ''
    connection.on('error', () => {})
    connection.on('close', () => connections.delete(connection))
    connection.on('data', (data) => {
      const lines = (rest + String(data)).split('\n')
      rest = lines.pop()!
      for (const line of lines) server.receive(line)
      for (const listener of listeners) listener()
    })
  })
  listening.listen(port, '127.0.0.1')
  await once(listening, 'listening')
  const close = async (how: Ending = 'end'): Promise<void> => {
    const closed = [...connections].map((connection) => once(connection[how](), 'close'))
    listening.close()
    await Promise.all(closed)
  }
  ends.push(() => close())
  const address = listening.address() as { port: number }
  return { ...waiting(server, address.port, (listener) => listeners.push(listener)), close }
}

const key = (name: string): string => JSON.stringify([name, []])

describe('over UDP', () => {
  it.each<StatsdDialect>(['statsd', 'dogstatsd', 'telegraf', 'graphite-tags'])(
    'thousands of series arrive, in packets of the size asked for (%s)',
    async (dialect) => {
      const receiver = await udp(dialect)
      const { metrics, sink } = metricsWith({ port: receiver.port, dialect, maxPacketBytes: 512 })
      const counter = metrics.counter('hits', { labels: ['who'], maxSeries: 5000 })
      for (let who = 0; who < 2000; who++) counter.inc({ who: `é${who}` }, who)
      metrics.counter('last').inc()
      await metrics.flush()
      await receiver.total(key('last'), 1)
      const { server } = receiver
      expect([...server.counters.values()].reduce((sum, value) => sum + value, 0)).toBe(1999 * 1000 + 1)
      expect(Math.max(...server.packets.map((packet) => Buffer.byteLength(packet)))).toBeLessThanOrEqual(512)
      expect(sink.stats()).toMatchObject({
        packets: server.packets.length,
        lines: 2000,
        errors: 0,
        underway: 0,
      })
    },
  )

  it('packets that stay on this machine are longer than a frame', async () => {
    const receiver = await udp('dogstatsd')
    const parent = new StatsD({ port: receiver.port, host: '127.0.0.1', includeDatadogTelemetry: false })
    ends.push(() => parent.close())
    const longest = async (name: string, options: StatsdOptions): Promise<number> => {
      const { metrics } = metricsWith({ dialect: 'dogstatsd', ...options })
      const counter = metrics.counter(name, { labels: ['i'] })
      for (let i = 0; i < 500; i++) counter.inc({ i })
      metrics.counter(`${name}.last`).inc()
      await metrics.flush()
      await receiver.total(key(`${name}.last`), 1)
      const { packets } = receiver.server
      return Math.max(...packets.filter((packet) => packet.startsWith(name)).map(({ length }) => length))
    }
    await expect(longest('own', { port: receiver.port })).resolves.toBeGreaterThan(3500)
    await expect(longest('given', { client: parent })).resolves.toBeGreaterThan(3500)
    await expect(longest('child', { client: parent.childClient({}) })).resolves.toBeLessThanOrEqual(1432)
    expect(Math.max(...receiver.server.packets.map((packet) => packet.length))).toBeLessThanOrEqual(3600)
  })

  it('a shutdown that nobody waits for leaves at once', async () => {
    const receiver = await udp('statsd')
    const { metrics } = metricsWith({ port: receiver.port })
    for (let i = 0; i < 500; i++) metrics.counter(`c.${i}`).inc()
    metrics.counter('last').inc(3)
    void metrics.shutdown(0)
    await receiver.total(key('last'), 3)
    expect(receiver.server.lines).toBe(501)
  })

  it('a client of the user stays usable', async () => {
    const receiver = await udp('dogstatsd')
    const client = new StatsD({
      port: receiver.port,
      host: '127.0.0.1',
      datadog: true,
      originDetection: false,
      includeDatadogTelemetry: false,
    })
    ends.push(() => client.close())
    const { metrics } = metricsWith({ client })
    metrics.counter('ours').inc()
    await metrics.shutdown()
    client.increment('theirs', 2)
    await receiver.total(key('ours'), 1)
    await receiver.total(key('theirs'), 2)
  })

  it('a port that nobody listens on throws nothing', async () => {
    const { metrics, sink } = metricsWith({ port: 9 })
    for (let flush = 0; flush < 3; flush++) {
      metrics.counter('c').inc()
      await metrics.flush()
    }
    expect(sink.stats().underway).toBe(0)
  })

  it('a host is looked up once, not for every packet, and again after its time', async () => {
    const receiver = await udp('statsd')
    let lookups = 0
    const lookup: LookupFunction = (_host, _options, answer) => {
      lookups++
      setImmediate(() => answer(null, '127.0.0.1', 4))
    }
    const { metrics } = metricsWith({ host: 'statsd.test', port: receiver.port, lookup, maxPacketBytes: 64 })
    for (let i = 0; i < 100; i++) metrics.counter(`counter.with.a.long.name.${i}`).inc()
    await metrics.flush()
    metrics.counter('last').inc()
    await metrics.flush()
    await receiver.total(key('last'), 1)
    expect([lookups, receiver.server.lines]).toEqual([1, 101])
    const brief = metricsWith({
      host: 'statsd.test',
      port: receiver.port,
      lookup,
      dnsTtlMs: Number.MIN_VALUE,
    })
    for (let flush = 1; flush <= 3; flush++) {
      brief.metrics.counter('brief').inc()
      await brief.metrics.flush()
    }
    expect(lookups).toBeGreaterThan(2)
  })

  it('a host that does not exist, then does, loses nothing and asks a bounded number of times', async () => {
    const receiver = await udp('statsd')
    using time = manualClock()
    let exists = false
    let lookups = 0
    const lookup: LookupFunction = (_host, _options, answer) => {
      lookups++
      setImmediate(() => answer(exists ? null : new Error('getaddrinfo ENOTFOUND'), '127.0.0.1', 4))
    }
    const flushed = async (metrics: Metrics): Promise<void> => {
      const state = { done: false }
      void metrics.flush().then(() => (state.done = true))
      for (; !state.done; time.advance(1)) await new Promise(setImmediate)
    }
    const options = { host: 'statsd.test', port: receiver.port, lookup, maxPacketBytes: 64 }
    const { metrics, sink } = metricsWith(options)
    for (let flush = 0; flush < 3; flush++) {
      for (let i = 0; i < 50; i++) metrics.counter(`counter.with.a.long.name.${i}`).inc()
      await flushed(metrics)
    }
    expect([lookups, sink.stats().packets]).toEqual([1, 0])
    exists = true
    time.advance(1000)
    await flushed(metrics)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => receiver.total(key(`counter.with.a.long.name.${i}`), 3)),
    )
    expect(lookups).toBe(2)
  })

  it('a lookup that takes for ever holds a bounded number of packets, and what they told', async () => {
    const receiver = await udp('statsd')
    const answers: (() => void)[] = []
    const lookup: LookupFunction = (_host, _options, answer) => {
      answers.push(() => answer(null, '127.0.0.1', 4))
    }
    const { metrics, sink } = metricsWith({
      host: 'statsd.test',
      port: receiver.port,
      lookup,
      maxQueueBytes: 2000,
    })
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let flush = 0; flush < 100; flush++) {
      for (let i = 0; i < 50; i++) counter.inc({ i })
      await metrics.flush(0)
    }
    expect(answers).toHaveLength(1)
    expect(sink.stats().underway).toBeLessThan(8)
    for (const answer of answers) answer()
    // The first one waits for what was held; the second one tells what that had no room for.
    await metrics.flush()
    await metrics.flush()
    await Promise.all(Array.from({ length: 50 }, (_, i) => receiver.total(key(`c.${i}`), 100)))
  })
})

describe('over TCP', () => {
  it('a server that goes and comes is told everything within two flushes', async () => {
    const first = await tcp('statsd')
    const { metrics, sink } = metricsWith({ port: first.port, protocol: 'tcp' })
    const counter = metrics.counter('c')
    counter.inc(1)
    await metrics.flush()
    await first.total(key('c'), 1)
    await first.close()
    counter.inc(2)
    await metrics.flush()
    expect(sink.stats().errors).toBeGreaterThan(0)
    const second = await tcp('statsd', first.port)
    counter.inc(4)
    await metrics.flush()
    await metrics.flush()
    await second.total(key('c'), 6)
  })

  it('a server that is not there yet throws nothing', async () => {
    const gone = await tcp('statsd')
    await gone.close()
    const { metrics } = metricsWith({ port: gone.port, protocol: 'tcp' })
    metrics.counter('c').inc()
    await metrics.flush()
    const server = await tcp('statsd', gone.port)
    await metrics.flush()
    await metrics.flush()
    await server.total(key('c'), 1)
  })

  /** A client of the user's, which may open another connection as soon as it likes. */
  function tcpClient(port: number, options: object = {}): StatsD {
    const client = new StatsD({
      protocol: 'tcp',
      host: '127.0.0.1',
      port,
      tcpGracefulRestartRateLimit: -1,
      includeDatadogTelemetry: false,
      errorHandler: () => {},
      ...options,
    })
    ends.push(() => client.close())
    return client
  }

  /** Resolves once the present connection of a client is closed on this side too. */
  function closing({ socket }: StatsD): Promise<void> {
    return new Promise((resolve) => {
      ;(socket as unknown as Connection).on('close', () => resolve())
    })
  }

  it.each<Ending>(['end', 'resetAndDestroy'])(
    'a client of the user goes on, and nothing is lost, when its peer goes (%s) and comes again',
    async (how) => {
      let server = await tcp('statsd')
      const client = tcpClient(server.port)
      const { metrics, sink } = metricsWith({ client })
      const counter = metrics.counter('c')
      counter.inc(6)
      await metrics.flush()
      for (let round = 1; round <= 3; round++) {
        await server.total(key('c'), 6)
        const closed = closing(client)
        await server.close(how)
        await closed
        const { errors } = sink.stats()
        counter.inc(2)
        await metrics.flush()
        expect(sink.stats().errors).toBeGreaterThan(errors)
        server = await tcp('statsd', server.port)
        counter.inc(4)
        await metrics.flush()
        await metrics.flush()
      }
      await server.total(key('c'), 6)
    },
  )

  it('a client of the user that found no server is opened again, though one of its listeners throws', async () => {
    const gone = await tcp('statsd')
    await gone.close()
    const client = tcpClient(gone.port, { tcpGracefulRestartRateLimit: 60_000 })
    await closing(client)
    Object.assign(client, { tcpGracefulRestartRateLimit: -1 })
    ;(client.socket as unknown as Connection).on('error', () => {
      throw new Error('of the listener')
    })
    const { metrics } = metricsWith({ client })
    metrics.counter('c').inc()
    await metrics.flush()
    const server = await tcp('statsd', gone.port)
    await metrics.flush()
    await metrics.flush()
    await server.total(key('c'), 1)
  })

  it.each(['that shall not be opened again', 'whose socket is its parent’s'])(
    'a client of the user %s stays closed, and what is due is counted in the end',
    async (which) => {
      const first = await tcp('statsd')
      const graceful = which !== 'that shall not be opened again'
      const parent = tcpClient(first.port, { tcpGracefulErrorHandling: graceful })
      const client = graceful ? parent.childClient({}) : parent
      const metrics = testMetrics()
      const sink = statsd({ client })
      metrics.attach(sink)
      ends.push(() => metrics.shutdown(0))
      metrics.counter('c').inc()
      await metrics.flush()
      await first.total(key('c'), 1)
      const closed = closing(parent)
      await first.close()
      await closed
      const { packets } = sink.stats()
      metrics.counter('c').inc(2)
      const second = await tcp('statsd', first.port)
      for (let flush = 0; flush < 3; flush++) await metrics.flush()
      expect(sink.stats()).toMatchObject({ packets, errors: 3 })
      expect(second.server.lines).toBe(0)
      await metrics.shutdown(1000)
      expect(metrics.dropped('undelivered')).toBeGreaterThan(0)
      // The parent itself is as it was.
      expect(parent.socket === client.socket).toBe(true)
    },
  )

  it('no character turns into another one on the way', async () => {
    const server = await tcp('dogstatsd')
    const { metrics } = metricsWith({ port: server.port, protocol: 'tcp', dialect: 'dogstatsd' })
    metrics.counter('c', { labels: ['who'] }).inc({ who: '\u010aforged:1\u017cc' })
    await metrics.flush()
    await server.total(JSON.stringify(['c', [['who', '_x10a_forged_x3a_1_x17c_c']]]), 1)
    expect(server.server.lines).toBe(1)
  })
})

describe('over a Unix socket', () => {
  interface UnixSocket {
    on(event: 'message', listener: (message: Buffer) => void): void
    bind(path: string): void
    close(): void
  }
  const unixDgram = ((): { createSocket(type: 'unix_dgram'): UnixSocket } | undefined => {
    try {
      const load = createRequire(createRequire(import.meta.url).resolve('hot-shots'))
      return load('unix-dgram') as { createSocket(type: 'unix_dgram'): UnixSocket }
    } catch {
      return undefined
    }
  })()

  it.skipIf(unixDgram !== undefined)('without unix-dgram, attaching says what is missing', () => {
    expect(() => createMetrics().attach(statsd({ path: '/nowhere/statsd.sock' }))).toThrow(
      expect.objectContaining({
        code: 'KIT_METRIC_OPTION_INVALID',
        message: expect.stringContaining('unix-dgram'),
      }),
    )
  })

  it.runIf(unixDgram !== undefined)(
    'with unix-dgram, a path that is not there yet loses nothing',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'statsd-'))
      ends.push(() => rm(folder, { recursive: true, force: true }))
      const path = join(folder, 'statsd.sock')
      const { metrics, sink } = metricsWith({ path, dialect: 'dogstatsd' })
      const counter = metrics.counter('c', { labels: ['i'], maxSeries: 3000 })
      for (let i = 0; i < 2000; i++) counter.inc({ i }, i)
      await metrics.flush()
      expect(sink.stats()).toMatchObject({ packets: 0, underway: 0 })
      const server = new WireServer('dogstatsd')
      const socket = unixDgram!.createSocket('unix_dgram')
      const listeners: (() => void)[] = []
      socket.on('message', (message) => {
        server.receive(String(message))
        for (const listener of listeners) listener()
      })
      socket.bind(path)
      ends.push(() => socket.close())
      const receiver = waiting(server, 0, (listener) => listeners.push(listener))
      metrics.counter('last').inc()
      await metrics.flush()
      await metrics.flush()
      await receiver.total(key('last'), 1)
      expect([...server.counters.values()].reduce((sum, value) => sum + value, 0)).toBe(1999 * 1000 + 1)
      expect(Math.max(...server.packets.map((packet) => packet.length))).toBeLessThanOrEqual(8192)
    },
  )
})
