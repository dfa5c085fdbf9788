import { expect, it } from 'vitest'
import fc from 'fast-check'
import { MetricsError } from './errors.ts'
import { testMetrics } from './testing/index.ts'

it('an open instrument has the labels of all declarations, and a recording gives those that it knows', () => {
  const metrics = testMetrics()
  const plain = metrics.counter('calls', { labels: ['function'], open: true })
  const kept = plain.labels({ function: 'a' })
  kept.inc()
  const more = metrics.counter('calls', { labels: ['function', 'region'], open: true })
  expect(more).toBe(plain)
  more.inc({ function: 'a', region: 'eu' }, 2)
  kept.inc()
  plain.inc({ function: 'a' })
  metrics.incrCounter('calls', 1, { function: 'a' })
  const found = metrics.snapshot().metrics.find(({ name }) => name === 'calls')
  expect(found?.series).toMatchObject([
    { labels: { function: 'a' }, value: 4 },
    { labels: { function: 'a', region: 'eu' }, value: 2 },
  ])
})

it('labels that no declaration has are dropped and counted', () => {
  const metrics = testMetrics()
  const calls = metrics.counter<string>('calls', { labels: ['function'], open: true })
  calls.inc({ function: 'a', region: 'eu' })
  calls.inc({ region: 'eu' })
  calls.labels({ function: 'a', x: 1 }).inc()
  expect(metrics.value('kit.metrics.dropped', { reason: 'bad_labels' })).toBe(3)
})

it('is open to those that say so too, and has 16 labels at most', () => {
  const metrics = testMetrics()
  metrics.histogram('took', { labels: ['function'], unit: 's', open: true })
  const conflict = expect.objectContaining({ code: 'KIT_METRIC_CONFLICT' })
  expect(() => metrics.histogram('took', { labels: ['function'], unit: 's' })).toThrow(conflict)
  expect(() => metrics.histogram('took', { labels: ['function'], unit: 'ms', open: true })).toThrow(conflict)
  expect(() => metrics.histogram('took', { labels: ['a', 'a'], unit: 's', open: true })).toThrow(MetricsError)
  const many = Array.from({ length: 16 }, (_, i) => `l${i}`)
  expect(() => metrics.histogram('took', { labels: many, unit: 's', open: true })).toThrow(
    expect.objectContaining({ code: 'KIT_METRIC_LABEL_INVALID' }),
  )
  metrics.histogram('took', { labels: many.slice(1), unit: 's', open: true })
})

it('conserves what is recorded, in whatever order declarations and recordings come', () => {
  const step = fc.record({
    label: fc.constantFrom('a', 'b', 'c', 'd'),
    value: fc.integer({ min: 1, max: 9 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const metrics = testMetrics()
      const kept = metrics.counter('calls', { labels: ['function'], open: true }).labels({ function: 'f' })
      let all = 0
      const byLabel = new Map<string, number>()
      for (const { label, value } of steps) {
        metrics
          .counter<string>('calls', { labels: ['function', label], open: true })
          .inc({ function: 'f', [label]: 'x' }, value)
        kept.inc(1)
        all += value + 1
        byLabel.set(label, (byLabel.get(label) ?? 0) + value)
      }
      const series = metrics.snapshot().metrics.find(({ name }) => name === 'calls')?.series ?? []
      expect(series.reduce((sum, point) => sum + (point as { value: number }).value, 0)).toBe(all)
      for (const [label, sum] of byLabel)
        expect(series.find(({ labels }) => labels[label] === 'x')).toMatchObject({ value: sum })
    }),
  )
})

it('a histogram says whether an observation would be recorded', async () => {
  const metrics = testMetrics()
  const took = metrics.histogram('took', { unit: 's' })
  expect(took.enabled).toBe(true)
  metrics.updateFilter({ block: ['took'] })
  expect(took.enabled).toBe(false)
  metrics.updateFilter({})
  expect(took.enabled).toBe(true)
  await metrics.shutdown()
  expect(took.enabled).toBe(false)
})
