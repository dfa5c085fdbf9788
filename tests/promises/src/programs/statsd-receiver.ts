/** A StatsD server in a process of its own: listens on the port that is its argument, and tells what came. */

import { UdpServer } from '../outages/servers.ts'
import type { Received } from '../outages/namespace-server.ts'

const tellEveryMs = 10

const server = new UdpServer()
server.port = Number(process.argv[2])
await server.start()
let told = -1
setInterval(() => {
  const { total, datagrams } = server
  if (datagrams === told) return
  told = datagrams
  process.send?.({ total, datagrams } satisfies Received)
}, tellEveryMs)
process.once('disconnect', () => process.exit())
