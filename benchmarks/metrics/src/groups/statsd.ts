/* Sending to a StatsD server: the processor's time of a flush, since the rest of it is waiting for the socket. */
import { labelNames, labelSets } from '../labels.ts'
import { hotShots, kitMetrics } from '../libraries.ts'
import type { SlowGroup } from '../suite-types.ts'

const count = 10_000

/** All series changed. */
export const statsdFlush: SlowGroup = {
  name: 'statsd',
  title: 'processor time to send 10,000 counters with three labels that all changed, over UDP, as DogStatsD',
  note:
    'Kit sends at a flush what was counted since the last one; the counting is not timed. hot-shots is told of each ' +
    'increment, once for each series: in a service many fall on each. Nobody listens at the other end.',
  rounds: 5,
  targets: [{ nanosecondsOf: 'kit: flush', atMost: 10e6 }],
  cases: [
    {
      name: 'kit: flush',
      async prepare() {
        const { statsd } = await import('@kit/metrics/statsd')
        const metrics = await kitMetrics()
        const sink = statsd({ host: '127.0.0.1', port: 9, dialect: 'dogstatsd', intervalMs: 3_600_000 })
        metrics.attach(sink)
        const requests = metrics.counter('requests', { labels: labelNames })
        const handles = labelSets(count).map((labels) => requests.labels(labels))
        return {
          async burst(times: number) {
            let used = 0
            for (let i = 0; i < times; i++) {
              for (const handle of handles) handle.inc()
              const { lines } = sink.stats()
              used += await processorTime(() => metrics.flush())
              const sent = sink.stats().lines - lines
              if (sent < count) throw new Error(`${sent} lines were sent`)
            }
            return used / times
          },
        }
      },
    },
    ...[false, true].map((aggregation) => ({
      name: aggregation ? 'hot-shots, aggregated: increments and flush' : 'hot-shots, buffered: increments',
      async prepare() {
        const client = await hotShots(aggregation)
        const sets = labelSets(count)
        return {
          async burst(times: number) {
            let used = 0
            for (let i = 0; i < times; i++) {
              used += await processorTime(async () => {
                for (const labels of sets) client.increment('requests', 1, labels)
                if (aggregation) await new Promise((resolve) => client.flush(resolve))
              })
            }
            return used / times
          },
        }
      },
    })),
  ],
}

/** Nanoseconds of the whole process, in its code and in the system. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}
