/** Starts the service and its back door, and says what to type. Ports come from PORT and ADMIN_PORT; 0 takes any. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { adminServer } from '@kit/http/endpoints'
import { createLogger } from '@kit/log'
import { createService } from './service.ts'

// Only INFO and above, from all parts, until somebody asks for more.
const log = createLogger({ level: 'info' })

const service = createService(log).listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1')
await once(service, 'listening')
const admin = await adminServer({
  port: Number(process.env['ADMIN_PORT'] ?? 9000),
  levels: log.levels,
  // Right on a loopback port, which is all that this server listens on. Elsewhere, ask who it is.
  authorize: 'none',
})

const { port } = service.address() as AddressInfo
log.info({ orders: `http://127.0.0.1:${port}/orders`, levels: `${admin.url}/log/levels` }, 'ready')

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    service.close()
    void admin.close()
  })
}
