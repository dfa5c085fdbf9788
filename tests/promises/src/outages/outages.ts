/** What can become of a StatsD server, or of the way to it: how it begins and ends, and whether the socket tells. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { LoadOrder } from '../programs/statsd-load.ts'
import { missing } from '../needs.ts'
import { LossyServer } from './lossy-proxy.ts'
import { NamespaceServer, inNamespace } from './namespace-server.ts'
import type { OutageServer } from './servers.ts'
import { TcpServer, UdpServer, UdsServer, unixDgram } from './servers.ts'

/** A trouble under way. */
export interface Outage {
  readonly server: OutageServer
  readonly order: Pick<LoadOrder, 'protocol' | 'path' | 'lookup'>
  /** Whether it is there from the start, and its beginning changes nothing. */
  readonly isFromStart?: boolean
  /** How the process is started that is in it. */
  readonly fork?: typeof inNamespace
  /** Begins, for a process. */
  begin(pid: number): Promise<void>
  lift(): Promise<void>
}

/** A kind of trouble. */
export interface OutageKind {
  readonly name: string
  /** Whether the socket tells of what did not go out. Of a datagram that went out and was lost, nobody does. */
  readonly isTold: boolean
  /** Whether it is known of everything what became of it, as the network itself tells what it lost. Default: `isTold`. */
  readonly isAccounted?: boolean
  make(folder: string): Outage
}

const udp: Outage['order'] = { protocol: 'udp', path: undefined, lookup: undefined }
const tcp: Outage['order'] = { ...udp, protocol: 'tcp' }

/** Whether what was counted must all have arrived in the end, but for what the network tells that it lost. */
export function isAccounted(kind: OutageKind): boolean {
  return kind.isAccounted ?? kind.isTold
}

/** Without any, to compare with. */
export const noOutage: OutageKind = {
  name: 'none',
  isTold: true,
  make: () => ({ server: new UdpServer(), order: udp, begin: nothing, lift: nothing }),
}

/** Kinds that not every machine can have, and what they need. */
const missingUds = 'missing UDS'
const noNetwork = 'no network'
const needed = { [missingUds]: 'unix-dgram, built', [noNetwork]: 'a network namespace' }

/** The kinds that cannot be tried here, each with what it needs. */
export function leftOut(kinds: readonly OutageKind[]): string[] {
  const has = new Set(kinds.map(({ name }) => name))
  return Object.entries(needed).flatMap(([name, need]) => (has.has(name) ? [] : [`${name} (needs ${need})`]))
}

/** All kinds that can be tried here. */
export function outageKinds(): OutageKind[] {
  const dgram = unixDgram()
  const kinds: OutageKind[] = [
    { ...behaving('lossy network', false, () => new LossyServer(), udp, 'lossy'), isAccounted: true },
    gone('refused, UDP', false, () => new UdpServer(), udp),
    gone('refused, TCP', true, () => new TcpServer(), tcp),
    behaving('black hole', false, () => new UdpServer(), udp, 'ignoring'),
    asked('NXDOMAIN', 'ENOTFOUND'),
    asked('slow DNS', 'slow'),
    // What a connection that is reset had taken is lost, and nobody knows how much.
    behaving('reset', false, () => new TcpServer(), tcp, 'resetting'),
    behaving('half-open TCP', true, () => new TcpServer(), tcp, 'stalled'),
    ...['ENOBUFS', 'EPERM', 'EMSGSIZE'].map(refusedBySystem),
  ]
  if (missing(['network namespace']).length === 0) kinds.push(downFromStart)
  if (dgram === undefined) return kinds
  return [
    ...kinds,
    {
      name: missingUds,
      isTold: true,
      make(folder) {
        const path = join(folder, 'statsd')
        const server = new UdsServer(path, dgram)
        const order = { protocol: 'uds', path, lookup: undefined } as const
        return { server, order, begin: () => server.stop(), lift: () => server.start() }
      },
    },
  ]
}

/** As when a machine starts: every send comes back with ENETUNREACH until the network is up. */
const downFromStart: OutageKind = {
  name: noNetwork,
  isTold: true,
  make() {
    const server = new NamespaceServer()
    let pid: number | undefined
    return {
      server,
      order: udp,
      isFromStart: true,
      fork: inNamespace,
      begin(of) {
        pid = of
        return nothing()
      },
      lift: () => (pid === undefined ? nothing() : server.up(pid)),
    }
  },
}

function gone(name: string, isTold: boolean, serve: () => OutageServer, order: Outage['order']): OutageKind {
  return {
    name,
    isTold,
    make() {
      const server = serve()
      return { server, order, begin: () => server.stop(), lift: () => server.start() }
    },
  }
}

function behaving(
  name: string,
  isTold: boolean,
  serve: () => OutageServer,
  order: Outage['order'],
  mode: OutageServer['mode'],
): OutageKind {
  const turn = (server: OutageServer, to: OutageServer['mode']): Promise<void> => {
    server.mode = to
    return nothing()
  }
  return {
    name,
    isTold,
    make() {
      const server = serve()
      return { server, order, begin: () => turn(server, mode), lift: () => turn(server, 'well') }
    },
  }
}

/** Of a name, which the process itself asks for from the start. */
function asked(name: string, lookup: LoadOrder['lookup']): OutageKind {
  return {
    name,
    isTold: true,
    make: () => ({
      server: new UdpServer(),
      order: { ...udp, lookup },
      isFromStart: true,
      begin: nothing,
      lift: nothing,
    }),
  }
}

/** The system refuses every datagram with this error, by `strace`, which lets go of the process in the end. */
function refusedBySystem(error: string): OutageKind {
  return {
    name: error,
    isTold: true,
    make() {
      let tracer: ChildProcess | undefined
      return {
        server: new UdpServer(),
        order: udp,
        async begin(pid) {
          const sends = 'sendmsg,sendmmsg,sendto'
          const inject = `inject=${sends}:error=${error}`
          // Not what the process says to the trial, which goes out by other calls.
          const args = ['-f', '-p', String(pid), '-e', `trace=${sends}`, '-e', inject, '-o', '/dev/null']
          const started = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
          tracer = started
          await new Promise<void>((resolve, reject) => {
            let said = ''
            started.stderr.on('data', (text) => {
              said += String(text)
              if (said.includes('attached')) resolve()
            })
            started.on('error', reject)
            started.on('exit', () => reject(new Error(`strace has ended: ${said}`)))
          })
        },
        async lift() {
          if (tracer === undefined || tracer.exitCode !== null || tracer.signalCode !== null) return
          const ended = once(tracer, 'exit')
          tracer.kill('SIGINT')
          await ended
        },
      }
    },
  }
}

function nothing(): Promise<void> {
  return Promise.resolve()
}
