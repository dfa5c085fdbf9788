import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { manualClock } from '@kit/context/testing'
import { describe, expect, it, vi } from 'vitest'
import { prometheus } from '../sinks/prometheus/index.ts'
import { parseExposition, testMetrics } from '../testing/index.ts'
import { runtimeMetrics } from './index.ts'

describe('runtime metrics', () => {
  it('show the process, the heap and the event loop, on a page without complaints', async () => {
    const metrics = testMetrics()
    const sink = prometheus()
    metrics.attach(sink)
    const runtime = runtimeMetrics(metrics, { eventLoopResolutionMs: 1 })
    await vi.waitUntil(() => metrics.value('nodejs.eventloop.delay.p99') !== undefined)
    expect(metrics.value('process.memory.usage')).toBeGreaterThan(1e6)
    expect(metrics.value('process.cpu.time', { 'cpu.mode': 'user' })).toBeGreaterThan(0)
    expect(metrics.value('process.uptime')).toBeGreaterThan(0)
    expect(metrics.value('v8js.memory.heap.used', { 'v8js.heap.space.name': 'old_space' })).toBeGreaterThan(0)
    expect(metrics.value('v8js.memory.heap.limit')).toBeGreaterThan(1e6)
    expect(metrics.value('nodejs.eventloop.utilization')).toBeGreaterThanOrEqual(0)
    expect(
      metrics.value('nodejs.eventloop.time', { 'nodejs.eventloop.state': 'active' }),
    ).toBeGreaterThanOrEqual(0)
    expect(metrics.dropped()).toBe(0)
    const names = parseExposition(await sink.text()).map(({ name }) => name)
    expect(names).toContain('nodejs_eventloop_delay_p99_seconds')
    expect(names).toContain('v8js_gc_duration_seconds')
    runtime[Symbol.dispose]()
    runtime[Symbol.dispose]()
  })

  it('count every garbage collection by kind', async () => {
    const metrics = testMetrics()
    const runtime = runtimeMetrics(metrics)
    const minor = (): number =>
      metrics.distribution('v8js.gc.duration', { 'v8js.gc.type': 'minor' })?.count ?? 0
    const garbage: unknown[] = []
    await vi.waitUntil(
      () => {
        garbage.splice(
          0,
          1,
          Array.from({ length: 100_000 }, (_, i) => ({ i })),
        )
        return minor() > 0
      },
      { timeout: 10_000 },
    )
    expect(minor()).toBeGreaterThan(0)
    runtime[Symbol.dispose]()
  })

  it('stop when disposed, leaving no timer and reporting nothing', () => {
    const time = manualClock()
    const metrics = testMetrics()
    const runtime = runtimeMetrics(metrics)
    expect(() => runtimeMetrics(metrics)).toThrow(expect.objectContaining({ code: 'KIT_METRIC_CONFLICT' }))
    expect(metrics.value('process.uptime')).toBeGreaterThan(0)
    runtime[Symbol.dispose]()
    expect(metrics.value('process.uptime')).toBeUndefined()
    expect(time.pendingTimers).toBe(0)
    runtimeMetrics(metrics)[Symbol.dispose]()
    time[Symbol.dispose]()
  })

  it('are refused to another copy of the package while one observes', async () => {
    vi.resetModules()
    const other = await import('./index.ts')
    expect(other.runtimeMetrics).not.toBe(runtimeMetrics)
    const metrics = testMetrics()
    const runtime = runtimeMetrics(metrics)
    expect(() => other.runtimeMetrics(metrics)).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_CONFLICT' }),
    )
    runtime[Symbol.dispose]()
    other.runtimeMetrics(metrics)[Symbol.dispose]()
  })

  it('refuse times that make no sense', () => {
    for (const options of [
      { eventLoopResolutionMs: 0 },
      { eventLoopWindowMs: 1 },
      { eventLoopWindowMs: NaN },
    ]) {
      expect(() => runtimeMetrics(testMetrics(), options)).toThrow(
        expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' }),
      )
    }
  })
})

it('nothing keeps the process alive', () => {
  const built = fileURLToPath(new URL('../../dist', import.meta.url))
  const program = `
    const { createMetrics } = await import(${JSON.stringify(`${built}/index.js`)})
    const { memory } = await import(${JSON.stringify(`${built}/sinks/memory/index.js`)})
    const { prometheus } = await import(${JSON.stringify(`${built}/sinks/prometheus/index.js`)})
    const { runtimeMetrics } = await import(${JSON.stringify(`${built}/runtime/index.js`)})
    const metrics = createMetrics()
    metrics.attach(memory())
    metrics.attach(prometheus())
    runtimeMetrics(metrics)
    process.stdout.write('ended')
  `
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 8000,
  })
  expect(output).toBe('ended')
})
