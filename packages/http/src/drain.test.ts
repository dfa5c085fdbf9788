import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { background } from '@kit/context'
import type { CancelContext } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import { createLogger } from '@kit/log'
import type { Logger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adminServer } from './admin-server.ts'
import type { AdminServer } from './admin-server.ts'
import { drain } from './drain.ts'
import type { DrainOptions, DrainReport } from './drain.ts'
import { observeListener } from './node.ts'
import { eventually } from './testing/rig.ts'

let metrics: Metrics
let log: Logger
let lines: Record<string, unknown>[]
let stop: CancelContext
let leftovers: (() => unknown)[]

beforeEach(() => {
  metrics = createMetrics()
  lines = []
  log = createLogger({
    format: 'json',
    destination: { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  })
  stop = background.withCancel()
  leftovers = []
})
afterEach(async () => {
  stop.cancel()
  for (const tidy of leftovers.toReversed()) await tidy()
})

function draining(options: DrainOptions): Promise<DrainReport> {
  return drain(stop, { metrics, log, scrapeMs: 0, ...options })
}

async function listening(server: Server | Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  leftovers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A server whose handler is held until `release`, unless the path is `/now`. */
function held(): { server: Server; arrived: ServerResponse[]; release(): void } {
  const arrived: ServerResponse[] = []
  const listener = observeListener(
    (req: IncomingMessage, res: ServerResponse) => {
      if (req.url === '/now') return res.end('now')
      if (req.url === '/begun') res.write('begun')
      return arrived.push(res)
    },
    { metrics, log: false },
  )
  const release = (): void => {
    for (const res of arrived) res.end('held')
  }
  return { server: createServer({ keepAliveTimeout: 60_000 }, listener), arrived, release }
}

const agent = new Agent({ keepAlive: true })

interface Got {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

function ask(port: number, path = '/'): Promise<Got> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.once('error', reject)
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection, body })
      })
    }).once('error', reject)
  })
}

async function admin(): Promise<AdminServer> {
  const page = prometheus()
  metrics.attach(page)
  const started = await adminServer({ port: 0, metrics: page })
  leftovers.push(() => started.close(0))
  return started
}

/** Error type and number of the requests that were counted. */
function counted(): unknown[] {
  const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.request.duration')
  if (histogram?.kind !== 'histogram') return []
  return histogram.series.map(({ labels, count }) => [labels['error.type'], count])
}

const arrivals = (count: number, all: { length: number }): Promise<void> =>
  eventually(
    () => all.length === count,
    () => `${count} arrivals`,
  )

