import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { background, isDeadlineExceeded } from './index.ts'
import type { ManualClock } from './testing.ts'
import { manualClock } from './testing.ts'
import type { DeadlineHeader } from './wire.ts'
import { extractDeadline, injectDeadline } from './wire.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => {
  time[Symbol.dispose]()
})

const headers: readonly DeadlineHeader[] = [
  'grpc-timeout',
  'connect-timeout-ms',
  'x-request-timeout-ms',
  'x-envoy-expected-rq-timeout-ms',
  'request-timeout',
]

describe('extractDeadline', () => {
  it.each<[DeadlineHeader, unknown, number | undefined]>([
    ['grpc-timeout', '2H', 7_200_000],
    ['grpc-timeout', '3M', 180_000],
    ['grpc-timeout', '4S', 4000],
    ['grpc-timeout', '250m', 250],
    ['grpc-timeout', '1500u', 1.5],
    ['grpc-timeout', '99999999n', 99.999999],
    ['grpc-timeout', '0m', 0],
    ['grpc-timeout', '00000250m', 250],
    ['grpc-timeout', '99999999H', 99_999_999 * 3_600_000],
    ['grpc-timeout', '123456789m', undefined],
    ['grpc-timeout', '250', undefined],
    ['grpc-timeout', '250ms', undefined],
    ['grpc-timeout', '250s', undefined],
    ['grpc-timeout', '-1m', undefined],
    ['grpc-timeout', '+1m', undefined],
    ['grpc-timeout', '1.5S', undefined],
    ['grpc-timeout', '1e3m', undefined],
    ['grpc-timeout', ' 250m', undefined],
    ['grpc-timeout', '250m\n', undefined],
    ['grpc-timeout', '250m, 100m', undefined],
    ['grpc-timeout', '２５０m', undefined],
    ['grpc-timeout', 'm', undefined],
    ['grpc-timeout', '', undefined],
    ['grpc-timeout', 250, undefined],
    ['grpc-timeout', ['250m'], 250],
    ['grpc-timeout', ['250m', '100m'], undefined],
    ['connect-timeout-ms', '9999999999', 9_999_999_999],
    ['connect-timeout-ms', '99999999999', undefined],
    ['x-request-timeout-ms', '250', 250],
    ['x-request-timeout-ms', 250, 250],
    ['x-request-timeout-ms', -1, undefined],
    ['x-request-timeout-ms', '0', 0],
    ['x-request-timeout-ms', '999999999999999', 999_999_999_999_999],
    ['x-request-timeout-ms', '9'.repeat(400), undefined],
    ['x-request-timeout-ms', 'Infinity', undefined],
    ['x-request-timeout-ms', '0x10', undefined],
    ['x-envoy-expected-rq-timeout-ms', '15', 15],
    ['request-timeout', '2', 2000],
    ['request-timeout', '2s', undefined],
  ])('reads %s: %j as %s ms', (name, value, expected) => {
    const malformed: unknown[] = []
    const options = { onMalformed: (header: string, bad: unknown) => malformed.push([header, bad]) }
    expect(extractDeadline({ [name]: value } as never, options)).toBe(expected)
    expect(malformed).toEqual(expected === undefined ? [[name, value]] : [])
  })

  it('takes the shortest of several, and not more than the maximum', () => {
    const record = { 'grpc-timeout': '3S', 'request-timeout': '2', 'x-request-timeout-ms': 'soon' }
    expect(extractDeadline(record)).toBe(2000)
    expect(extractDeadline(record, { maxMs: 500 })).toBe(500)
    expect(extractDeadline({}, { maxMs: 500 })).toBeUndefined()
    expect(extractDeadline(new Headers(record))).toBe(2000)
    expect(extractDeadline(new Headers())).toBeUndefined()
  })

  it('ignores and reports what throws when it is looked at', () => {
    const { proxy, revoke } = Proxy.revocable([], {})
    revoke()
    const malformed: unknown[] = []
    const hostile = { 'grpc-timeout': proxy, 'connect-timeout-ms': '70' }
    expect(extractDeadline(hostile as never, { onMalformed: (header) => malformed.push(header) })).toBe(70)
    expect(malformed).toEqual(['grpc-timeout'])
  })

  it('never throws on what a caller sends, and never gives a negative or endless time [I39]', () => {
    const value = fc.oneof(fc.anything(), fc.string(), fc.stringMatching(/^-?\d{0,20}[HMSmuns]?$/))
    const record = fc.dictionary(fc.constantFrom(...headers, 'get', 'other'), value)
    const anything = fc.oneof({ weight: 5, arbitrary: record }, { weight: 1, arbitrary: fc.object() })
    fc.assert(
      fc.property(anything, (sent) => {
        const ms = extractDeadline(sent as never)
        expect(ms === undefined || (ms >= 0 && ms < Infinity)).toBe(true)
      }),
      { numRuns: 2000 },
    )
    const trap = new Proxy({}, { get: () => expect.unreachable() })
    expect(extractDeadline(trap)).toBeUndefined()
    expect(extractDeadline(undefined as never)).toBeUndefined()
  })

  it.each([-1, Number.NaN, '5'])('rejects a maximum of %s', (maxMs) => {
    expect(() => extractDeadline({}, { maxMs: maxMs as number })).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_OPTION' }),
    )
  })
})

