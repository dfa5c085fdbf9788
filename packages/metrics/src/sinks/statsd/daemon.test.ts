import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetrics } from '../../index.ts'
import { statsd, type StatsdOptions } from './index.ts'

const { resolve } = createRequire(import.meta.url)

/** What the daemon's backend reports at each of its flushes. */
interface Report {
  readonly counters: Record<string, number>
  readonly gauges: Record<string, number>
  readonly timers: Record<string, number[]>
  readonly timer_counters: Record<string, number>
}

const backend = `exports.init = (startup, config, events) => {
  events.on('flush', (time, { counters, gauges, timers, timer_counters }) =>
    process.stdout.write(JSON.stringify({ counters, gauges, timers, timer_counters }) + '\\n'))
  return true
}`

/** The daemon calls a function that Node 23 took away. */
const shim = `require('node:util').log ??= () => {}`

/** The daemon of the npm package statsd, in a process of its own. */
class Daemon {
  readonly port: number
  readonly counters = new Map<string, number>()
  readonly timerCounts = new Map<string, number>()
  readonly timers = new Map<string, number[]>()
  gauges: Record<string, number> = {}
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #listeners = new Set<() => void>()

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port
    this.#child = child
    this.#folder = folder
    createInterface({ input: child.stdout! }).on('line', (line) => this.#report(line))
  }

  static async start(protocol: 'udp' | 'tcp'): Promise<Daemon> {
    const folder = await mkdtemp(join(tmpdir(), 'statsd-'))
    const port = await freePort(protocol)
    const config = {
      server: `./servers/${protocol}`,
      address: '127.0.0.1',
      port,
      mgmt_address: '127.0.0.1',
      mgmt_port: await freePort('tcp'),
      flushInterval: 50,
      deleteCounters: true,
      deleteTimers: true,
      backends: [join(folder, 'backend.cjs')],
    }
    await writeFile(join(folder, 'backend.cjs'), backend)
    await writeFile(join(folder, 'shim.cjs'), shim)
    await writeFile(join(folder, 'config.js'), JSON.stringify(config))
    const child = spawn(
      process.execPath,
      ['--require', join(folder, 'shim.cjs'), resolve('statsd/stats.js'), join(folder, 'config.js')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const daemon = new Daemon(port, child, folder)
    await daemon.until(() => true)
    return daemon
  }

  /** Resolves at the first report after which `holds`. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((done) => {
      const listener = (): void => {
        if (holds() && this.#listeners.delete(listener)) done()
      }
      this.#listeners.add(listener)
    })
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
    await rm(this.#folder, { recursive: true, force: true })
  }

  #report(line: string): void {
    if (!line.startsWith('{')) return
    const report = JSON.parse(line) as Report
    add(this.counters, report.counters)
    add(this.timerCounts, report.timer_counters)
    for (const [name, values] of Object.entries(report.timers)) {
      this.timers.set(name, [...(this.timers.get(name) ?? []), ...values])
    }
    this.gauges = report.gauges
    for (const listener of this.#listeners) listener()
  }
}

function add(totals: Map<string, number>, numbers: Record<string, number>): void {
  for (const [name, number] of Object.entries(numbers)) totals.set(name, (totals.get(name) ?? 0) + number)
}

async function freePort(protocol: 'udp' | 'tcp'): Promise<number> {
  if (protocol === 'udp') {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    return port
  }
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe('the statsd daemon', () => {
  it.each<[string, StatsdOptions, (route: string) => string]>([
    ['plain over UDP', {}, (route) => `hits.${route}`],
    ['plain over TCP', { protocol: 'tcp' }, (route) => `hits.${route}`],
    ['with tags of Graphite', { dialect: 'graphite-tags' }, (route) => `hits;route=${route}`],
  ])('counts what was recorded: %s', { timeout: 30_000 }, async (_title, options, spelled) => {
    const daemon = await Daemon.start(options.protocol === 'tcp' ? 'tcp' : 'udp')
    ends.push(() => daemon.stop())
    const metrics = createMetrics()
    metrics.attach(statsd({ port: daemon.port, samples: 100, ...options }))
    const hits = metrics.counter('hits', { labels: ['route'] })
    const took = metrics.histogram('took', { unit: 's' })
    const level = metrics.gauge('level')
    const debt = metrics.gauge('debt')
    const truth = new Map<string, number>()
    let observed = 0
    for (let flush = 1; flush <= 4; flush++) {
      for (let i = 0; i < 1500; i++) {
        hits.inc({ route: `r${i}` }, i % 7)
        if (i % 7 > 0) truth.set(spelled(`r${i}`), (i % 7) * flush)
      }
      hits.inc({ route: '/a|1:c\nforged:1|c' })
      for (let i = 0; i < flush * 77; i++, observed++) took.observe(0.5)
      level.set(flush)
      debt.set(flush === 4 ? -0.25 : -10 * flush)
      await metrics.flush()
    }
    metrics.counter('last').inc()
    await metrics.shutdown()
    await daemon.until(() => daemon.counters.get('last') === 1)
    const received = [...daemon.counters].filter(([name]) => /^hits[.;](route=)?r\d/.test(name))
    expect(new Map(received)).toEqual(truth)
    expect(daemon.counters.get(spelled('_x2f_a_x7c_1_x3a_c_xa_forged_x3a_1_x7c_c'))).toBe(4)
    expect(daemon.gauges).toMatchObject({ level: 4, debt: -0.25 })
    expect(daemon.timerCounts.get('took')).toBeCloseTo(observed, 6)
    expect(new Set(daemon.timers.get('took'))).toEqual(new Set([500]))
    expect([...daemon.counters.keys()].filter((name) => name.includes('forged:'))).toEqual([])
    expect(daemon.counters.get('statsd.bad_lines_seen') ?? 0).toBe(0)
  })
})
