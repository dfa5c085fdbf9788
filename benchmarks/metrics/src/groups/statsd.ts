/* Sending to a StatsD server: the processor's time of a flush, since the rest of it is waiting for the socket. */
import { labelNames, labelSets } from '../labels.ts'
import { hotShots, kitMetrics } from '../libraries.ts'
import type { SlowGroup } from '../suite-types.ts'

const count = 10_000

/** What each case does before it is timed: as much as a service does in some minutes, after which all is compiled. */
const warmUps = 25

/** All series changed. */
export const statsdFlush: SlowGroup = {
  name: 'statsd',
  title: 'processor time to send 10,000 counters with three labels that all changed, over UDP, as DogStatsD',
  note:
    'Kit sends at a flush what was counted since the last one; the counting is not timed. hot-shots is told of each ' +
    `increment, once for each series: in a service many fall on each. Each did so ${warmUps} times before. Nobody ` +
    'listens at the other end, which is on this machine: kit sends packets of 3,600 bytes there, hot-shots of 1,432.',
  rounds: 5,
  targets: [{ nanosecondsOf: 'kit: flush', atMost: 10e6 }],
  cases: [
    ...[undefined, 1432].map((maxPacketBytes) => ({
      name: maxPacketBytes === undefined ? 'kit: flush' : 'kit: flush, packets of 1,432 bytes',
      async prepare() {
        const { statsd } = await import('@kit/metrics/statsd')
        const metrics = await kitMetrics()
        const sink = statsd({
          host: '127.0.0.1',
          port: 9,
          dialect: 'dogstatsd',
          intervalMs: 3_600_000,
          maxPacketBytes,
        })
        metrics.attach(sink)
        const requests = metrics.counter('requests', { labels: labelNames })
        const handles = labelSets(count).map((labels) => requests.labels(labels))
        return warm(async () => {
          for (const handle of handles) handle.inc()
          const { lines } = sink.stats()
          const used = await processorTime(() => metrics.flush())
          const sent = sink.stats().lines - lines
          if (sent < count) throw new Error(`${sent} lines were sent`)
          return used
        })
      },
    })),
    ...[false, true].map((aggregation) => ({
      name: aggregation ? 'hot-shots, aggregated: increments and flush' : 'hot-shots, buffered: increments',
      async prepare() {
        const client = await hotShots(aggregation)
        const sets = labelSets(count)
        return warm(() =>
          processorTime(async () => {
            for (const labels of sets) client.increment('requests', 1, labels)
            if (aggregation) await new Promise((resolve) => client.flush(resolve))
          }),
        )
      },
    })),
  ],
}

/** An operation that was done often enough already; `once` resolves with the nanoseconds that it took. */
async function warm(once: () => Promise<number>): Promise<{ burst(times: number): Promise<number> }> {
  for (let i = 0; i < warmUps; i++) await once()
  return {
    async burst(times) {
      let used = 0
      for (let i = 0; i < times; i++) used += await once()
      return used / times
    },
  }
}

/** Nanoseconds of the whole process, in its code and in the system. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}
