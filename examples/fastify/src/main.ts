/** Starts the service on PORT and its metrics on ADMIN_PORT; 0 takes any port. */

import { background, notify } from '@kit/context'
import { drain } from '@kit/http/drain'
import { adminServer } from '@kit/http/endpoints'
import { defaultLogger } from '@kit/log'
import { metrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { createService } from './service.ts'

const page = prometheus()
metrics.attach(page)

const service = await createService({ ordersMs: 500, reportsMs: 30_000 })
const admin = await adminServer({ port: Number(process.env['ADMIN_PORT'] ?? 9000), metrics: page })
const drained = drain(notify(background), { servers: [service.server], admin, close: () => service.close() })
const url = await service.listen({ port: Number(process.env['PORT'] ?? 8080), host: '127.0.0.1' })
defaultLogger().info({ url, metrics: `${admin.url}/metrics` }, 'ready')

const { clean } = await drained
process.exitCode = clean ? 0 : 1
