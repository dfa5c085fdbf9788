/** R10: a scrape is fair to the rest of the process, and comes whatever fails. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { adminServer } from '@kit/http/endpoints'
import type { AdminServer } from '@kit/http/endpoints'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import type { PrometheusSink } from '@kit/metrics/prometheus'
import { collectWorkers } from '@kit/metrics/workers'
import { Gauge, Registry } from 'prom-client'
import type { ScrapeOrder, ScrapeResult } from '../programs/scraper.ts'
import type { Figure, PublishedPromise, Trial } from '../promise.ts'
import { LoopWatch } from '../tools/loop-watch.ts'
import { forkProgram, nextMessage, programPath } from '../tools/programs.ts'

const together = 500
/** Collectors of a page that throw: one of ours, one of others. */
const throwing = 2
const inTimeMs = 1000
const text = 'text/plain'
const openMetrics = 'application/openmetrics-text;version=1.0.0'

export const promise: PublishedPromise = {
  id: 'R10',
  says: 'A scrape of many series takes the event loop for moments only, scrapes that come together share one reading, and a page comes in time without the parts that fail, which it names.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/metrics/src/sinks/prometheus',
    'packages/metrics/src/workers',
    'packages/metrics/src/observables.ts',
  ],
  async run(trial) {
    await tryTurns(trial)
    await tryTogether(trial)
    await tryFailures(trial)
  },
  plants: [
    {
      bug: 'slices end at no length',
      file: 'metrics/dist/sinks/prometheus/slices.js',
      find: 'this.out.length >= sliceLength',
      replace: 'false',
    },
    {
      bug: 'every scrape has a run of its own',
      file: 'metrics/dist/sinks/prometheus/shared-run.js',
      find: 'if (this.#waiting === undefined) {',
      replace: '{',
    },
    {
      bug: 'an observable that throws fails the collection',
      file: 'metrics/dist/observables.js',
      find: "drops.count('observable_failed');",
      replace: "throw new Error('observable failed');",
    },
    {
      bug: 'metrics of others are waited for as long as they take',
      file: 'metrics/dist/sinks/prometheus/merged-registries.js',
      find: 'setTimer(this.#timeoutMs,',
      replace: 'setTimer(this.#timeoutMs * 10,',
    },
    {
      bug: 'workers are never late',
      file: 'metrics/dist/workers/collector.js',
      find: 'now - line.heardAt > this.#lateMs',
      replace: 'false',
    },
  ],
}

/** 50,000 series, scraped alone and by three at once, over sockets. */
async function tryTurns(trial: Trial): Promise<void> {
  const metrics = createMetrics()
  for (let i = 0; i < 25; i++) {
    const counter = metrics.counter(`requests.${i}`, { labels: ['route', 'tenant'] })
    for (let j = 0; j < 2000; j++) counter.inc({ route: `/things/${j % 40}/:id`, tenant: `tenant-${j}` })
  }
  const page = prometheus()
  metrics.attach(page)
  const admin = await adminServer({ port: 0, metrics: page })
  const scraper = forkProgram('scraper')
  const scrape = async (count: number, accept: string, wantsPage = false): Promise<ScrapeResult> => {
    scraper.send({ url: `${admin.url}/metrics`, count, accept, wantsPage } satisfies ScrapeOrder)
    return nextMessage<ScrapeResult>(scraper)
  }
  try {
    const warm = await scrape(2, text, true)
    await scrape(2, openMetrics)
    trial.figure({
      what: 'series on the page',
      value: samplesOf(warm.page, 'requests_'),
      unit: 'series',
      exactly: 50_000,
    })
    for (const [format, accept] of [
      ['text', text],
      ['OpenMetrics', openMetrics],
    ] as const) {
      for (const [count, who] of [
        [1, 'one scraper'],
        [3, 'three at once'],
      ] as const) {
        // What a busy machine adds to a turn is not the same each time; what the turn itself takes is.
        const longest: number[] = []
        for (let i = 0; i < trial.pick({ change: 5, nightly: 20, release: 20 }); i++) {
          const watch = new LoopWatch()
          await scrape(count, accept)
          longest.push(watch.stop())
        }
        trial.figure({
          what: `longest turn, ${format} for ${who}`,
          value: Math.min(...longest),
          unit: 'ms',
          atMost: 10,
        })
      }
    }
  } finally {
    scraper.kill()
    await admin.close()
    await metrics.shutdown()
  }
}

