import { PassThrough, Readable } from 'node:stream'
import { background, current, isDeadlineExceeded, race, run, sleep } from '@kit/context'
import type { Context } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import { createLogger, withFields } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observe } from './observe.ts'
import { callSeries, readingsOf } from './testing/readings.ts'
import { withLog } from './with-log.ts'
import { withMetrics } from './with-metrics.ts'

let metrics: Metrics
let clock: ReturnType<typeof manualClock>
const lines = memoryDestination()
const log = createLogger({ destination: lines, level: 'trace' })

beforeEach(() => {
  clock = manualClock()
  metrics = createMetrics()
  lines.clear()
})
afterEach(() => clock[Symbol.dispose]())

function caughtBy(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}

function dropped(): unknown {
  const found = metrics.snapshot().metrics.find(({ name }) => name === 'kit.observe.dropped')
  return found?.series.map((point) => ({ ...point.labels, value: (point as { value: number }).value }))
}

describe('the lines of a call', () => {
  it('say that it started and how it ended, at a level by outcome', async () => {
    const ctx = withFields(background, { requestId: 'r-1' })
    const gone = ctx.withCancel()
    gone.cancel('client gone')
    const late = ctx.withTimeout(0)
    const fn = withLog(
      'work',
      async (given: Context, fail: boolean) => {
        given.throwIfDone()
        clock.advance(5)
        if (fail) throw new RangeError('too far')
      },
      { log },
    )
    await fn(ctx, false)
    await expect(fn(ctx, true)).rejects.toThrow('too far')
    await expect(fn(gone, false)).rejects.toBe(gone.err)
    await expect(fn(late, false)).rejects.toBe(late.err)
    const started = { level: 'debug', msg: 'call started', function: 'work', requestId: 'r-1' }
    expect(lines.records).toMatchObject([
      started,
      {
        level: 'info',
        msg: 'call finished',
        outcome: 'ok',
        durationMs: 5,
        function: 'work',
        requestId: 'r-1',
      },
      started,
      {
        level: 'error',
        msg: 'call failed',
        outcome: 'error',
        errorType: 'RangeError',
        err: { message: 'too far' },
      },
      started,
      { level: 'info', msg: 'call canceled', outcome: 'canceled' },
      started,
      { level: 'warn', msg: 'call missed its deadline', outcome: 'deadline', errorType: 'deadline_exceeded' },
    ])
  })

  it('warn of what was slow, and only of that', () => {
    const fn = observe('work', (ms: number) => clock.advance(ms), {
      log,
      metrics,
      slowMs: 50,
      level: 'trace',
    })
    fn(49)
    fn(50)
    expect(lines.records.map(({ level, msg }) => [level, msg])).toEqual([
      ['debug', 'call started'],
      ['trace', 'call finished'],
      ['debug', 'call started'],
      ['warn', 'call was slow'],
    ])
  })

  it('are not there for what withMetrics wraps, and metrics are not for withLog, unless they are asked for', () => {
    withLog('a', () => 1, { log })()
    withMetrics('b', () => 1, { metrics })()
    expect(lines.records.map((record) => record['function'])).toEqual(['a', 'a'])
    expect(callSeries(metrics)).toEqual([{ labels: { function: 'b', outcome: 'ok' }, value: 1 }])
    withLog('c', () => 1, { log, metrics })()
    expect(readingsOf(metrics, 'c').calls).toEqual({ ok: 1 })
  })

  it('come on top of metrics, and metrics on top of them, each once', () => {
    const fn = (): number => 1
    const both = withLog('f', withMetrics('f', fn, { metrics }), { log })
    const reverse = withMetrics('g', withLog('g', fn, { log }), { metrics })
    both()
    reverse()
    expect(lines.records.map((record) => record['function'])).toEqual(['f', 'f', 'g', 'g'])
    expect([readingsOf(metrics, 'f').calls, readingsOf(metrics, 'g').calls]).toEqual([{ ok: 1 }, { ok: 1 }])
    for (const wrapped of [both, reverse]) {
      expect(withLog('h', wrapped, { log })).toBe(wrapped)
      expect(withMetrics('h', wrapped, { metrics })).toBe(wrapped)
      expect(observe('h', wrapped, { metrics, log })).toBe(wrapped)
    }
    const observed = observe('i', fn, { metrics, log })
    expect(withMetrics(observed, { metrics })).toBe(observed)
    expect(withLog(observed, { log })).toBe(observed)
    expect(observe('h', withMetrics('j', fn, { metrics }), { metrics, log }).name).toBe('fn')
  })
})

