/** A network that is down, as a namespace of its own has it at first, and a server in it from the moment when it is up. */

import { spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { forkProgram, nextMessage } from '../tools/programs.ts'
import type { OutageServer } from './servers.ts'

/** What the server in the namespace tells whenever that changes. */
export interface Received {
  readonly total: number
  readonly datagrams: number
}

/** Has a process start in a namespace of its own: `fork` with these has it. */
export const inNamespace: { readonly execPath: string; readonly execArgv: readonly string[] } = {
  execPath: 'unshare',
  execArgv: ['--net', process.execPath],
}

/** In a namespace every port is free. */
const port = 8125

export class NamespaceServer implements OutageServer {
  readonly port: number = port
  mode: OutageServer['mode'] = 'well'
  total = 0
  datagrams = 0
  #program: ChildProcess | undefined

  /** There is nothing to start it in yet. */
  start(): Promise<void> {
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.#program?.kill()
    this.#program = undefined
    return Promise.resolve()
  }

  /** Brings up the network that a process is in, and the server. */
  async up(pid: number): Promise<void> {
    if (this.#program !== undefined) return
    const enter = ['-t', String(pid), '-n']
    const link = spawnSync('nsenter', [...enter, 'ip', 'link', 'set', 'lo', 'up'])
    if (link.status !== 0) throw new Error(`the network did not come up: ${String(link.stderr)}`)
    const program = forkProgram('statsd-receiver', [String(port)], {
      execPath: 'nsenter',
      execArgv: [...enter, process.execPath],
    })
    this.#program = program
    await nextMessage(program)
    program.on('message', (received) => Object.assign(this, received as Received))
  }
}