describe('injectDeadline', () => {
  it.each<[number, string]>([
    [1500.9, '1500m'],
    [99_999_999, '99999999m'],
    [100_000_000, '100000S'],
    [99_999_999_999, '99999999S'],
    [100_000_000_000, '1666666M'],
    [1e16, '2777777777H'.replace('2777777777', '99999999')],
  ])('writes %s ms as %s', (ms, expected) => {
    const record: Record<string, string> = {}
    injectDeadline(background.withTimeout(ms), record)
    expect(record).toEqual({ 'grpc-timeout': expected })
  })

  it('round trip: gains no time, loses at most one unit [I39]', () => {
    const units: Record<DeadlineHeader, number> = {
      'grpc-timeout': 1,
      'connect-timeout-ms': 1,
      'x-request-timeout-ms': 1,
      'x-envoy-expected-rq-timeout-ms': 1,
      'request-timeout': 1000,
    }
    const duration = fc.oneof(
      fc.double({ min: 5, max: 1e5, noNaN: true }),
      fc.double({ min: 5, max: 1e13, noNaN: true }),
    )
    fc.assert(
      fc.property(duration, fc.constantFrom(...headers), fc.boolean(), (ms, header, platform) => {
        const sent = platform ? new Headers() : {}
        const ctx = background.withTimeout(ms)
        const left = ctx.remaining
        injectDeadline(ctx, sent, { header })
        const read = extractDeadline(sent) as number
        expect(read).toBeLessThanOrEqual(left)
        // Eight and ten digits force coarser units, or a shorter time, on what is longer than a day.
        expect(left - read).toBeLessThan(left < 99_999_999 ? units[header] : Infinity)
      }),
      { numRuns: 1000 },
    )
  })

  it('holds back the reserve', () => {
    const record: Record<string, string> = {}
    injectDeadline(background.withTimeout(100), record, { reserveMs: 30, header: 'x-request-timeout-ms' })
    expect(record).toEqual({ 'x-request-timeout-ms': '70' })
  })

  it('writes nothing without a deadline', () => {
    const record = {}
    injectDeadline(background.withCancel(), record)
    expect(record).toEqual({})
  })

  it('replaces a header in whatever spelling', () => {
    const record: Record<string, string> = { 'Grpc-Timeout': '9H', Accept: '*/*' }
    injectDeadline(background.withTimeout(100), record)
    expect(record).toEqual({ Accept: '*/*', 'grpc-timeout': '100m' })
    const platform = new Headers(record)
    injectDeadline(background.withTimeout(50), platform)
    expect(platform.get('grpc-timeout')).toBe('50m')
  })

  it('throws the error of a context that has ended', () => {
    const ctx = background.withCancel()
    ctx.cancel('why')
    expect(() => injectDeadline(ctx, {})).toThrow(ctx.err)
    const expired = background.withTimeout(0)
    expect(() => injectDeadline(expired, {})).toThrow(expired.err)
  })

  it('throws when too little is left for a call', () => {
    const refuse = (ms: number, options?: object): unknown => {
      try {
        injectDeadline(background.withTimeout(ms), {}, options)
        return undefined
      } catch (error) {
        return error
      }
    }
    expect(isDeadlineExceeded(refuse(4))).toBe(true)
    expect((refuse(4) as Error).message).toBe('context deadline exceeded: 4ms left for a call that needs 5ms')
    expect(refuse(5)).toBeUndefined()
    expect(isDeadlineExceeded(refuse(50, { minimumMs: 51 }))).toBe(true)
    expect(isDeadlineExceeded(refuse(50, { reserveMs: 46 }))).toBe(true)
    expect(isDeadlineExceeded(refuse(50, { reserveMs: 51, minimumMs: 0 }))).toBe(true)
    expect(refuse(1, { minimumMs: 0 })).toBeUndefined()
  })

  it.each([
    { header: 'x-timeout' },
    { header: 'toString' },
    { minimumMs: -1 },
    { minimumMs: Number.NaN },
    { reserveMs: '5' },
  ])('rejects %j', (options) => {
    expect(() => injectDeadline(background, {}, options as never)).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_OPTION' }),
    )
    expect(() => injectDeadline({} as never, {})).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }),
    )
  })

  it('over three hops shrinks strictly, and the last one sheds expired work [I40]', () => {
    const seen: number[] = []
    let ctx = background.withTimeout(100.5)
    for (let hop = 0; hop < 2; hop++) {
      const sent: Record<string, string> = {}
      injectDeadline(ctx, sent)
      time.advance(40)
      const left = extractDeadline(sent) as number
      seen.push(left)
      ctx = background.withTimeout(left)
      time.advance(20)
    }
    expect(seen).toEqual([100, 80])
    time.advance(60)
    expect(() => injectDeadline(ctx, {})).toThrow(ctx.err)
  })
})
