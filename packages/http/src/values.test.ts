import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientAddressOf } from './client-address.ts'
import type { Exchange } from './exchange.ts'
import { createObserver } from './observer.ts'
import { judge } from './outcome.ts'
import { isRequestId } from './request-id.ts'
import { formatTraceparent, parseTraceparent, startTrace } from './trace-context.ts'
import { background } from '@kit/context'

function exchange(peerAddress: string | undefined, headers: Record<string, string> = {}): Exchange {
  return {
    method: 'GET',
    target: '/',
    scheme: 'http',
    protocolVersion: '1.1',
    peerAddress,
    header: (name) => headers[name],
  }
}

describe('traceparent', () => {
  it('round-trips', () => {
    const trace = startTrace()
    expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace)
    expect(trace.flags).toBe('00')
  })

  const good = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'
  it.each([
    ['a future version with more fields', `cc-${good}-01-what-comes`, true],
    ['version ff', `ff-${good}-01`, false],
    ['version 00 with more fields', `00-${good}-01-x`, false],
    ['upper case', `00-${good.toUpperCase()}-01`, false],
    ['no trace', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
    ['no span', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, false],
    ['two values', `00-${good}-01, 00-${good}-01`, false],
    ['a long one', `cc-${good}-01-${'x'.repeat(1000)}`, false],
  ])('%s', (_, header, valid) => {
    expect(parseTraceparent(header) !== undefined).toBe(valid)
  })

  it('takes nothing that it would not write', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const trace = parseTraceparent(header)
        return trace === undefined || formatTraceparent(trace).length === 55
      }),
    )
  })
})

describe('client address', () => {
  const spoofed = { 'x-forwarded-for': '6.6.6.6, 9.9.9.9, 10.0.0.2' }
  it.each([
    ['nothing is believed by default', undefined, '10.0.0.1', spoofed, '10.0.0.1'],
    ['one hop', 1, '10.0.0.1', spoofed, '10.0.0.2'],
    ['two hops', 2, '10.0.0.1', spoofed, '9.9.9.9'],
    ['more hops than there are', 9, '10.0.0.1', spoofed, '6.6.6.6'],
    ['trusted blocks end at the first stranger', ['10.0.0.0/8'], '10.0.0.1', spoofed, '9.9.9.9'],
    ['a stranger at the socket says nothing', ['10.0.0.0/8'], '8.8.8.8', spoofed, '8.8.8.8'],
    [
      'Forwarded is not read unless it is chosen',
      1,
      '10.0.0.1',
      { forwarded: 'for=6.6.6.6', ...spoofed },
      '10.0.0.2',
    ],
    [
      'a long header is read from its end',
      1,
      '10.0.0.1',
      { 'x-forwarded-for': `${'6.6.6.6,'.repeat(1000)}9.9.9.9` },
      '9.9.9.9',
    ],
    [
      'beyond what is read nothing is believed',
      999,
      '10.0.0.1',
      { 'x-forwarded-for': '6'.repeat(5000) },
      '10.0.0.1',
    ],
    [
      'no more than 16 hops are believed',
      ['10.0.0.0/8'],
      '10.0.0.1',
      { 'x-forwarded-for': `6.6.6.6,10.9.9.9${',10.0.0.2'.repeat(15)}` },
      '10.9.9.9',
    ],
    [
      'one hop less is',
      ['10.0.0.0/8'],
      '10.0.0.1',
      { 'x-forwarded-for': `6.6.6.6,10.9.9.9${',10.0.0.2'.repeat(14)}` },
      '6.6.6.6',
    ],
    ['a comma ends it', 5, '10.0.0.1', { 'x-forwarded-for': `9.9.9.9${','.repeat(4000)}` }, '10.0.0.1'],
    ['an unreadable hop ends it', 2, '10.0.0.1', { 'x-forwarded-for': '6.6.6.6, unknown' }, '10.0.0.1'],
    ['a port is no part of an address', 1, '10.0.0.1', { 'x-forwarded-for': '1.2.3.4:5678' }, '1.2.3.4'],
  ])('%s', (_, trust, peer, headers, address) => {
    expect(
      clientAddressOf(trust === undefined ? {} : { trust })(
        exchange(peer, headers as Record<string, string>),
      ),
    ).toBe(address)
  })

  it('reads Forwarded where that is the header of the proxies', () => {
    const find = clientAddressOf({ trust: 1, header: 'forwarded' })
    const headers = { forwarded: 'for=6.6.6.6, for="[2001:db8::1]:80";proto=https', ...spoofed }
    expect(find(exchange('::1', headers))).toBe('2001:db8::1')
  })

  it('never throws, and answers an address or what the socket said', () => {
    const finders = (['forwarded', 'x-forwarded-for'] as const).map((header) =>
      clientAddressOf({ trust: 3, header }),
    )
    fc.assert(
      fc.property(fc.nat(1), fc.string(), fc.string(), (which, forwarded, xff) => {
        const address = finders[which]?.(exchange('10.0.0.1', { forwarded, 'x-forwarded-for': xff }))
        return address !== undefined && /^[\da-f.:]+(%\S+)?$/i.test(address)
      }),
    )
  })
})

describe('request ids', () => {
  it.each([
    ['abc-123_:.', true],
    ['', false],
    ['a b', false],
    ['a\nb', false],
    ['é', false],
    ['x'.repeat(128), true],
    ['x'.repeat(129), false],
  ])('%j', (id, accepted) => expect(isRequestId(id)).toBe(accepted))
})

