/** Many requests to services in a process of their own, and what is left of them there. */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Protocol } from './apps.ts'
import { http1Client } from './http1.ts'
import { http2Client } from './http2.ts'
import { portion } from './load.ts'
import type { Asked, Client } from './load.ts'
import type { Question, Reading } from './server.ts'

/** A service, by its adapter. */
export interface Service {
  readonly adapter: string
  readonly protocol: Protocol
}

/** What is soaked, and how long. */
export interface SoakOptions {
  /** The services that share a process, by their adapters. */
  readonly services: readonly Service[]
  /** How many requests are measured, about; before them come `warmUp` more. */
  readonly requests: number
  readonly warmUp: number
  /** How often memory is looked at. */
  readonly readings: number
  /** How often garbage is collected each time. */
  readonly collections: number
  /** Clients at a time, of each service. */
  readonly clients: number
  /** Flags for Node. */
  readonly flags: readonly string[]
  /** Called with the number of requests since the last call. */
  progress?(requests: number): void
}

/** What came of it. */
export interface Soaked {
  /** All requests that were sent, those of the warming up among them. */
  readonly asked: Asked
  /** Before and after, without any connection. */
  readonly before: Reading
  readonly after: Reading
  /** In between, with the clients' connections at rest, by the number of requests so far. */
  readonly between: readonly (readonly [requests: number, reading: Reading])[]
}

/** Runs it. The services' standard output, where its log lines go, is thrown away. */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const { services, collections, clients: each } = options
  const args = services.flatMap(({ adapter, protocol }) => [adapter, protocol])
  const process = fork(new URL('server.js', import.meta.url), args, {
    execArgv: ['--expose-gc', '--no-warnings', ...options.flags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    const [ports] = (await once(process, 'message')) as [number[]]
    const count = each * services.length
    const open = (): Promise<Client[]> =>
      Promise.all(
        Array.from({ length: each }, () =>
          services.map((service, i) => connect(ports[i] ?? 0, service)),
        ).flat(),
      )
    const total = { requests: 0, aborted: 0 }
    const load = async (clients: readonly Client[], requests: number): Promise<void> => {
      // The same number for each, and not more for those that are faster.
      const portions = Math.max(1, Math.round(requests / portion / count))
      const work = async (client: Client): Promise<void> => {
        for (let i = 0; i < portions; i += 1) {
          const asked = await client.portion()
          total.requests += asked.requests
          total.aborted += asked.aborted
          options.progress?.(asked.requests)
        }
      }
      await Promise.all(clients.map(work))
    }
    let clients = await open()
    await load(clients, options.warmUp)
    await Promise.all(clients.map((client) => client.close()))
    const before = await read(process, {
      requests: total.requests,
      connections: 0,
      collections,
      objects: false,
    })

    clients = await open()
    const between: [number, Reading][] = []
    for (let i = 0; i < options.readings; i += 1) {
      await load(clients, options.requests / options.readings)
      between.push([
        total.requests,
        await read(process, { requests: total.requests, connections: count, collections, objects: false }),
      ])
    }
    await Promise.all(clients.map((client) => client.close()))
    const after = await read(process, {
      requests: total.requests,
      connections: 0,
      collections,
      objects: true,
    })
    return { asked: total, before, after, between }
  } finally {
    process.kill()
  }
}

function connect(port: number, { adapter, protocol }: Service): Promise<Client> {
  return protocol === 'HTTP/1' ? http1Client(port, { pipelined: adapter !== 'fetch' }) : http2Client(port)
}

async function read(process: ChildProcess, question: Question): Promise<Reading> {
  process.send(question)
  const [reading] = (await once(process, 'message')) as [Reading]
  return reading
}
