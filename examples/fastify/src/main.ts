/** Starts the service on PORT and its metrics on ADMIN_PORT; 0 takes any port. */

import { adminServer } from '@kit/http/endpoints'
import { defaultLogger } from '@kit/log'
import { metrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { createService } from './service.ts'

const page = prometheus()
metrics.attach(page)

const service = await createService({ ordersMs: 500, reportsMs: 30_000 })
const url = await service.listen({ port: Number(process.env['PORT'] ?? 8080), host: '127.0.0.1' })
const admin = await adminServer({ port: Number(process.env['ADMIN_PORT'] ?? 9000), metrics: page })
defaultLogger().info({ url, metrics: `${admin.url}/metrics` }, 'ready')

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void service.close()
    void admin.close()
  })
}
