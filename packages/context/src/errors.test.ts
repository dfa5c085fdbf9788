import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  background,
  CanceledError,
  ContextError,
  DeadlineExceededError,
  isCanceled,
  isDeadlineExceeded,
} from './index.ts'

describe('the errors', () => {
  it('have the names of the platform, codes, and are errors', () => {
    const canceled = new CanceledError()
    const deadline = new DeadlineExceededError()
    expect([canceled.name, canceled.code, canceled.message]).toEqual([
      'AbortError',
      'KIT_CANCELED',
      'context canceled',
    ])
    expect([deadline.name, deadline.code, deadline.message, deadline.timeout]).toEqual([
      'TimeoutError',
      'KIT_DEADLINE_EXCEEDED',
      'context deadline exceeded',
      true,
    ])
    for (const error of [canceled, deadline, new ContextError('KIT_INVALID_KEY', 'x')]) {
      expect(error).toBeInstanceOf(Error)
      expect(inspect(error)).toContain(error.message)
    }
    expect(String(new ContextError('KIT_INVALID_KEY', 'say more'))).toBe('ContextError: say more')
  })

  it('of a context carry no stack, and leave the limit of others alone', () => {
    const limit = Error.stackTraceLimit
    const ctx = background.withCancel()
    ctx.cancel(new Error('why'))
    expect(ctx.err?.stack).toBe('AbortError: context canceled: why')
    expect(background.withTimeout(0).err?.stack).toBe(
      'TimeoutError: context deadline exceeded: withTimeout(0ms)',
    )
    expect(Error.stackTraceLimit).toBe(limit)
    expect('cause' in new CanceledError()).toBe(false)
  })

  it('are independent objects: what a user adds to one stays there', () => {
    const [a, b] = [background.withCancel(), background.withCancel()]
    a.cancel()
    b.cancel()
    expect(a.err).not.toBe(b.err)
  })
})

describe('isCanceled and isDeadlineExceeded', () => {
  const canceled = new CanceledError()
  const deadline = new DeadlineExceededError()
  const wrap = (cause: unknown, name = 'Error'): Error =>
    Object.assign(new Error('wrapped', { cause }), { name })
  const cycle = wrap(undefined)
  cycle.cause = wrap(cycle)
  const cases: [string, unknown, boolean, boolean][] = [
    ['a cancellation', canceled, true, false],
    ['a deadline', deadline, false, true],
    ['a wrapped cancellation', wrap(wrap(canceled)), true, false],
    ['a wrapped deadline', wrap(wrap(deadline)), false, true],
    ['a cancellation because of a deadline', new CanceledError('x', { cause: deadline }), true, false],
    ['an AbortError around a deadline', wrap(deadline, 'AbortError'), false, true],
    ['an AbortError around a cancellation', wrap(canceled, 'AbortError'), true, false],
    ['an AbortError around nothing', wrap(undefined, 'AbortError'), true, false],
    ['an AbortError around something else', wrap(new Error('x'), 'AbortError'), true, false],
    ['the reason of AbortController.abort', AbortSignal.abort().reason, true, false],
    ['the reason of AbortSignal.timeout', new DOMException('x', 'TimeoutError'), false, true],
    ['the same in an AbortError', wrap(new DOMException('x', 'TimeoutError'), 'AbortError'), false, true],
    ["another library's TimeoutError", Object.assign(new Error('x'), { name: 'TimeoutError' }), false, false],
    ['an error of another copy of the package', { name: 'AbortError', code: 'KIT_CANCELED' }, true, false],
    ['another error', new Error('x'), false, false],
    ['a cycle', cycle, false, false],
    ['undefined', undefined, false, false],
    ['null', null, false, false],
    ['a string', 'AbortError', false, false],
  ]
  it.each(cases)('%s', (_name, error, isCancel, isDeadline) => {
    expect([isCanceled(error), isDeadlineExceeded(error)]).toEqual([isCancel, isDeadline])
  })

  it('survive hostile values', () => {
    const trap = (): never => {
      throw new Error('trap')
    }
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const endless: object = new Proxy({}, { get: (_, name) => (name === 'cause' ? endless : undefined) })
    const hostile = [proxy, endless, new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap })]
    for (const value of [...hostile, ...hostile.map((cause) => ({ cause }))]) {
      expect([isCanceled(value), isDeadlineExceeded(value)]).toEqual([false, false])
    }
    expect(isCanceled(wrap(proxy, 'AbortError'))).toBe(true)
    fc.assert(fc.property(fc.anything(), (value) => !(isCanceled(value) && isDeadlineExceeded(value))))
  })

  it('classify what platform APIs make of a signal', async () => {
    const expired = background.withTimeout(0).signal
    const cancelled = background.withCancel()
    cancelled.cancel()
    for (const [signal, test] of [
      [expired, isDeadlineExceeded],
      [cancelled.signal, isCanceled],
    ] as const) {
      const failures = await Promise.all([
        delay(1000, undefined, { signal }).catch((error: unknown) => error),
        once(new EventTarget(), 'x', { signal }).catch((error: unknown) => error),
        fetch('http://127.0.0.1:1', { signal }).catch((error: unknown) => error),
      ])
      expect(failures.map((error) => [test(error), isCanceled(error) !== isDeadlineExceeded(error)])).toEqual(
        failures.map(() => [true, true]),
      )
    }
  })
})