describe('labels', () => {
  it('join the series, the line and leave other functions alone', () => {
    withMetrics('plain', () => 1, { metrics })()
    const fn = observe('find', (region: string) => ({ rows: region.length }), {
      metrics,
      log,
      labels: ([region], result) => ({ region, found: result !== undefined }),
    })
    fn('eu')
    withMetrics('plain', () => 1, { metrics })()
    expect(callSeries(metrics)).toEqual([
      { labels: { function: 'plain', outcome: 'ok' }, value: 2 },
      { labels: { function: 'find', outcome: 'ok', region: 'eu', found: 'true' }, value: 1 },
    ])
    expect(readingsOf(metrics, 'find').timed).toEqual({ ok: 1 })
    expect(lines.records[1]).toMatchObject({ function: 'find', region: 'eu', found: true })
  })

  it.each([
    [
      'throw',
      'labels_threw',
      () => {
        throw new Error('no labels')
      },
    ],
    ['are none', 'bad_labels', () => 'eu'],
    ['have a value that is none', 'bad_labels', () => ({ region: {} })],
    ['have a name that is taken', 'bad_labels', () => ({ outcome: 'great' })],
    ['have a name that is none', 'bad_labels', () => ({ '1 2': 'x' })],
  ])('that %s are dropped and counted, and the call is counted', (_what, reason, labels) => {
    const fn = observe('f', () => 1, { metrics, log: false, labels: labels as never })
    expect(fn()).toBe(1)
    expect(fn()).toBe(1)
    expect(callSeries(metrics)).toEqual([{ labels: { function: 'f', outcome: 'ok' }, value: 2 }])
    expect(dropped()).toEqual([{ reason, value: 2 }])
    expect(readingsOf(metrics, 'f').active).toBe(0)
  })

  it('whose names come from data are bounded', () => {
    let i = 0
    const fn = observe('f', () => 1, { metrics, log: false, labels: () => ({ [`l${(i += 1)}`]: 'x' }) })
    for (let call = 0; call < 200; call += 1) fn()
    const names = new Set(callSeries(metrics).flatMap(({ labels }) => Object.keys(labels)))
    expect(names.size).toBe(16)
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { ok: 200 }, active: 0 })
    expect(dropped()).toEqual([{ reason: 'bad_labels', value: 186 }])
  })
})

describe('kinds of errors', () => {
  it('are codes, names, or _OTHER, the same in metrics and log', () => {
    const fn = observe(
      'f',
      (thrown: unknown) => {
        throw thrown
      },
      { metrics, log },
    )
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    for (const thrown of [
      refused,
      new TypeError('fetch failed', { cause: refused }),
      new RangeError('x'),
      'text',
      null,
    ])
      expect(caughtBy(() => fn(thrown))).toBe(thrown)
    const { errors, calls } = readingsOf(metrics, 'f')
    expect(errors).toEqual({ ECONNREFUSED: 2, RangeError: 1, _OTHER: 2 })
    expect(calls).toEqual({ error: 5 })
    const logged = lines.records.filter(({ level }) => level === 'error').map((record) => record['errorType'])
    expect(logged).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'RangeError', '_OTHER', '_OTHER'])
  })

  it('of one function are bounded', () => {
    const fn = withMetrics(
      'f',
      (i: number) => {
        throw Object.assign(new Error('x'), { code: `E${i}` })
      },
      { metrics },
    )
    for (let i = 0; i < 100; i += 1) expect(() => fn(i)).toThrow('x')
    const { errors } = readingsOf(metrics, 'f')
    expect(Object.keys(errors)).toHaveLength(33)
    expect(errors['_OTHER']).toBe(68)
  })

  it('are failed_result where a value stands for a failure', () => {
    const fn = observe('f', () => ({ status: 503 }), {
      metrics,
      log,
      isFailure: ({ status }) => status >= 500,
    })
    expect(fn()).toEqual({ status: 503 })
    expect(readingsOf(metrics, 'f').errors).toEqual({ failed_result: 1 })
    expect(lines.records[1]).toMatchObject({ level: 'error', outcome: 'error', errorType: 'failed_result' })
  })
})

