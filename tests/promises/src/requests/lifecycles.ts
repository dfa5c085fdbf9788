/**
 * A process that makes a whole service's worth of kit and takes it down again, as often as it is told to:
 * `node --expose-gc lifecycles.js 1000 folder`. It tells what there was before and after.
 */

import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { background, notify } from '@kit/context'
import { observeListener } from '@kit/http/node'
import { adminServer } from '@kit/http/endpoints'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import { prometheus } from '@kit/metrics/prometheus'
import { runtimeMetrics } from '@kit/metrics/runtime'
import { statsd } from '@kit/metrics/statsd'

/** What there is when garbage has been collected. */
export interface Leftover {
  readonly handles: Readonly<Record<string, number>>
  readonly descriptors: number
  readonly listeners: number
  readonly heapBytes: number
}

const [cycles = '0', folder = '.'] = process.argv.slice(2)
if (process.send !== undefined) await live(Number(cycles), join(folder, 'lifecycles.log'))

async function live(times: number, file: string): Promise<void> {
  for (let i = 0; i < 20; i += 1) await cycle(file)
  const before = await leftover()
  for (let i = 0; i < times; i += 1) await cycle(file)
  process.send?.({ before, after: await leftover() })
  process.disconnect()
}

async function cycle(file: string): Promise<void> {
  const metrics = createMetrics()
  const page = prometheus()
  const latest = memory()
  const detach = metrics.attach(page)
  metrics.attach(latest)
  metrics.attach(statsd({ host: '127.0.0.1', port: 9 }))
  const runtime = runtimeMetrics(metrics)
  const log = createLogger({ destination: file, async: true })
  using _stop = notify(background, 'SIGUSR2')
  const admin = await adminServer({
    port: 0,
    metrics: page,
    memory: latest,
    levels: log.levels,
    authorize: 'none',
    health: { always: async () => {} },
  })
  const server = createServer(
    observeListener((_req, res) => res.end('ok'), { metrics, log, timeoutMs: 60_000 }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await get((server.address() as AddressInfo).port)
  await get(admin.port)

  server.close()
  await once(server, 'close')
  await admin.close()
  runtime[Symbol.dispose]()
  await log.flush()
  await detach()
  await metrics.shutdown()
}

async function get(port: number): Promise<void> {
  const sent = request({ port, host: '127.0.0.1', path: '/metrics', agent: false }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'close')
}

async function leftover(): Promise<Leftover> {
  for (let i = 0; i < 3; i += 1) {
    await setImmediate()
    globalThis.gc?.()
  }
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind !== 'Immediate') handles[kind] = (handles[kind] ?? 0) + 1
  }
  return {
    handles,
    descriptors: readdirSync('/proc/self/fd').length,
    listeners: process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0),
    heapBytes: process.memoryUsage().heapUsed,
  }
}
