/**
 * A process with services, as they run with kit's defaults: `node --expose-gc server.js Express HTTP/1 Koa HTTP/2`. It
 * tells their ports, and whenever it is asked what there is of them: how many requests came, what was counted of them, and
 * what is left.
 */

import { once } from 'node:events'
import type { EventEmitter } from 'node:events'
import { IncomingMessage } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import { background } from '@kit/context'
import { metrics } from '@kit/metrics'
import { appOf } from './apps.ts'
import type { AppServer, Protocol } from './apps.ts'

/** What is asked for. */
export interface Question {
  /** How many requests are known to have come. Answered when they have, and when none is under way. */
  readonly requests: number
  /** How many connections are open. Answered when these are all. */
  readonly connections: number
  /** How often garbage is collected; the least of the heap then counts. */
  readonly collections: number
  /** Whether to count objects, which takes a tenth of a second. */
  readonly objects: boolean
}

/** What there is when garbage has been collected. */
export interface Reading {
  /** Requests that Node handed to the application. */
  readonly reached: number
  /** Observations, by `error.type`. */
  readonly counted: Readonly<Record<string, number>>
  /** The sum of `http.server.active_requests`. */
  readonly active: number
  readonly heapBytes: number
  /** What keeps the process alive, by kind. */
  readonly handles: Readonly<Record<string, number>>
  /** Listeners of the servers, of the process and of the open connections, by event. */
  readonly listeners: Readonly<Record<string, number>>
  /** Requests and contexts that exist, if they were to be counted. */
  readonly objects: number
  /** The processor's time so far, in seconds. */
  readonly cpuSeconds: number
}

const given = process.argv.slice(2)
if (process.send !== undefined) await serve(given)

/** `services` are names of adapters, each followed by its protocol. */
async function serve(services: readonly string[]): Promise<void> {
  let reached = 0
  const sockets = new Set<Socket>()
  const servers: AppServer[] = []
  for (let i = 0; i < services.length; i += 2) {
    const server = await appOf(services[i] ?? '').make(services[i + 1] as Protocol)
    server.prependListener('request', () => (reached += 1))
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    if ('keepAliveTimeout' in server) server.keepAliveTimeout = 600_000 // the client decides
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 })
    await once(server, 'listening')
    servers.push(server)
  }
  process.on('disconnect', () => process.exit())
  process.on('message', (question: Question) => void answer(question))
  process.send?.(servers.map((server) => (server.address() as AddressInfo).port))

  async function answer({ requests, connections, collections, objects }: Question): Promise<void> {
    // What is late by so much does not come any more; what is missing then is in the answer.
    const patience = performance.now() + 10_000
    const settled = (): boolean =>
      reached >= requests && sumOf('http.server.active_requests') === 0 && sockets.size === connections
    while (!settled() && performance.now() < patience) await setTimeout(1)
    // The second finds what only a finalizer of the first let go; what lives for a moment is not there every time.
    let heapBytes = Infinity
    for (let i = 0; i < collections; i += 1) {
      globalThis.gc?.()
      await setTimeout(1)
      heapBytes = Math.min(heapBytes, process.memoryUsage().heapUsed)
    }
    process.send?.({
      reached,
      counted: countedByError(),
      active: sumOf('http.server.active_requests'),
      heapBytes,
      handles: countBy(process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate')),
      listeners: listenersOf([...servers, ...sockets]),
      objects: objects ? objectsOfRequests() : 0,
      cpuSeconds: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    } satisfies Reading)
  }
}

/**
 * Requests and contexts: whatever holds on to a request in any way holds one of these. Some there always are: prototypes,
 * and the last of each pooled parser.
 */
function objectsOfRequests(): number {
  const kinds = [IncomingMessage, Http2ServerRequest, background.constructor]
  return kinds.reduce((sum, kind) => sum + Number(queryObjects(kind)), 0)
}

function sumOf(metric: string): number {
  const found = metrics.snapshot().metrics.find((one) => one.name === metric)
  if (found === undefined || found.kind === 'histogram') return 0
  return found.series.reduce((sum, { value }) => sum + value, 0)
}

function countedByError(): Record<string, number> {
  const counted: Record<string, number> = {}
  const histogram = metrics.snapshot().metrics.find((one) => one.name === 'http.server.request.duration')
  if (histogram?.kind !== 'histogram') return counted
  for (const { labels, count } of histogram.series) {
    const type = labels['error.type'] ?? ''
    counted[type] = (counted[type] ?? 0) + count
  }
  return counted
}

function listenersOf(emitters: readonly EventEmitter[]): Record<string, number> {
  return countBy(
    [process, ...emitters].flatMap((emitter) =>
      emitter.eventNames().flatMap((event) => Array(emitter.listenerCount(event)).fill(String(event))),
    ) as string[],
  )
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of names.toSorted()) counts[one] = (counts[one] ?? 0) + 1
  return counts
}
