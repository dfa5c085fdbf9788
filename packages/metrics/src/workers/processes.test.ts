import { execFile, fork, type ChildProcess } from 'node:child_process'
import cluster, { type Worker as ClusterWorker } from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { testMetrics, type TestMetrics } from '../testing/index.ts'
import { collectWorkers, type WorkerCollector } from './index.ts'

// A process is a plain Node, which runs what was built.
const built = (file: string): string => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href)
const directory = mkdtempSync(join(tmpdir(), 'kit-workers-'))
afterAll(() => rmSync(directory, { recursive: true }))

// Starting a program takes a while on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 })

const open: Disposable[] = []
const running: { kill(signal: string): unknown }[] = []
afterEach(() => {
  for (const disposable of open.splice(0)) disposable[Symbol.dispose]()
  for (const worker of running.splice(0)) worker.kill('SIGKILL')
})

function collector(): { metrics: TestMetrics; workers: WorkerCollector } {
  const metrics = testMetrics()
  const workers = collectWorkers(metrics)
  open.push(workers)
  return { metrics, workers }
}

let programs = 0

/** A program with metrics that report to its parent. */
function program(body: string): string {
  const file = join(directory, `${programs++}.mjs`)
  writeFileSync(
    file,
    `import { createMetrics } from ${built('index.js')}
     import { reportTo } from ${built('workers/index.js')}
     const metrics = createMetrics()
     const stop = reportTo(metrics, undefined, { intervalMs: 1e6 })
     ${body}`,
  )
  return file
}

function start(body: string): ChildProcess {
  const worker = fork(program(body), { execArgv: [] })
  running.push(worker as { kill(signal: string): unknown })
  return worker
}

function startInCluster(body: string): ClusterWorker {
  cluster.setupPrimary({ exec: program(body), execArgv: [] })
  const worker = cluster.fork()
  running.push(worker)
  return worker
}

/** Resolves at this message of the process's own. */
function said(worker: ChildProcess | ClusterWorker, word: string): Promise<void> {
  return new Promise((resolve) => {
    const emitter = worker as NodeJS.EventEmitter
    emitter.on('message', (message: unknown) => {
      if (message === word) resolve()
    })
  })
}

/** Resolves when nothing more can come from the process. */
const gone = (worker: ChildProcess | ClusterWorker): Promise<unknown> => once(worker, 'disconnect')

describe.each([
  ['a forked process', start],
  ['a cluster worker', startInCluster],
])('%s', (_kind, run) => {
  it('leaves its counts when it exits', async () => {
    const { metrics, workers } = collector()
    metrics.counter('jobs').inc(100)
    const worker = run(`
      metrics.counter('jobs').inc(7)
      metrics.gauge('busy').set(3)
      metrics.histogram('took', { native: true }).observe(0.25)
      process.exit()`)
    workers.add(worker)
    await gone(worker)
    expect(metrics.value('jobs')).toBe(107)
    expect(metrics.distribution('took')).toEqual({ count: 1, sum: 0.25 })
    expect(metrics.value('busy')).toBe(0)
  })

  it('that is killed leaves what it had sent', async () => {
    const { metrics, workers } = collector()
    const worker = run(`
      metrics.counter('jobs').inc(7)
      metrics.gauge('busy').set(3)
      const flushed = metrics.flush()
      process.send('sent', () => { for (;;) metrics.counter('jobs').inc() })`)
    workers.add(worker)
    await said(worker, 'sent')
    expect(metrics.value('jobs')).toBe(7)
    expect(metrics.value('busy')).toBe(3)
    expect(await workers.refresh(50)).toBe(1)
    worker.kill('SIGKILL')
    await gone(worker)
    expect(metrics.value('jobs')).toBe(7)
    expect(metrics.value('busy')).toBe(0)
    expect(metrics.value('kit.workers.reporting', { state: 'live' })).toBe(0)
  })

  it('answers when asked, and shares the channel with messages of the user', async () => {
    const { metrics, workers } = collector()
    const worker = run(`
      process.on('message', (word) => {
        if (word !== 'go') return
        metrics.counter('jobs').inc(2)
        process.send('done')
      })
      process.send('ready')`)
    workers.add(worker)
    await said(worker, 'ready')
    worker.send('go')
    await said(worker, 'done')
    expect(await workers.refresh()).toBe(0)
    expect(metrics.value('jobs')).toBe(2)
    worker.kill()
    await gone(worker)
  })

  it('takes its gauges along when it stops reporting', async () => {
    const { metrics, workers } = collector()
    const worker = run(`
      metrics.gauge('busy').set(2)
      await metrics.flush()
      process.send('ready')
      process.on('message', async (word) => {
        if (word !== 'stop') return
        metrics.counter('jobs').inc()
        await stop()
        process.send('stopped')
      })`)
    workers.add(worker)
    await said(worker, 'ready')
    expect(metrics.value('busy')).toBe(2)
    worker.send('stop')
    await said(worker, 'stopped')
    expect([metrics.value('busy'), metrics.value('jobs')]).toEqual([0, 1])
    expect(metrics.value('kit.workers.reporting', { state: 'live' })).toBe(0)
    worker.kill()
    await gone(worker)
  })

  it('loses nothing when it is listened to late', async () => {
    const { metrics, workers } = collector()
    const worker = run(`
      metrics.counter('jobs').inc(2)
      await metrics.flush(0)
      process.on('message', async (word) => {
        if (word !== 'go') return
        metrics.counter('others').inc()
        await metrics.flush()
        await metrics.flush()
        process.send('done')
      })
      process.send('ready')`)
    await said(worker, 'ready')
    workers.add(worker)
    worker.send('go')
    await said(worker, 'done')
    expect([metrics.value('jobs'), metrics.value('others')]).toEqual([2, 1])
    worker.kill()
    await gone(worker)
  })
})

it('reporting keeps no forked process alive, and sends all at the end, however much', async () => {
  const { metrics, workers } = collector()
  const worker = start(`
    const jobs = metrics.counter('jobs', { labels: ['id'], maxSeries: 40_000 })
    for (let id = 0; id < 1500; id++) jobs.inc({ id: id + 'x'.repeat(500) })`)
  workers.add(worker)
  await gone(worker)
  const found = metrics.snapshot().metrics.find(({ name }) => name === 'jobs')
  expect(found?.series.length).toBe(1500)
})

it('needs somebody to report to', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    `import { createMetrics } from ${built('index.js')}
     import { reportTo } from ${built('workers/index.js')}
     try { reportTo(createMetrics()) } catch (error) { console.log(error.code) }`,
  ])
  expect(stdout).toBe('KIT_METRIC_OPTION_INVALID\n')
})
