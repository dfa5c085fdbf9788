import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { manualClock } from '@kit/context/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memory } from '../sinks/memory/index.ts'
import { prometheus } from '../sinks/prometheus/index.ts'
import { testMetrics, type TestMetrics } from '../testing/index.ts'
import { collectWorkers, type CollectOptions, type WorkerCollector } from './index.ts'

// A worker is a plain Node, which runs what was built.
const built = (file: string): string => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href)

// Starting a program takes a while on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 })

const open: Disposable[] = []
const threads: Worker[] = []
afterEach(async () => {
  for (const disposable of open.splice(0)) disposable[Symbol.dispose]()
  await Promise.all(threads.splice(0).map((worker) => worker.terminate()))
})

function collector(options?: CollectOptions): { metrics: TestMetrics; workers: WorkerCollector } {
  const metrics = testMetrics()
  const workers = collectWorkers(metrics, options)
  open.push(workers)
  return { metrics, workers }
}

/** A worker thread with metrics that report, in which the body of an async function runs. */
function thread(body: string, options = ''): Worker {
  const code = `
    const { parentPort } = require('node:worker_threads')
    Promise.all([import(${built('index.js')}), import(${built('workers/index.js')})]).then(async ([kit, workers]) => {
      const metrics = kit.createMetrics()
      const stop = workers.reportTo(metrics, parentPort, { intervalMs: 1e6, ${options} })
      ${body}
    })`
  const worker = new Worker(code, { eval: true })
  threads.push(worker)
  return worker
}

