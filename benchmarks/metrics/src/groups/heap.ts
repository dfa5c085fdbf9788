/* What series take in memory, and what happens to memory when an attacker chooses label values. */
import { durations, labelsOf, manyValues, routesOf } from '../labels.ts'
import { promClients } from '../libraries.ts'
import {
  checkPage,
  kitMaker,
  makers,
  promMaker,
  type Kind,
  type Maker,
  type Population,
} from '../populations.ts'
import type { HeapGroup } from '../suite-types.ts'

const lastValue = manyValues - 1

/** Bytes a series. */
export const heapOfSeries: HeapGroup[] = [
  heap('counters', 10_000, 1, makers),
  heap('counters', 100_000, 1, [kitMaker, promMaker]),
  heap('histograms', 10_000, 0.75, makers),
  heap('histograms', 100_000, 0.75, [kitMaker, promMaker]),
]

const valueLength = 1024
const maxSeries = 2000

/** A million values that nobody expected. */
export const cardinality: HeapGroup = {
  name: 'cardinality',
  title: 'bytes that stay for each of many label values of 1 KiB that come once',
  note:
    'Kit keeps 2,000 series, whose values have 2 MiB, and counts all others in the overflow series; that both are exact ' +
    'is checked. prom-client keeps all, so it gets fewer.',
  inAll: 8 * 2 ** 20,
  cases: [
    {
      name: 'kit',
      iterations: 1_000_000,
      async prepare() {
        const { createMetrics } = await import('@kit/metrics')
        const metrics = createMetrics()
        const visits = metrics.counter('visits', { labels: ['user'] })
        return {
          burst(count: number) {
            for (let i = 0; i < count; i++) visits.inc({ user: hostileValue(i) })
            const found = metrics.snapshot().metrics.find(({ name }) => name === 'visits')
            const series = found?.kind === 'counter' ? found.series : []
            const overflow = series.find(({ labels }) => labels['user'] === 'kit.overflow')
            if (series.length !== maxSeries + 1 || overflow?.value !== count - maxSeries) {
              throw new Error(
                `${series.length} series, ${overflow?.value} of ${count} in the overflow series`,
              )
            }
          },
        }
      },
    },
    ...promClients.slice(0, 1).map(({ name, load }) => ({
      name,
      iterations: 20_000,
      async prepare() {
        const { Counter, Registry } = await load()
        const registers = [new Registry()]
        const visits = new Counter({ name: 'visits', help: 'h', labelNames: ['user'], registers })
        return {
          burst(count: number) {
            for (let i = 0; i < count; i++) visits.inc({ user: hostileValue(i) })
          },
        }
      },
    })),
  ],
}

function heap(kind: Kind, count: number, atMost: number, of: readonly Maker[]): HeapGroup {
  const number = count.toLocaleString('en-US')
  return {
    name: `heap-${kind}-${count / 1000}k`,
    title: `bytes that each of ${number} ${kind === 'counters' ? 'counter' : 'histogram'} series takes after three scrapes`,
    note:
      'All that the process counts, on the heap and outside, with the text that is kept for the next scrape. The values ' +
      'of labels exist anyway. Peak is the growth of the resident set at its largest.',
    share: { against: 'prom-client', atMost },
    cases: of.map((maker) => ({
      name: maker.name,
      minimumNode: maker.minimumNode,
      iterations: count,
      async prepare() {
        // What is loaded and compiled only once is not what is asked for.
        for (let i = 0; i < 3; i++) await fill(await maker.make(kind), kind, 200)
        const population = await maker.make(kind)
        return { burst: (times: number) => fill(population, kind, times) }
      },
    })),
  }
}

async function fill(population: Population, kind: Kind, count: number): Promise<void> {
  const routes = routesOf(count)
  const values = durations()
  for (let i = 0; i < count; i++) population.record(labelsOf(i, routes), values[i & lastValue]!)
  checkPage(kind, count, await population.page())
  // What a library keeps of a page it may keep from the second one on.
  for (let i = 0; i < 2; i++) await population.serve()
}

/** A string of its own, as it would come from a request. */
function hostileValue(index: number): string {
  bytes.write(index.toString(16).padStart(16, '0'), 0, 'latin1')
  return bytes.toString('latin1')
}

const bytes = Buffer.alloc(valueLength, 'x')
