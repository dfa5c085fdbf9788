import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMetrics, overflowLabelValue } from '@kit/metrics'
import { expect, it } from 'vitest'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapUsed(): number {
  for (let i = 0; i < 3; i++) collect()
  return process.memoryUsage().heapUsed
}

it('a million values of a kibibyte each make 2,001 series, 8 MiB, and an exact overflow', () => {
  const metrics = createMetrics()
  const counter = metrics.counter('attacked', { labels: ['path'] })
  const padding = 'x'.repeat(1024 - 7)
  const before = heapUsed()
  for (let i = 0; i < 1_000_000; i++) counter.inc({ path: `${i}`.padStart(7, '0') + padding })
  const grown = heapUsed() - before
  const found = metrics.snapshot().metrics.find(({ name }) => name === 'attacked')
  const points = (found?.series ?? []) as readonly { labels: Record<string, string>; value: number }[]
  const overflow = points.find(({ labels }) => labels['path'] === overflowLabelValue)
  expect([points.length, overflow?.value]).toEqual([2001, 998_000])
  expect(grown).toBeLessThanOrEqual(8 * 2 ** 20)
})
