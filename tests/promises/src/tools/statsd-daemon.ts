/** The daemon of the npm package `statsd`, in a process of its own, over TCP so that nothing is lost on the way. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const { resolve } = createRequire(import.meta.url)

/** A back end that writes what the daemon has counted in each interval as one line, apart from what the daemon says itself. */
const backend = `const { writeSync } = require('node:fs')
exports.init = (startup, config, events) => {
  events.on('flush', (time, { counters, gauges, timers }) =>
    writeSync(3, JSON.stringify({ counters, gauges, timers }) + '\\n'))
  return true
}`

interface Report {
  readonly counters: Record<string, number>
  readonly gauges: Record<string, number>
  readonly timers: Record<string, number[]>
}

/** What has been counted since the daemon started. */
export class StatsdDaemon {
  readonly port: number
  readonly counters: Map<string, number> = new Map()
  readonly gauges: Map<string, number> = new Map()
  /** By name, how many samples. */
  readonly timers: Map<string, number> = new Map()
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
    createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => this.#report(line))
  }

  /** Starts it; `folder` is for its files. */
  static async start(folder: string): Promise<StatsdDaemon> {
    const port = await freePort()
    const config = {
      server: './servers/tcp',
      address: '127.0.0.1',
      port,
      mgmt_address: '127.0.0.1',
      mgmt_port: await freePort(),
      flushInterval: 100,
      deleteIdleStats: true,
      backends: [join(folder, 'backend.cjs')],
    }
    writeFileSync(join(folder, 'backend.cjs'), backend)
    // The daemon calls a function that Node 23 took away.
    writeFileSync(join(folder, 'shim.cjs'), `require('node:util').log ??= () => {}`)
    writeFileSync(join(folder, 'config.js'), JSON.stringify(config))
    const child = spawn(
      process.execPath,
      ['--require', join(folder, 'shim.cjs'), resolve('statsd/stats.js'), join(folder, 'config.js')],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
    )
    const daemon = new StatsdDaemon(port, child)
    await daemon.until(() => true)
    return daemon
  }

  /** Resolves at the first report after which `holds`; rejects when the daemon is gone. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((done, fail) => {
      const listener = (): void => {
        if (this.#hasEnded()) fail(new Error('The daemon of statsd has ended.'))
        else if (holds() && this.#waiting.delete(listener)) done()
      }
      this.#waiting.add(listener)
      if (this.#hasEnded()) listener()
      else this.#child.once('exit', listener)
    })
  }

  async stop(): Promise<void> {
    if (this.#hasEnded()) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #report(line: string): void {
    const { counters, gauges, timers } = JSON.parse(line) as Report
    for (const [name, value] of Object.entries(counters)) {
      if (value !== 0) this.counters.set(name, (this.counters.get(name) ?? 0) + value)
    }
    for (const [name, value] of Object.entries(gauges)) this.gauges.set(name, value)
    for (const [name, values] of Object.entries(timers)) {
      this.timers.set(name, (this.timers.get(name) ?? 0) + values.length)
    }
    for (const listener of this.#waiting) listener()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
