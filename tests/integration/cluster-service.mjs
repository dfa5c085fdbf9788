// A service in two processes of a cluster that counts with kit and is scraped through the aggregation of prom-client, or of
// the client whose name is the argument: prints the one page that its primary makes of both.

import cluster from 'node:cluster'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'

const { AggregatorRegistry, Registry } = await import(process.argv[2])

if (cluster.isPrimary) {
  const registry = new AggregatorRegistry()
  const workers = [cluster.fork({ PART: '1' }), cluster.fork({ PART: '2' })]
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
  process.stdout.write(await registry.clusterMetrics())
  for (const worker of workers) worker.kill()
} else {
  const part = Number(process.env.PART)
  const metrics = createMetrics()
  metrics.updateFilter({ block: ['kit'] })
  metrics.counter('jobs', { labels: ['kind'] }).inc({ kind: 'mail' }, part)
  metrics.gauge('waiting').set(10 * part)
  metrics.histogram('job.duration', { unit: 's', buckets: [0.1, 1] }).observe(part / 4)
  const registry = new Registry()
  const sink = prometheus()
  metrics.attach(sink)
  sink.exposeIn(registry)
  AggregatorRegistry.setRegistries(registry)
  // From when there is one, it answers the primary.
  const answering = new AggregatorRegistry()
  process.send(answering.contentType)
}
