import { createMetrics } from '@kit/metrics'
import { describe, expect, it } from 'vitest'
import { observeFetch } from './fetch.ts'
import type { HttpOptions } from './index.ts'
import { createObserver } from './index.ts'
import { observeListener, observeUpgrade } from './node.ts'

const code = 'KIT_HTTP_OPTION_INVALID'

describe('an option that could only be passed over in silence', () => {
  // What a program without types, or with a variable of the environment, gives.
  it.each<[option: string, options: object]>([
    ['metrics', { metrics: {} }],
    ['metrics', { metrics: 'default' }],
    ['log', { log: true }],
    ['log', { log: { info() {} } }],
    ['bodySizes', { bodySizes: 'yes' }],
    ['names', { names: 'prometheus' }],
    ['timeoutMs', { timeoutMs: '2000' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['skip', { skip: ['/health'] }],
    ['requestId', { requestId: true }],
    ['requestId.trust', { requestId: { trust: 'false' } }],
    ['requestId.generate', { requestId: { generate: 'uuid' } }],
    ['requestId.header', { requestId: { header: 'request id' } }],
    ['deadline.trust', { deadline: { trust: 'false' } }],
    ['deadline.maxMs', { deadline: { maxMs: -1 } }],
    ['trace.trust', { trace: { trust: 1 } }],
    ['address.trust', { address: { trust: true } }],
    ['address.trust', { address: { trust: '10.0.0.0/8' } }],
    ['address.trust', { address: { trust: -1 } }],
    ['address.trust', { address: { trust: [1] } }],
    ['address.trust', { address: { trust: ['10.0.0.0/33'] } }],
    ['address.header', { address: { header: 'x-real-ip' } }],
    ['recorder.slowMs', { recorder: { slowMs: '100' } }],
    ['recorder.when', { recorder: { when: true } }],
  ])('is refused by its name: %s, %j', (option, options) => {
    const given: HttpOptions = { metrics: createMetrics(), log: false, ...options }
    const message = expect.stringContaining(`${option} must `) as string
    const bad = expect.stringContaining(`${option} `) as string
    expect(() => createObserver(given)).toThrow(
      expect.objectContaining({ code, message: option === 'address.trust' ? bad : message }),
    )
  })

  it('is refused of a listener and of a handler, whose routes are functions', () => {
    const route = '/items/:id' as never
    const nothing = (): never => {
      throw new Error('not called')
    }
    for (const options of [{ route }, { onError: 'log' as never }]) {
      expect(() => observeListener(nothing, options)).toThrow(expect.objectContaining({ code }))
      expect(() => observeUpgrade(nothing, options)).toThrow(expect.objectContaining({ code }))
    }
    expect(() => observeFetch(nothing, { route })).toThrow(expect.objectContaining({ code }))
  })
})