describe('a drain', () => {
  it('lets what was begun end, sends clients away, and takes no more', async () => {
    const { server, arrived, release } = held()
    const port = await listening(server)
    const front = await admin()
    const done = draining({ servers: [server], admin: front })
    expect((await ask(port, '/now')).connection).toBe('keep-alive')
    const inFlight = [ask(port, '/'), ask(port, '/begun')]
    await arrivals(2, arrived)

    stop.cancel('SIGTERM')
    await eventually(
      () => lines.some(({ msg }) => msg === 'draining'),
      () => 'the drain to begin',
    )
    expect((await fetch(`${front.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${front.url}/livez`)).status).toBe(200)
    await expect(ask(port, '/now')).rejects.toMatchObject({ code: 'ECONNREFUSED' })

    release()
    expect(await Promise.all(inFlight)).toEqual([
      { status: 200, connection: 'close', body: 'held' },
      { status: 200, connection: 'keep-alive', body: 'begunheld' },
    ])
    expect(await done).toMatchObject({
      cause: 'SIGTERM',
      clean: true,
      requests: { inFlight: 2, arrived: 0, ended: 2, cut: 0 },
      connectionsCut: 0,
      scraped: undefined,
      hurried: false,
      errors: [],
    })
    await expect(fetch(`${front.url}/livez`)).rejects.toThrow('fetch failed')
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'drained', cause: 'SIGTERM', connectionsCut: 0 })
  })

  it('goes on accepting, away from here, until load balancers have noticed', async () => {
    const { server } = held()
    const port = await listening(server)
    let started: unknown
    const done = draining({
      servers: [server],
      notReadyMs: 200,
      onStart: async (cause) => {
        started = [cause, (await ask(port, '/now')).connection]
      },
    })
    stop.cancel('going')
    expect((await done).requests).toEqual({ inFlight: 0, arrived: 1, ended: 1, cut: 0 })
    expect(started).toEqual(['going', 'close'])
  })

  it('cuts what does not end: requests, upgraded connections, clients that never say a word or all of it', async () => {
    const { server, arrived } = held()
    server.on('upgrade', (_req, socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    })
    const done = draining({ servers: [server], graceMs: 20 })
    const port = await listening(server)
    const raw = (bytes: string): Promise<unknown> => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {}).resume()
      if (bytes !== '') socket.write(bytes)
      return once(socket, 'close')
    }
    const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
    const closed = [raw(''), raw('GET / HT'), raw(upgrade)]
    const stuck = ask(port, '/')
    const begun = ask(port, '/begun').catch((error: unknown) => error)
    await arrivals(2, arrived)
    stop.cancel()
    expect(await stuck).toEqual({ status: 503, connection: 'close', body: 'Service Unavailable\n' })
    arrived.at(0)?.writeHead(200).end('late') // which is nobody's error any more
    expect(await done).toMatchObject({
      clean: false,
      requests: { inFlight: 2, arrived: 0, ended: 0, cut: 2 },
      connectionsCut: 3,
      errors: [],
    })
    expect(await begun).toMatchObject({ code: 'ECONNRESET' })
    await Promise.all(closed)
    expect(lines.at(-1)).toMatchObject({ level: 'warn', msg: 'drained' })
    expect(counted()).toEqual(
      expect.arrayContaining([
        ['503', 1],
        ['server_abort', 1],
      ]),
    )
  })

  it('does not wait for connections that clients keep in reserve', async () => {
    const { server } = held()
    const done = draining({ servers: [server], graceMs: Infinity })
    const port = await listening(server)
    const silent = connect(port, '127.0.0.1')
    silent.on('error', () => {})
    await once(server, 'connection')
    stop.cancel()
    expect(await done).toMatchObject({ clean: true })
  })

  it('closes HTTP/2 sessions when their streams have ended, or cuts them', async () => {
    const arrived: { end(body: string): unknown }[] = []
    const server = createHttp2Server((_req, res) => arrived.push(res))
    const done = draining({ servers: [server], graceMs: Infinity })
    const session = connectHttp2(`http://127.0.0.1:${await listening(server)}`)
    const stream = session.request({ ':path': '/' })
    let body = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    await arrivals(1, arrived)
    stop.cancel()
    await once(session, 'goaway')
    arrived[0]?.end('whole')
    expect(await done).toMatchObject({ clean: true, requests: { inFlight: 1, ended: 1, cut: 0 } })
    expect(body).toBe('whole')

    stop = background.withCancel()
    const stubborn = createHttp2Server(() => {})
    const cut = draining({ servers: [stubborn], graceMs: 20 })
    const second = connectHttp2(`http://127.0.0.1:${await listening(stubborn)}`)
    second.on('error', () => {})
    second.request({ ':path': '/' }).on('error', () => {})
    await once(stubborn, 'stream')
    stop.cancel()
    expect(await cut).toMatchObject({ clean: false, requests: { inFlight: 1, ended: 0, cut: 1 } })
  })
})

describe('the last scrape', () => {
  it('is waited for, and has every request', async () => {
    const { server, arrived, release } = held()
    const port = await listening(server)
    const front = await admin()
    await (await fetch(`${front.url}/metrics`)).text()
    const done = draining({ servers: [server], admin: front, scrapeMs: Infinity })
    const last = ask(port)
    await arrivals(1, arrived)
    stop.cancel()
    release()
    await last
    await eventually(
      () => !server.listening,
      () => 'the server to close',
    )
    await new Promise((resolve) => setTimeout(resolve, 20))
    const text = await (await fetch(`${front.url}/metrics`)).text()
    expect(text).toMatch(/^http_server_request_duration_seconds_count\{[^}]*\} 1$/m)
    expect(await done).toMatchObject({ scraped: true, clean: true })
  })

  it('is given up after its time, and not expected where nobody ever scraped', async () => {
    const front = await admin()
    await (await fetch(`${front.url}/metrics`)).text()
    stop.cancel()
    expect(await draining({ admin: front, scrapeMs: 20 })).toMatchObject({ scraped: false, clean: true })
    stop = background.withCancel()
    metrics = createMetrics()
    const unseen = await admin()
    const done = draining({ admin: unseen, scrapeMs: Infinity })
    stop.cancel()
    expect(await done).toMatchObject({ scraped: undefined, clean: true })
  })
})

it('loses none of the requests of a crowd, whenever it is stopped', async () => {
  let handled = 0
  const front = await admin()
  const server = createServer(
    observeListener(
      (_req: IncomingMessage, res: ServerResponse) => {
        setImmediate(() => {
          handled += 1
          res.end('whole')
        })
      },
      { metrics, log: false },
    ),
  )
  const done = draining({ servers: [server], admin: front })
  const port = await listening(server)
  let answered = 0
  const failures: unknown[] = []
  const client = async (): Promise<void> => {
    while (server.listening) {
      try {
        const { body } = await ask(port)
        if (body === 'whole') answered += 1
      } catch (error) {
        failures.push((error as NodeJS.ErrnoException).code)
      }
      if (answered >= 300) stop.cancel('enough')
    }
  }
  await Promise.all(Array.from({ length: 20 }, client))
  const report = await done
  expect(report).toMatchObject({ clean: true, requests: { cut: 0 } })
  expect(handled).toBe(answered)
  // Refused, or reset as an idle connection before its request was read.
  expect(failures.filter((code) => code !== 'ECONNREFUSED' && code !== 'ECONNRESET')).toEqual([])
  expect(counted()).toEqual([[undefined, handled]])
})