/** 500 scrapers at once: in one moment, beside one that does not read on, and on sockets while a reading goes on. */
async function tryTogether(trial: Trial): Promise<void> {
  const metrics = createMetrics()
  let readings = 0
  metrics.observable('readings', {}, () => ++readings)
  const counter = metrics.counter('requests', { labels: ['route'] })
  for (let i = 0; i < 200; i++) counter.inc({ route: `/things/${i}/:id` })
  const page = prometheus()
  metrics.attach(page)
  const admin = await adminServer({ port: 0, metrics: page })
  const tell = (what: string, value: number, unit: string, bound: Partial<Figure>): void =>
    trial.figure({ what, value, unit, ...bound })
  const scrape = (): Promise<Response> => page.handler(new Request(`${admin.url}/metrics`))
  const scrapeAll = async (): Promise<string[]> =>
    Promise.all(Array.from({ length: together }, async () => (await scrape()).text()))
  try {
    const pages = await scrapeAll()
    const same = pages.filter((one) => one === pages[0]).length
    tell(`readings for ${together} scrapes of one moment`, readings, 'readings', { exactly: 1 })
    tell('of these, the same page', same, 'pages', { exactly: together })

    const slow = (await scrape()).body
    readings = 0
    const beside = await scrapeAll()
    const besideSame = beside.filter((one) => one === beside[0]).length
    const besideReadings = `readings for ${together} scrapes beside a reader that stands still`
    tell(besideReadings, readings, 'readings', { exactly: 1 })
    tell('of these beside it, the same page', besideSame, 'pages', { exactly: together })
    await slow?.cancel()

    readings = 0
    const whole = await scrapeOnSockets(admin, page)
    // The one that was under way when they came, and theirs.
    tell(`readings for ${together} scrapers on sockets`, readings, 'readings', { atMost: 2 })
    tell('of these, answered whole', whole, 'pages', { exactly: together })
  } finally {
    await admin.close()
    await metrics.shutdown()
  }
}

/** The first reading takes until all have come, so that it does not depend on the machine how many come meanwhile. */
async function scrapeOnSockets(admin: AdminServer, page: PrometheusSink): Promise<number> {
  const theirs = new Registry()
  let came = 0
  const allCame = new Promise<void>((resolve) => {
    admin.server.on('request', () => {
      came++
      if (came === together) resolve()
    })
  })
  theirs.registerMetric(new Gauge({ name: 'slow', help: 'h', registers: [], collect: () => allCame }))
  page.mergeWith(theirs, { timeoutMs: 60_000 })
  const scraper = forkProgram('scraper')
  try {
    scraper.send({ url: `${admin.url}/metrics`, count: together, accept: text } satisfies ScrapeOrder)
    return (await nextMessage<ScrapeResult>(scraper)).whole
  } finally {
    scraper.kill()
  }
}

