/** Services of the shop on ports of their own, for tests. */

import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const closing: (() => void)[] = []

/** Serves until `stop`; resolves with the URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Ends all that is served. */
export function stop(): void {
  for (const close of closing.splice(0)) close()
}