describe('worker threads', () => {
  it('add up with each other and with this thread, on every sink', async () => {
    const { metrics, workers } = collector()
    const page = prometheus()
    const recent = memory()
    metrics.attach(page)
    metrics.attach(recent)
    metrics.counter('jobs', { labels: ['queue'] }).inc({ queue: 'a' }, 100)
    metrics.gauge('busy').set(5)
    metrics.histogram('took', { unit: 's' }).observe(0.25)
    const body = (n: number): string => `
      metrics.counter('jobs', { labels: ['queue'] }).inc({ queue: 'a' }, ${n})
      metrics.counter('jobs', { labels: ['queue'] }).inc({ queue: 'b${n}' })
      metrics.gauge('busy').set(${n})
      metrics.histogram('took', { unit: 's' }).observe(0.5)
      await metrics.flush()
      parentPort.postMessage('ready')
      setTimeout(() => {}, 1e6)`
    const both = [1, 2].map((n) => thread(body(n)))
    for (const worker of both) workers.add(worker)
    await Promise.all(both.map((worker) => said(worker, 'ready')))
    expect(metrics.value('jobs', { queue: 'a' })).toBe(103)
    expect(metrics.value('jobs', { queue: 'b2' })).toBe(1)
    expect(metrics.value('busy')).toBe(8)
    expect(metrics.distribution('took')).toEqual({ count: 3, sum: 1.25 })
    const text = await page.text()
    expect(text).toContain('jobs_total{queue="a"} 103')
    expect(text).toContain('took_seconds_count 3')
    const interval = recent.data().intervals.at(-1)!
    expect(interval.counters.find(({ labels }) => labels['queue'] === 'a')?.sum).toBe(103)
    expect(interval.histograms.find(({ name }) => name === 'took')).toMatchObject({ count: 3, sum: 1.25 })
    expect(metrics.value('kit.workers.reporting', { state: 'live' })).toBe(2)
  })

  it('leave their counts when they exit, without having been asked to report', async () => {
    const { metrics, workers } = collector()
    const worker = thread(`metrics.counter('jobs').inc(7); metrics.gauge('busy').set(1)`)
    workers.add(worker)
    expect(await once(worker, 'exit')).toEqual([0])
    expect(metrics.value('jobs')).toBe(7)
    await expect.poll(() => metrics.value('busy')).toBe(0)
    expect(metrics.value('kit.workers.reporting', { state: 'live' })).toBe(0)
  })

  it.each(['process.exit(3)', `setImmediate(() => { throw new Error('planted') })`])(
    'leave their counts after %s',
    async (end) => {
      const { metrics, workers } = collector()
      const worker = thread(`metrics.counter('jobs').inc(7); ${end}`)
      workers.add(worker)
      worker.on('error', () => {})
      await new Promise((exited) => worker.once('exit', exited))
      expect(metrics.value('jobs')).toBe(7)
    },
  )

  it('leave what they had posted when they are terminated at once', async () => {
    const { metrics, workers } = collector()
    const worker = thread(
      `metrics.counter('jobs').inc(7)
       metrics.histogram('took', { native: true }).observe(3)
       const flushed = metrics.flush()
       parentPort.postMessage('posted')
       for (;;);`,
    )
    workers.add(worker)
    await said(worker, 'posted')
    await worker.terminate()
    expect(metrics.value('jobs')).toBe(7)
    expect(metrics.distribution('took')).toEqual({ count: 1, sum: 3 })
  })

  it('do not make counts go down when they are started anew', async () => {
    const { metrics, workers } = collector()
    for (let n = 1; n <= 3; n++) {
      const worker = thread(`metrics.counter('jobs').inc(2)`)
      workers.add(worker)
      await once(worker, 'exit')
      expect(metrics.value('jobs')).toBe(2 * n)
    }
  })

  it('hold nobody up when they hang, and show that they are late', async () => {
    const time = manualClock(0)
    const { metrics, workers } = collector()
    const page = prometheus()
    metrics.attach(page)
    const worker = thread(
      `metrics.counter('jobs').inc(7); const flushed = metrics.flush(); parentPort.postMessage('hung'); for (;;);`,
    )
    workers.add(worker)
    await said(worker, 'hung')
    expect(await page.text()).toContain('kit_workers_reporting{state="live"} 1')
    time.advance(5001)
    const text = await page.text()
    expect(text).toContain('jobs_total 7')
    expect(text).toContain('kit_workers_reporting{state="late"} 1')
    const refreshed = workers.refresh()
    time.advance(1000)
    expect(await refreshed).toBe(1)
    await worker.terminate()
    time[Symbol.dispose]()
  })

  it('report within their interval, and at once when asked', async () => {
    const { metrics, workers } = collector()
    const slow = thread(`parentPort.on('message', () => {
      metrics.counter('jobs').inc()
      parentPort.postMessage('done')
    })`)
    workers.add(slow)
    await said(slow, undefined)
    slow.postMessage('go')
    await said(slow, 'done')
    expect(await workers.refresh()).toBe(0)
    expect(metrics.value('jobs')).toBe(1)
    await slow.terminate()
    const quick = thread(`metrics.counter('jobs').inc(); setInterval(() => {}, 1e6)`, 'intervalMs: 5')
    workers.add(quick)
    await vi.waitUntil(() => metrics.value('jobs') === 2, { timeout: 30_000 })
    await quick.terminate()
  })

  it('are told apart by their id, or by the name they are given', async () => {
    const { metrics, workers } = collector({ gauges: { pool: 'worker' } })
    const body = `metrics.gauge('pool.size', { labels: ['kind'] }).set({ kind: 'x' }, 3)
      await metrics.flush(); parentPort.postMessage('ready'); setInterval(() => {}, 1e6)`
    const [first, second] = [thread(body), thread(body)]
    workers.add(first)
    workers.add(second, { name: 'second' })
    const id = String(first.threadId)
    await Promise.all([first, second].map((worker) => said(worker, 'ready')))
    expect(metrics.value('pool.size', { kind: 'x', worker: id })).toBe(3)
    expect(metrics.value('pool.size', { kind: 'x', worker: 'second' })).toBe(3)
    await first.terminate()
    // Its port closes on its own, before or after its exit.
    await expect.poll(() => metrics.value('pool.size', { kind: 'x', worker: id })).toBeUndefined()
    expect(metrics.value('pool.size', { kind: 'x', worker: 'second' })).toBe(3)
    await second.terminate()
  })

  it('are not kept alive by reporting, nor is this thread by collecting', async () => {
    const code = `
      import { Worker } from 'node:worker_threads'
      import { createMetrics } from ${built('index.js')}
      import { collectWorkers } from ${built('workers/index.js')}
      const metrics = createMetrics()
      const workers = collectWorkers(metrics)
      const code = 'import(' + ${JSON.stringify(built('index.js'))} + ').then((kit) => import('
        + ${JSON.stringify(built('workers/index.js'))} + ').then(({ reportTo }) => '
        + 'reportTo(kit.createMetrics(), undefined, { intervalMs: 5 })))'
      const worker = new Worker(code, { eval: true })
      workers.add(worker)
      worker.on('exit', () => console.log('exited'))
      // This one goes on for ever, and nobody waits for it.
      const idle = new Worker('setInterval(() => {}, 1e6);' + code, { eval: true })
      workers.add(idle)
      idle.once('message', () => idle.unref())`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
    expect(stdout).toBe('exited\n')
  })
})

/** Resolves at this message of the worker's own. The handing over of a port is a message as well, and no word. */
function said(worker: Worker, word: unknown): Promise<void> {
  return new Promise((resolve) => {
    worker.on('message', (message: unknown) => {
      if (message === word || (word === undefined && typeof message === 'object')) resolve()
    })
  })
}
