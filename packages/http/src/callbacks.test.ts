import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { expect, it } from 'vitest'
import type { Exchange } from './index.ts'
import { createObserver, isRequestId } from './index.ts'

function failing(): never {
  throw new Error('a mistake of the application')
}

const exchange: Exchange = {
  method: 'GET',
  target: '/things/1',
  scheme: 'http',
  protocolVersion: '1.1',
  peerAddress: '127.0.0.1',
  header: () => 'of-the-client',
}

it.each(['', 'a b', 'x'.repeat(129), undefined, 7])(
  'an id that cannot be used, %j, is replaced and counted',
  (id) => {
    const metrics = createMetrics()
    const observer = createObserver({ metrics, log: false, requestId: { generate: () => id as string } })
    const { observation } = observer.begin({}, exchange)
    expect(observation.requestId).toMatch(/^[0-9a-f]{32}$/)
    const counted = metrics.snapshot().metrics.find(({ name }) => name === 'kit.http.failed_callbacks')
    expect(counted?.series).toMatchObject([{ labels: { callback: 'request_id' }, value: 1 }])
  },
)

it('functions of the options that throw fail no request, and are counted', () => {
  const metrics = createMetrics()
  const destination = memoryDestination()
  const observer = createObserver({
    metrics,
    log: createLogger({ format: 'json', destination }),
    skip: failing,
    requestId: { trust: failing, generate: failing },
    recorder: { when: failing },
  })
  const { observation } = observer.begin({}, exchange)
  observation.route(failing)
  observation.end({ kind: 'finished', status: 200 })

  expect(isRequestId(observation.requestId)).toBe(true)
  expect(observation.requestId).not.toBe('of-the-client')
  expect(destination.records).toMatchObject([{ method: 'GET', status: 200, outcome: 'ok' }])
  const counted = metrics.snapshot().metrics.find(({ name }) => name === 'kit.http.failed_callbacks')
  expect(counted?.series).toMatchObject([
    { labels: { callback: 'skip' }, value: 1 },
    { labels: { callback: 'request_id' }, value: 2 },
    { labels: { callback: 'recorder' }, value: 1 },
    { labels: { callback: 'route' }, value: 1 },
  ])
})