describe('a timeout', () => {
  it('gives the function a context that ends, as its argument and around it', async () => {
    const seen: (Context | undefined)[] = []
    const fn = observe(
      'f',
      async (ctx: Context) => {
        seen.push(ctx, current())
        await sleep(ctx, 1000)
      },
      { metrics, log: false, timeoutMs: 100 },
    )
    const result = fn(background)
    clock.advance(100)
    await expect(result).rejects.toSatisfy(isDeadlineExceeded)
    expect(seen[0]).toBe(seen[1])
    expect(seen[0]?.deadline).toBe(100)
    expect(readingsOf(metrics, 'f')).toMatchObject({
      calls: { deadline: 1 },
      errors: { deadline_exceeded: 1 },
      active: 0,
    })
  })

  it('reaches a function that takes no context, and never extends a deadline', async () => {
    const fn = observe('f', () => current().deadline, { metrics, log: false, timeoutMs: 100 })
    expect(fn()).toBe(100)
    expect(run(background.withTimeout(10), fn)).toBe(10)
    expect(current().deadline).toBeUndefined()
  })

  it('does not wait for a promise that goes on', async () => {
    const fn = observe('f', () => new Promise<void>(() => {}), { metrics, log: false, timeoutMs: 100 })
    const result = fn()
    clock.advance(100)
    await expect(result).rejects.toSatisfy(isDeadlineExceeded)
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { deadline: 1 }, active: 0 })
  })

  it('ends the context with the call, but not while a body is to be read under it', async () => {
    const contexts: Context[] = []
    const fn = observe(
      'f',
      async (ctx: Context, body: string | undefined) => {
        contexts.push(ctx)
        return body === undefined ? 7 : new Response(body)
      },
      { metrics, log: false, timeoutMs: 100 },
    )
    expect(await fn(background, undefined)).toBe(7)
    expect(contexts[0]?.err?.name).toBe('AbortError')
    await fn(background, 'text')
    expect(contexts[1]?.err).toBeUndefined()
    clock.advance(100)
    expect(contexts[1]?.err?.name).toBe('TimeoutError')
  })

  it('leaves the context alone where there is nothing to derive', () => {
    const ctx = background.withCancel()
    const fn = observe('f', (given: Context) => [given, current()], { metrics, log: false })
    expect(fn(ctx)).toEqual([ctx, background])
  })

  it('holds for the steps of a generator', () => {
    const fn = observe(
      'f',
      function* () {
        yield current().deadline
        yield current().deadline
      },
      { metrics, log: false, timeoutMs: 100 },
    )
    expect([...fn()]).toEqual([100, 100])
    expect(current()).toBe(background)
  })
})

describe('a callback', () => {
  it.each([1, -1])('at %i ends the call, once, with what it is told', (callback) => {
    const callbacks: ((error: unknown, value?: number) => void)[] = []
    const fn = withMetrics(
      'f',
      (_key: string, done: (error: unknown, value?: number) => string) => void callbacks.push(done),
      {
        metrics,
        callback,
        isFailure: (value: unknown) => value === 0,
      },
    )
    const told: unknown[] = []
    const done = (error: unknown, value?: number): string => {
      told.push(error, value)
      return 'answered'
    }
    for (const key of ['a', 'b', 'c', 'd']) fn(key, done)
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: {}, active: 4 })
    clock.advance(20)
    const [first, second, third, fourth] = callbacks
    const error = new TypeError('no')
    expect(first?.(null, 1)).toBe('answered')
    first?.(error)
    second?.(error)
    third?.(undefined, 0)
    fourth?.(background.withTimeout(0).err)
    expect(told.slice(0, 4)).toEqual([null, 1, error, undefined])
    expect(readingsOf(metrics, 'f')).toMatchObject({
      calls: { ok: 1, error: 2, deadline: 1 },
      active: 0,
      seconds: 0.08,
    })
  })

  it('that is missing, or a throw, leaves the call to end by itself', () => {
    const fn = withMetrics(
      'f',
      (fail: boolean, _done?: () => void) => {
        if (fail) throw new Error('no')
        return 1
      },
      { metrics, callback: 1 },
    )
    expect(fn(false)).toBe(1)
    expect(() => fn(true, () => {})).toThrow('no')
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { ok: 1, error: 1 }, active: 0 })
  })
})

