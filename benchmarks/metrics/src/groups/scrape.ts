/* Making the page for a scraper: how long it takes, and how long the event loop stands still meanwhile. */
import { emptyYoungGeneration } from '@kit-benchmarks/context/harness/heap.js'
import { median } from '@kit-benchmarks/context/harness/statistics.js'
import { durations, labelSets, manyValues, type RequestLabels } from '../labels.ts'
import {
  checkPage,
  kitMaker,
  makers,
  promMaker,
  type Kind,
  type Maker,
  type Population,
} from '../populations.ts'
import type { SlowGroup } from '../suite-types.ts'

const lastValue = manyValues - 1
/** A service is scraped every few seconds for as long as it lives: what counts is not how its first page is made. */
const warmUps = 10
const scrapeNote =
  'A tenth of the series is recorded into between two scrapes, and the young generation is collected, as a service sees ' +
  'to by its own garbage in the seconds between; neither is timed. The page is made in bytes, as it is served, and was ' +
  'made ten times before.'
const busyNote =
  'As before, but between two scrapes the process goes over 64 MiB of other memory, as one does that works for 15 seconds: ' +
  'nothing that the page is made of is in the caches of the processor any more.'
const goNote = 'Go’s client_golang, measured by itself on such a machine, takes'

/** 1,000 and 10,000 series, scraped again and again, and scraped between other work. */
export const scrapes: SlowGroup[] = [
  scrape('counters', 1000),
  scrape('counters', 10_000, { atLeast: 15, ofGo: 19e6, note: `${goNote} 19 to 22 ms.` }),
  scrape('histograms', 1000),
  scrape('histograms', 10_000, {
    atLeast: 15,
    ofGo: 82e6,
    note: `The page has 15 MB. ${goNote} 82 to 94 ms.`,
  }),
  scrape('counters', 10_000, { busy: true }),
  scrape('histograms', 10_000, { busy: true }),
]

/** The longest turn. */
export const longestTurn: SlowGroup = {
  name: 'turn',
  title: 'the longest turn of the event loop while a page of 100,000 histograms is made, of 153 MB',
  note:
    'Everything else in the process waits for so long. One scrape, since it takes prom-client seconds; of kit, which ' +
    'takes less, the median of three. As one string kit has to join what it made in turns.',
  rounds: undefined,
  targets: [
    { nanosecondsOf: 'kit: as served', atMost: 20e6 },
    { against: 'prom-client', atLeast: 50 },
  ],
  cases: [
    turnOf(kitMaker, 'kit: as served', ({ serve }) => serve(), 3),
    turnOf(promMaker, 'prom-client', ({ serve }) => serve(), 1),
    turnOf(kitMaker, 'kit: as one string', ({ page }) => page(), 3),
  ],
}

function turnOf(
  maker: Maker,
  name: string,
  scrapeOnce: (population: Population) => Promise<unknown>,
  times: number,
): SlowGroup['cases'][number] {
  return {
    name,
    minimumNode: maker.minimumNode,
    async prepare() {
      const { population, change } = await populate(maker, 'histograms', 100_000)
      return {
        async burst() {
          const turns: number[] = []
          for (let i = 0; i < times; i++) {
            change()
            turns.push(await longestTurnDuring(() => scrapeOnce(population)))
          }
          return median(turns) * 1e6
        },
      }
    },
  }
}

interface ScrapeOptions {
  /** So many times kit's time prom-client should take. */
  readonly atLeast?: number
  /** What Go's client takes, in nanoseconds. */
  readonly ofGo?: number
  readonly note?: string
  /** Whether the process does other things between two scrapes. */
  readonly busy?: boolean
}

function scrape(
  kind: Kind,
  count: number,
  { atLeast, ofGo, note, busy = false }: ScrapeOptions = {},
): SlowGroup {
  const number = count.toLocaleString('en-US')
  const what = `${number} ${kind === 'counters' ? 'counters' : 'histograms of 11 buckets'} with three labels`
  return {
    name: `scrape-${kind}-${count / 1000}k${busy ? '-busy' : ''}`,
    title: `make the page of ${what}${busy ? ', between other work' : ''}`,
    note: [busy ? busyNote : scrapeNote, note].filter((part) => part !== undefined).join(' '),
    rounds: 5,
    targets: [
      ...(atLeast === undefined ? [] : [{ against: 'prom-client', atLeast }]),
      ...(ofGo === undefined ? [] : [{ nanosecondsOf: 'kit', atMost: ofGo }]),
    ],
    cases: makers.map((maker) => ({
      name: maker.name,
      minimumNode: maker.minimumNode,
      async prepare() {
        const { population, change } = await populate(maker, kind, count)
        const work = busy ? otherWork() : () => {}
        checkPage(kind, count, await population.page())
        for (let i = 0; i < warmUps; i++) {
          change()
          await population.serve()
        }
        return {
          async burst(times: number) {
            let elapsed = 0
            for (let i = 0; i < times; i++) {
              change()
              emptyYoungGeneration()
              work()
              const start = performance.now()
              await population.serve()
              elapsed += performance.now() - start
            }
            return (elapsed * 1e6) / times
          },
        }
      },
    })),
  }
}

/** A population of which each series has a value, and what records into another tenth of it at each call. */
async function populate(
  maker: Maker,
  kind: Kind,
  count: number,
): Promise<{ population: Population; change: () => void }> {
  const population = await maker.make(kind)
  const sets = labelSets(count)
  const values = durations()
  let recorded = 0
  const record = (labels: RequestLabels): void => population.record(labels, values[recorded++ & lastValue]!)
  sets.forEach(record)
  let first = 0
  return {
    population,
    change() {
      for (let i = first; i < count; i += 10) record(sets[i]!)
      first = (first + 1) % 10
    },
  }
}

/** Goes over so much memory that the processor has nothing else in its caches. */
function otherWork(): () => void {
  const memory = new Float64Array(2 ** 23)
  return () => {
    for (let i = 0; i < memory.length; i += 8) memory[i]! += 1
  }
}

async function longestTurnDuring(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  let over = false
  const measure = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (!over) setImmediate(measure)
  }
  setImmediate(measure)
  await work()
  over = true
  return Math.max(longest, performance.now() - last)
}
