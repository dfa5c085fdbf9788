/** A worker, thread or process, that reports 7 jobs and then does as it is told: `hang` for ever, or wait. */

import { parentPort, workerData } from 'node:worker_threads'
import { createMetrics } from '@kit/metrics'
import { reportTo } from '@kit/metrics/workers'

const metrics = createMetrics()
reportTo(metrics)
process.on('message', () => {})
metrics.counter('worker.jobs').inc(7)
metrics.gauge('worker.busy').set(1)
await metrics.flush()
if (parentPort === null) process.send?.('reported')
else parentPort.postMessage('reported')

if (workerData === 'hang') {
  for (;;) metrics.counter('worker.jobs').inc()
} else setInterval(() => {}, 1000)
