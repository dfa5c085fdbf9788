import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { createMetrics } from './index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapAfter(work: () => void): number {
  collect()
  const before = process.memoryUsage().heapUsed
  work()
  collect()
  return process.memoryUsage().heapUsed - before
}

it('keeps the value of a label, and not the text that it was cut out of', () => {
  const counter = createMetrics().counter('c', { labels: ['id'] })
  const grown = heapAfter(() => {
    for (let id = 0; id < 100; id++) {
      // Made of bytes, as requests are: flat, and 300 kB each.
      const request = Buffer.from(`${id} ${'x'.repeat(300_000)}`).toString('latin1')
      counter.inc({ id: request.slice(0, 50) })
    }
  })
  expect(grown).toBeLessThan(5_000_000)
  counter.inc({ id: 'still there' })
})