describe('verdicts', () => {
  const live = background
  const late = background.withTimeout(0)
  it.each([
    [live, 'finished', 200, false, 'ok', ''],
    [live, 'finished', 404, false, 'ok', ''],
    [live, 'finished', 500, false, 'error', '500'],
    [late, 'finished', 200, false, 'ok', ''],
    [late, 'finished', 503, false, 'deadline', 'deadline_exceeded'],
    [live, 'aborted', undefined, false, 'canceled', 'client_abort'],
    [live, 'aborted', 200, false, 'canceled', 'client_abort'],
    [late, 'aborted', 200, false, 'deadline', 'deadline_exceeded'],
    [live, 'aborted', 200, true, 'error', 'server_abort'],
    [live, 'cut', 200, false, 'error', 'server_abort'],
    [late, 'cut', 200, false, 'deadline', 'deadline_exceeded'],
  ] as const)('%s %s %s, failed %s: %s', (ctx, kind, status, failed, outcome, errorType) => {
    expect(judge(ctx, { kind, status }, failed)).toMatchObject({ outcome, errorType, late: ctx === late })
  })
})

describe('options', () => {
  it.each([
    [{ timeout: 5 }, 'KIT_HTTP_OPTION_UNKNOWN'],
    [{ names: 'prometheus' }, 'KIT_HTTP_OPTION_INVALID'],
    [{ requestId: { trusted: true } }, 'KIT_HTTP_OPTION_UNKNOWN'],
    [{ timeoutMs: Number.NaN }, 'KIT_HTTP_OPTION_INVALID'],
    [{ timeoutMs: 0 }, 'KIT_HTTP_OPTION_INVALID'],
    [{ deadline: { maxMs: -1 } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ deadline: true }, 'KIT_HTTP_OPTION_INVALID'],
    [{ requestId: { header: 'a b' } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ recorder: true }, 'KIT_HTTP_OPTION_INVALID'],
    [{ recorder: { lines: 5 } }, 'KIT_HTTP_OPTION_UNKNOWN'],
    [{ recorder: { level: 'silent' } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ recorder: { maxLines: 0 } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ recorder: { slowMs: Number.NaN } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ recorder: { when: 'always' } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ address: { trust: -1 } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ address: { trust: ['10.0.0.0/99'] } }, 'KIT_HTTP_OPTION_INVALID'],
    [{ address: { trust: ['nowhere'] } }, 'KIT_HTTP_OPTION_INVALID'],
  ])('%j throws %s', (options, code) => {
    expect(() => createObserver(options as never)).toThrow(
      expect.objectContaining({ name: 'HttpError', code }),
    )
  })

  it('survives functions of the user’s that throw', () => {
    const boom = (): never => {
      throw new Error('boom')
    }
    const observer = createObserver({ log: false, skip: boom, requestId: { trust: boom, generate: boom } })
    const { observation } = observer.begin({}, exchange('1.1.1.1', { 'x-request-id': 'theirs' }))
    expect(observation.requestId).toMatch(/^[0-9a-f]{32}$/)
    observation.route(boom)
    observation.end({ kind: 'finished', status: 200 })
    expect(observation.ctx.cause).toBe('finished')
  })
})

describe('one observation', () => {
  it('ends once, as what arrived, whatever became of the request object since', () => {
    const metrics = createMetrics()
    const arrived = { ...exchange('1.1.1.1'), method: 'POST', scheme: 'https' as 'http' | 'https' }
    const { observation, first } = createObserver({ metrics, log: false }).begin(arrived, arrived)
    arrived.method = 'DELETE'
    arrived.scheme = 'http'
    expect(first).toBe(true)
    observation.end({ kind: 'finished', status: 200 })
    observation.end({ kind: 'aborted', status: 200 })
    const series = metrics
      .snapshot()
      .metrics.flatMap<unknown>((metric) => metric.series.filter(({ labels }) => 'url.scheme' in labels))
    expect(series).toMatchObject([
      { labels: { 'http.request.method': 'POST', 'url.scheme': 'https' }, count: 1 },
      { labels: { 'http.request.method': 'POST', 'url.scheme': 'https' }, value: 0 },
    ])
  })

  it.each([
    ['finished', 'finished'],
    ['aborted', 'client disconnected'],
    ['cut', 'response broken off'],
  ] as const)('that is %s ends its context with the cause "%s"', (kind, cause) => {
    const { observation } = createObserver({ metrics: createMetrics(), log: false }).begin(
      {},
      exchange('1.1.1.1'),
    )
    observation.end({ kind, status: 200 })
    expect(observation.ctx.cause).toBe(cause)
  })

  it('is found again by another mount, whose route goes first', () => {
    const lines: string[] = []
    const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } })
    const key = {}
    const outer = createObserver({ metrics: createMetrics(), log }).begin(key, exchange('1.1.1.1'))
    const inner = createObserver({ metrics: createMetrics(), log }).begin(key, exchange('1.1.1.1'))
    expect(inner).toEqual({ observation: outer.observation, first: false })
    outer.observation.route(() => '/outer')
    inner.observation.route(() => '/inner/:id')
    inner.observation.route(() => undefined)
    outer.observation.end({ kind: 'finished', status: 200 })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ route: '/inner/:id' })
  })
})