describe('what is read after it was returned', () => {
  it('ends the call at its return, unless that is asked for', async () => {
    const fn = withMetrics('f', async () => new Response('text'), { metrics })
    await fn()
    expect(readingsOf(metrics, 'f').calls).toEqual({ ok: 1 })
  })

  it('of a response: until its body was read, or was broken off', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new TypeError('torn')) })
    const fn = withMetrics('f', async (body: string | null) => new Response(body, { status: 201 }), {
      metrics,
      untilConsumed: true,
    })
    const response = await fn('text')
    expect(response.status).toBe(201)
    clock.advance(30)
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: {}, active: 1 })
    expect(await response.text()).toBe('text')
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { ok: 1 }, active: 0, seconds: 0.03 })
    const torn = await fn(broken as never)
    await expect(torn.text()).rejects.toThrow('torn')
    await fn(null)
    const left = await fn('text')
    await left.body?.cancel()
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { ok: 3, error: 1 }, active: 0 })
  })

  it('of a stream of the web', async () => {
    const fn = withMetrics('f', () => ReadableStream.from(['a', 'b']), { metrics, untilConsumed: true })
    const seen: unknown[] = []
    const stream = fn()
    expect(readingsOf(metrics, 'f').active).toBe(1)
    for await (const chunk of stream) seen.push(chunk)
    for await (const _ of fn()) break
    expect(seen).toEqual(['a', 'b'])
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { ok: 2 }, active: 0 })
  })

  it('of a stream of Node, which stays what it is, with its errors', async () => {
    const fn = withMetrics('f', (stream: Readable) => stream, { metrics, untilConsumed: true })
    const given = Readable.from(['a', 'b'])
    const stream = fn(given)
    expect(stream).toBe(given)
    expect(readingsOf(metrics, 'f').active).toBe(1)
    expect(await stream.toArray()).toEqual(['a', 'b'])
    const failing = fn(new PassThrough())
    expect(failing.listenerCount('error')).toBe(new PassThrough().listenerCount('error'))
    const failed = new Promise((resolve) => failing.once('error', resolve))
    failing.destroy(new TypeError('torn'))
    expect(await failed).toBeInstanceOf(TypeError)
    await new Promise((resolve) => setImmediate(resolve))
    expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { ok: 1, error: 1 }, active: 0 })
  })
})

it('a call that loses a race goes on counting as under way', async () => {
  const fn = withMetrics('f', () => new Promise<void>(() => {}), { metrics })
  const ctx = background.withTimeout(10)
  const lost = race(ctx, fn())
  clock.advance(10)
  await expect(lost).rejects.toSatisfy(isDeadlineExceeded)
  expect(readingsOf(metrics, 'f')).toMatchObject({ calls: {}, active: 1 })
})

describe('mistakes', () => {
  it.each([
    ['metrics', {}],
    ['log', {}],
    ['level', 'loud'],
    ['level', 'silent'],
    ['span', 'yes'],
    ['labels', { region: 'eu' }],
    ['isFailure', true],
    ['slowMs', 0],
    ['timeoutMs', Number.NaN],
    ['timeoutMs', -1],
    ['callback', 1.5],
    ['timeEvery', -1],
    ['timeEvery', 0.5],
    ['untilConsumed', 1],
  ])('the option %s: %j is refused where the function is wrapped', (name, value) => {
    for (const wrap of [withMetrics, withLog, observe]) {
      expect(() => wrap('f', () => 1, { [name]: value } as never)).toThrow(
        expect.objectContaining({
          code: 'KIT_OBSERVE_OPTION_INVALID',
          message: expect.stringContaining(name),
        }),
      )
    }
  })

  it('slowMs without a log is refused, and options that are no object', () => {
    const invalid = expect.objectContaining({ code: 'KIT_OBSERVE_OPTION_INVALID' })
    expect(() => withMetrics('f', () => 1, { slowMs: 10 })).toThrow(invalid)
    expect(() => withMetrics('f', () => 1, 5 as never)).toThrow(invalid)
  })
})
