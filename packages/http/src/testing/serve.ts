/** Puts a conformance app on a port. */

import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ConformanceServer } from './conformance.ts'

/** Listens on a free port of 127.0.0.1, until it is closed with all its connections. */
export async function serveConformanceApp(server: Server): Promise<ConformanceServer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
