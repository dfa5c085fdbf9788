/**
 * A service as its users write it, which ends by drain when it is told SIGTERM. `{ statsdPort, log, truth }` as its
 * argument; says on which ports it listens, and at the end writes down how many requests its handler had.
 */

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, notify } from '@kit/context'
import { drain } from '@kit/http/drain'
import { adminServer } from '@kit/http/endpoints'
import { observeListener } from '@kit/http/node'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { statsd } from '@kit/metrics/statsd'

/** What the service is told. */
export interface ServiceOrder {
  readonly statsdPort: number
  /** Where to log, and where to write the truth. */
  readonly log: string
  readonly truth: string
}

/** Where it listens. */
export interface ServicePorts {
  readonly port: number
  readonly adminPort: number
}

/** What it knew at its end. */
export interface ServiceTruth {
  readonly handled: number
  readonly tookMs: number
}

const order = JSON.parse(process.argv[2]!) as ServiceOrder
const metrics = createMetrics()
const log = createLogger({ format: 'json', destination: order.log })
const page = prometheus()
metrics.attach(page)
metrics.attach(statsd({ port: order.statsdPort, dialect: 'dogstatsd', intervalMs: 10_000 }))
const calls = metrics.counter('calls')
let handled = 0

/** `/20` takes 20 ms, `/never` takes for ever. */
const server = createServer(
  observeListener(
    (req, res) => {
      handled++
      calls.inc()
      const afterMs = Number(req.url!.slice(1))
      if (afterMs >= 0) setTimeout(() => res.end('done'), afterMs)
    },
    { metrics, log },
  ),
)
const admin = await adminServer({ port: 0, metrics: page })
const drained = drain(notify(background, 'SIGTERM'), { servers: [server], admin, metrics, log })
server.listen(0, '127.0.0.1', () => {
  process.send?.({
    port: (server.address() as AddressInfo).port,
    adminPort: admin.port,
  } satisfies ServicePorts)
})
const { durationMs } = await drained
writeFileSync(order.truth, JSON.stringify({ handled, tookMs: durationMs } satisfies ServiceTruth))
process.exit(0)