/** Collectors that throw and hang, a thread that hangs, a process that is killed: all on one page. */
async function tryFailures(trial: Trial): Promise<void> {
  const metrics = createMetrics()
  const page = prometheus()
  metrics.attach(page)
  metrics.counter('healthy').inc(3)
  metrics.observable('throwing', {}, () => {
    throw new Error('expected')
  })
  const theirs = new Registry()
  const healthy = new Gauge({ name: 'theirs_healthy', help: 'h', registers: [theirs] })
  healthy.set(5)
  const register = (name: string, collect: () => Promise<void>): void =>
    theirs.registerMetric(new Gauge({ name, help: 'h', registers: [], collect }))
  register('theirs_throwing', () => Promise.reject(new Error('expected')))
  page.mergeWith(theirs)
  const lateMs = trial.pick({ change: 300, nightly: undefined, release: undefined })
  const workers = collectWorkers(metrics, { lateMs })
  const hung = new Worker(programPath('reporting-worker'), { workerData: 'hang' })
  workers.add(hung)
  await said(hung, 'reported')
  const killed = forkProgram('reporting-worker')
  workers.add(killed)
  await said(killed, 'reported')
  killed.kill('SIGKILL')
  await once(killed, 'disconnect')
  const admin = await adminServer({ port: 0, metrics: page })
  try {
    await new Promise((resolve) => setTimeout(resolve, (lateMs ?? 5000) + 200))
    const scrape = async (): Promise<string> =>
      (await fetch(`${admin.url}/metrics`, { headers: { accept: text } })).text()
    let failures = 0
    let hanging = 0
    let content = ''
    const pageMs = await quickest(async () => {
      // Each time another one: those that hang already are not waited for again.
      register(`theirs_hung_${++hanging}`, () => new Promise<void>(() => {}))
      failures += throwing + hanging
      content = await scrape()
    }, inTimeMs)
    trial.figure({ what: 'page with failing parts after', value: pageMs, unit: 'ms', atMost: inTimeMs })
    // What others fail at is known when our own numbers stand on the page already: the next one tells.
    const told = valueOf(await scrape(), 'kit_metrics_dropped_total{reason="observable_failed"}')
    trial.figure({
      what: 'failures of collectors that the next page does not tell of',
      value: failures + 1 - told,
      unit: 'failures',
      exactly: 0,
    })
    let silent = 0
    const refreshMs = await quickest(async () => {
      silent = await workers.refresh()
    }, 1100)
    trial.figure({
      what: 'asking all workers, of which one hangs, took',
      value: refreshMs,
      unit: 'ms',
      // A second, and what a busy machine adds to it.
      atMost: 1500,
    })
    trial.figure({ what: 'workers that did not answer', value: silent, unit: 'workers', exactly: 1 })
    const shown: readonly (readonly [string, string, number])[] = [
      ['healthy metrics: ours', 'healthy_total', 3],
      ['healthy metrics: of a merged registry', 'theirs_healthy', 5],
      ['workers named as late', 'kit_workers_reporting{state="late"}', 1],
      ['workers that live', 'kit_workers_reporting{state="live"}', 0],
    ]
    for (const [what, series, exactly] of shown) {
      trial.figure({ what, value: valueOf(content, series), unit: 'shown', exactly })
    }
    // What the hung thread counts cannot be told; what both had reported before must be there.
    trial.figure({
      what: 'jobs kept of a hung and of a killed worker',
      value: valueOf(content, 'worker_jobs_total'),
      unit: 'jobs',
      atLeast: 14,
    })
  } finally {
    await hung.terminate()
    workers[Symbol.dispose]()
    await admin.close()
    await metrics.shutdown()
  }
}

/** How long `run` takes in milliseconds; tries twice more when that is beyond a limit, as the machine may be busy. */
async function quickest(run: () => Promise<void>, limitMs: number): Promise<number> {
  let leastMs = Infinity
  for (let attempt = 0; attempt < 3 && leastMs > limitMs; attempt++) {
    const startMs = performance.now()
    await run()
    leastMs = Math.min(leastMs, performance.now() - startMs)
  }
  return leastMs
}

/** Resolves when a worker says this word: other messages are the kit's. */
function said(worker: NodeJS.EventEmitter, word: string): Promise<void> {
  return new Promise((resolve) => {
    worker.on('message', (message: unknown) => {
      if (message === word) resolve()
    })
  })
}

function samplesOf(page: string, prefix: string): number {
  return page.split('\n').filter((line) => line.startsWith(prefix)).length
}

function valueOf(page: string, series: string): number {
  const line = page.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1))
}
