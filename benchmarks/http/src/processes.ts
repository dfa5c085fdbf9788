/* The processes of a measurement, and how they are spoken with. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { openSync } from 'node:fs'
import type { NodeBinary } from '@kit-benchmarks/context/harness/nodes.js'
import type { Answer, Task } from './generator.ts'
import type { FromServer } from './server.ts'
import type { Framework, Kind } from './subjects.ts'

/** A server under measurement. */
export interface Server extends Disposable {
  readonly port: number
  /** Processor time used so far, of all threads, in µs. */
  cpuUs(): Promise<number>
}

/** The load generator. */
export interface Generator extends Disposable {
  perform(task: Task): Promise<Answer>
}

/** Starts a server; its log lines go to /dev/null. Rejects if it ends before it listens. */
export async function startServer(node: NodeBinary, framework: Framework, kind: Kind): Promise<Server> {
  const child = start(new URL('./server.js', import.meta.url), node.path, [framework, kind], oneThread)
  const { port } = (await reply(child)) as Extract<FromServer, { port: number }>
  return {
    port,
    async cpuUs() {
      child.send('cpu')
      return ((await reply(child)) as Extract<FromServer, { cpuUs: number }>).cpuUs
    },
    [Symbol.dispose]: () => child.kill('SIGKILL'),
  }
}

/** Starts the load generator, always on the Node that runs this. */
export function startGenerator(): Generator {
  const child = start(new URL('./generator.js', import.meta.url), process.execPath, [])
  return {
    perform(task) {
      child.send(task)
      return reply(child) as Promise<Answer>
    },
    [Symbol.dispose]: () => child.kill('SIGKILL'),
  }
}

/**
 * The collector's threads would need the generator's processor, which never is free: each collection would wait for them, for as
 * long as the system lets the generator run.
 */
const oneThread: readonly string[] = ['--single-threaded-gc']

function start(
  module: URL,
  execPath: string,
  args: readonly string[],
  execArgv: readonly string[] = [],
): ChildProcess {
  const nowhere = openSync('/dev/null', 'w')
  return fork(module, args, {
    execPath,
    execArgv: [...execArgv],
    stdio: ['ignore', nowhere, 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
}

function reply(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a process ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}
