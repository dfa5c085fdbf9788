import { expect, test, vi } from 'vitest'
import { background } from '@kit/context'
import * as first from './index.ts'
import { memoryDestination } from './testing.ts'

/* Two copies of the package in one process, as duplicate installs and bundles bring them about. */

vi.resetModules()
const second = await import('./index.ts')

test('there are two', () => {
  expect(second.createLogger).not.toBe(first.createLogger)
  expect(second.LogError).not.toBe(first.LogError)
})

test('fields of one copy may be added to those of the other, and reach the lines of both', () => {
  const ctx = second.withFields(first.withFields(background, { a: 1, b: 1 }), { b: 2 })
  const back = first.withFields(ctx, { c: { deep: 3 } })
  for (const copy of [first, second, first]) {
    const destination = memoryDestination()
    const log = copy.createLogger({ format: 'json', destination, base: { b: 0, d: 4 } })
    log.withContext(back).info('x')
    expect(destination.records[0]).toMatchObject({ a: 1, b: 2, c: { deep: 3 }, d: 4 })
  }
})

test('the recordings of both have one bound, and the oldest of either gives way', () => {
  const destination = memoryDestination()
  const [one, two] = [first, second].map((copy) => copy.createLogger({ format: 'json', destination }))
  const { evictedRecordings } = second.logStats()
  const all = Array.from({ length: 4096 }, (_, i) => (i % 2 === 0 ? one : two)?.record(background))
  one?.withContext(all[0]?.ctx ?? background).debug('of the first copy')
  all.push(two?.record(background))
  expect(all[0]?.lines).toBe(0)
  expect(first.logStats()).toMatchObject({
    activeRecordings: 4096,
    evictedRecordings: evictedRecordings + 1,
    recordedCharacters: 0,
  })
  for (const recording of all) recording?.discard()
  expect(second.logStats().activeRecordings).toBe(0)
})

test('the handler of one copy understands the refusals of a level tree of the other', async () => {
  const { levels } = first.createLogger({ destination: memoryDestination() })
  for (let i = 0; i < 4095; i += 1) levels.set(`n${i}`, 'warn')
  const handle = second.levelHandler(levels, { authorize: 'none' })
  const put = (name: string): Promise<Response> =>
    handle(new Request(`http://h/log/levels/${name}`, { method: 'PUT', body: '{"level":"error"}' }))
  const full = await put('one-more')
  expect(full.status).toBe(409)
  expect(await full.text()).toContain('4096 names')
  expect((await put('n0')).status).toBe(200)
})
