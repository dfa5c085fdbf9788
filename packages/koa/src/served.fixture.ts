/** Applications of both majors of Koa on ports of their own, with what can be seen of them. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { HttpOptions } from '@kit/http'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import Koa from 'koa'
import { expect } from 'vitest'
import { kit } from './koa.ts'

/** Both majors; the types of the newest serve both. */
export const koas = [
  ['Koa 2', createRequire(import.meta.url)('koa2') as typeof Koa],
  ['Koa 3', Koa],
] as const

/** What is to be closed after a test. */
export const closing: (() => void)[] = []

/** Closes it. */
export function stop(): void {
  for (const close of closing.splice(0)) close()
}

/** An application that listens. */
export interface Served {
  readonly url: string
  readonly port: number
  lines(): readonly Record<string, unknown>[]
  readonly errors: { readonly error: unknown; readonly ctx: unknown }[]
  counter(name: string): number
  /** The line of the one request that there was. */
  line(): Promise<Record<string, unknown> | undefined>
}

/** Options that record into metrics and a log of their own, and what is there. */
export function observe(options?: HttpOptions): {
  all: HttpOptions
  lines: () => readonly Record<string, unknown>[]
  counter: (name: string) => number
} {
  const metrics = createMetrics()
  const log = memoryDestination()
  const logger = createLogger({ level: 'debug', format: 'json', destination: log })
  const counter = (name: string): number => {
    const metric = metrics.snapshot().metrics.find((one) => one.name === name)
    return metric === undefined || metric.kind === 'histogram'
      ? 0
      : metric.series.reduce((total, { value }) => total + value, 0)
  }
  return { all: { metrics, log: logger, ...options }, lines: () => log.records, counter }
}

/** The port of a server that listens until the test ends. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** Serves an application that is observed by `kit` with these options, or not at all without. */
export async function serve(
  Framework: typeof Koa,
  build: (app: Koa) => void,
  options: HttpOptions | null = {},
): Promise<Served> {
  const { all, lines, counter } = observe(options ?? {})
  const app = new Framework()
  const errors: Served['errors'] = []
  app.on('error', (error: unknown, ctx: unknown) => errors.push({ error, ctx }))
  if (options !== null) app.use(kit(all))
  build(app)
  const callback = app.callback()
  const port = await listen(createServer((req, res) => void callback(req, res)))
  const line = async (): Promise<Record<string, unknown> | undefined> => {
    const requests = (): Record<string, unknown>[] => lines().filter(({ msg }) => msg === 'request')
    await expect.poll(() => requests().length).toBe(1)
    return requests()[0]
  }
  return { url: `http://127.0.0.1:${port}`, port, lines, errors, counter, line }
}

/** All that comes back for a request, as it came, but for what may differ from one time to the next. */
export async function bytes(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  return (await text(socket)).replace(/^date: .*\r\n/im, '')
}