describe('signals', () => {
  /** As the system would: to the listener that was added last, and not to the test runner's. */
  const signal = (name: 'SIGINT' | 'SIGTERM'): void => void process.listeners(name).at(-1)?.(name)

  it('a second one cuts every wait short, its echo does not, and a third finds nobody listening', async () => {
    using time = manualClock()
    const before = process.listenerCount('SIGTERM')
    const { server, arrived } = held()
    const port = await listening(server)
    const front = await admin()
    await (await fetch(`${front.url}/metrics`)).text()
    const done = draining({ servers: [server], admin: front, notReadyMs: 1e9, graceMs: 1e9, scrapeMs: 1e9 })
    const stuck = ask(port).catch((error: unknown) => error)
    await arrivals(1, arrived)
    stop.cancel('SIGTERM')
    await eventually(
      () => process.listenerCount('SIGTERM') > before,
      () => 'the drain to begin',
    )
    signal('SIGTERM')
    time.advance(499)
    signal('SIGINT')
    expect(await ask(port, '/now')).toMatchObject({ status: 200 })
    time.advance(1)
    signal('SIGINT')
    expect(process.listenerCount('SIGTERM')).toBe(before)
    expect(await done).toMatchObject({ hurried: true, scraped: false, clean: false, requests: { cut: 1 } })
    expect(await stuck).toMatchObject({ status: 503 })
  })

  it('end a process with what it had to say', async () => {
    const program = `
      import { createServer } from 'node:http'
      import { background, notify } from '@kit/context'
      import { drain } from '@kit/http/drain'
      const server = createServer((req, res) => {
        process.send('asked')
        setTimeout(() => res.end('late'), 50)
      })
      const done = drain(notify(background), { servers: [server] })
      server.listen(0, '127.0.0.1', () => process.send(server.address().port))
      const { clean, cause, requests } = await done
      process.send([clean, cause, requests.ended])
      process.exit(clean ? 0 : 1)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    leftovers.push(() => child.kill('SIGKILL'))
    const [port] = (await once(child, 'message')) as [number]
    const answer = ask(port)
    await once(child, 'message')
    const exit = once(child, 'exit')
    const said = once(child, 'message')
    child.kill('SIGTERM')
    expect((await answer).body).toBe('late')
    expect((await said)[0]).toEqual([true, 'SIGTERM', 1])
    expect(await exit).toEqual([0, null])
  })
})

it('keeps nothing of a request on a connection that goes on', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const responses: WeakRef<ServerResponse>[] = []
  const server = createServer((_req, res) => {
    responses.push(new WeakRef(res))
    res.end()
  })
  const done = draining({ servers: [server] })
  const port = await listening(server)
  for (let i = 0; i < 50; i += 1) await ask(port)
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  expect(responses.filter((response) => response.deref() !== undefined).length).toBeLessThan(5)
  stop.cancel()
  await done
})

describe('what goes wrong', () => {
  it('stops nothing: steps that fail, and steps that never end', async () => {
    const broken = {
      close: (): never => {
        throw new Error('no')
      },
    }
    stop.cancel('going')
    const report = await draining({
      servers: [broken, createServer()],
      onStart: () => Promise.reject(new Error('start')),
      close: () => new Promise(() => {}),
      closeMs: 10,
      metrics: Object.assign(createMetrics(), { shutdown: () => new Promise<void>(() => {}) }),
      flushMs: 10,
    })
    expect(report.errors.map(({ step }) => step)).toEqual(['start', 'servers', 'close', 'metrics'])
    expect(report.clean).toBe(false)
    expect(lines.filter(({ level }) => level === 'error').length).toBe(4)
  })

  it('is refused at set-up where it can be', () => {
    for (const [options, code] of [
      [{ grace: 1 }, 'KIT_HTTP_OPTION_UNKNOWN'],
      [{ graceMs: -1 }, 'KIT_HTTP_OPTION_INVALID'],
      [{ graceMs: Number.NaN }, 'KIT_HTTP_OPTION_INVALID'],
      [{ servers: [{}] }, 'KIT_HTTP_OPTION_INVALID'],
    ] as const) {
      expect(() => drain(stop, options as never)).toThrow(expect.objectContaining({ code }))
    }
  })
})
