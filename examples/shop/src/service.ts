/**
 * What both services have in common, and about all that a service of your own needs: sinks, runtime metrics, a
 * logger, the admin server, and an orderly end.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, notify } from '@kit/context'
import type { HealthChecks } from '@kit/http/endpoints'
import { drain } from '@kit/http/drain'
import { adminServer } from '@kit/http/endpoints'
import type { Logger } from '@kit/log'
import { createLogger } from '@kit/log'
import { metrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import { prometheus } from '@kit/metrics/prometheus'
import { runtimeMetrics } from '@kit/metrics/runtime'

/** What a service is made of. */
export interface Service {
  /** The application: that of any framework, as a listener of node:http. */
  readonly app: (req: IncomingMessage, res: ServerResponse) => unknown
  readonly health?: HealthChecks
  close?(): Promise<void>
}

/** What a service tells the process that started it. */
export type ServiceMessage =
  | { readonly kind: 'ready'; readonly url: string; readonly adminUrl: string }
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * Runs a service on PORT and ADMIN_PORT, with its log in LOG_FILE (default: standard output), until SIGTERM, or
 * until the process that started it is gone.
 */
export async function runService(name: string, build: (log: Logger) => Promise<Service>): Promise<void> {
  const { PORT = '3000', ADMIN_PORT = '9464', LOG_FILE } = process.env
  const stop = notify(background, 'SIGTERM')
  process.once('disconnect', () => stop.cancel('the process that started this one is gone'))
  const beginDraining = stop.afterFunc(() => process.exit(1)) // until there is something to drain
  process.on('SIGINT', () => {}) // Ctrl-C reaches the whole group; the process that started this one decides
  try {
    const log = createLogger({ name, ...(LOG_FILE === undefined ? {} : { destination: LOG_FILE }) })
    const page = prometheus()
    const recent = memory()
    metrics.attach(page)
    metrics.attach(recent)
    runtimeMetrics(metrics)

    const service = await build(log)
    const admin = await adminServer({
      port: Number(ADMIN_PORT),
      metrics: page,
      memory: recent,
      levels: log.levels,
      authorize: 'none', // only this machine reaches the port
      ...(service.health ? { health: service.health } : {}),
    })
    const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => void service.app(req, res))
    beginDraining()
    const close = (): unknown => service.close?.()
    const drained = drain(stop, { servers: [server], admin, log, close, graceMs: 3000, scrapeMs: 0 })
    await listen(server, Number(PORT))
    const { port } = server.address() as AddressInfo
    log.info({ port, adminUrl: admin.url }, 'serving')
    tell({ kind: 'ready', url: `http://127.0.0.1:${port}`, adminUrl: admin.url })
    const { clean } = await drained
    process.exit(clean ? 0 : 1)
  } catch (error) {
    tell({ kind: 'failed', reason: `${name}: ${error instanceof Error ? error.message : String(error)}` })
    process.exit(1)
  }
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is in use`) : error)
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}

function tell(message: ServiceMessage): void {
  process.send?.(message)
  if (process.send === undefined && message.kind === 'failed') process.stderr.write(`${message.reason}\n`)
}
