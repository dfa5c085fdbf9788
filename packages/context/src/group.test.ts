import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Context } from './index.ts'
import { background, createKey, current, group, isCanceled, race, run } from './index.ts'

const tick = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

function deferred(): Deferred {
  let resolve = (): void => {}
  let reject = (_error: unknown): void => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve: () => resolve(), reject: (error) => reject(error) }
}

describe('wait', () => {
  const first = new Error('first')
  const second = new Error('second')
  it.each<[string, (Error | undefined)[], Error | undefined]>([
    ['nothing', [], undefined],
    ['no failure', [undefined, undefined], undefined],
    ['one failure', [undefined, first], first],
    ['two failures', [first, undefined, second], first],
  ])('on %s gives the first failure, and ends the context', async (_name, errors, expected) => {
    for (const asynchronous of [true, false]) {
      const g = group(background)
      for (const error of errors) {
        g.go(() => {
          if (asynchronous) return error === undefined ? undefined : Promise.reject(error)
          if (error !== undefined) throw error
          return undefined
        })
      }
      const waited = await g.wait().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(waited).toBe(expected)
      expect(isCanceled(g.ctx.err)).toBe(true)
      expect(g.ctx.cause).toBe(expected ?? g.ctx.err)
    }
  })

  it('waits for all, also after a failure [I38]', async () => {
    const g = group(background)
    const slow = deferred()
    const log: string[] = []
    g.go(async () => {
      await slow.promise
      log.push('slow')
    })
    g.go(() => Promise.reject(new Error('fault')))
    const waited = g.wait().catch((error: Error) => log.push(error.message))
    await tick()
    expect([log, g.ctx.cause]).toEqual([[], new Error('fault')])
    slow.resolve()
    await waited
    expect(log).toEqual(['slow', 'fault'])
  })

  it('may be called more than once and by several', async () => {
    const g = group(background)
    g.go(() => Promise.reject(new Error('fault')))
    const results = await Promise.allSettled([g.wait(), g.wait()])
    expect([...results, ...(await Promise.allSettled([g.wait()]))].map(({ status }) => status)).toEqual(
      Array.from({ length: 3 }, () => 'rejected'),
    )
  })

  it('waits for what a function adds', async () => {
    const g = group(background)
    const log: string[] = []
    g.go(async () => {
      await tick()
      g.go(async () => {
        await tick()
        log.push('inner')
      })
    })
    await g.wait()
    expect(log).toEqual(['inner'])
  })
})

describe('a failure', () => {
  it('cancels the rest with it as cause, and is what counts [I38]', async () => {
    const parent = background.withCancel()
    const g = group(parent)
    const fault = new Error('fault')
    const seen: unknown[] = []
    g.go(async (ctx) => {
      await race(ctx, new Promise(() => {})).catch((error: unknown) =>
        seen.push(ctx.cause, isCanceled(error)),
      )
      throw new Error('later')
    })
    g.go(() => Promise.reject(fault))
    await expect(g.wait()).rejects.toBe(fault)
    expect(seen).toEqual([fault, true])
    expect(parent.err).toBeUndefined()
  })

  it('may be undefined', async () => {
    const g = group(background)
    g.go(() => Promise.reject())
    expect(await g.wait().catch((error: unknown) => [error])).toEqual([undefined])
  })

  it('of the parent context is one of the group', async () => {
    const parent = background.withCancel()
    const g = group(parent)
    g.go((ctx) => race(ctx, new Promise(() => {})))
    parent.cancel('stop')
    await expect(g.wait()).rejects.toBe(parent.err)
    const late = group(parent)
    late.go(() => expect.unreachable())
    expect(late.tryGo(() => expect.unreachable())).toBe(false)
    await expect(late.wait()).rejects.toBe(parent.err)
  })

  it('keeps what waits for a place from starting', async () => {
    const g = group(background, { limit: 1 })
    const fault = new Error('fault')
    g.go(() => Promise.reject(fault))
    for (let i = 0; i < 100_000; i++) g.go(() => expect.unreachable())
    await expect(g.wait()).rejects.toBe(fault)
  })
})

describe('the limit', () => {
  it('is never exceeded, loses nothing and keeps the order [I38]', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30 }),
        async (limit, delays) => {
          const g = group(background, { limit })
          const started: number[] = []
          let running = 0
          let most = 0
          for (const [i, turns] of delays.entries()) {
            g.go(async () => {
              started.push(i)
              most = Math.max(most, ++running)
              for (let turn = 0; turn < turns; turn++) await Promise.resolve()
              running--
            })
          }
          await g.wait()
          expect(started).toEqual(delays.map((_, i) => i))
          expect(running).toBe(0)
          expect(most).toBe(Math.min(limit, delays.length))
        },
      ),
    )
  })

  it('makes tryGo refuse', async () => {
    const g = group(background, { limit: 1 })
    const busy = deferred()
    expect(g.tryGo(() => busy.promise)).toBe(true)
    expect(g.tryGo(() => expect.unreachable())).toBe(false)
    busy.resolve()
    await tick()
    expect(g.tryGo(() => null)).toBe(true)
    await g.wait()
  })

  it.each([0, -1, 1.5, Number.NaN, '2'])('cannot be %s', (limit) => {
    expect(() => group(background, { limit: limit as number })).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_OPTION' }),
    )
  })
})

describe('a function', () => {
  it('gets the context of the group, which is also the ambient one', async () => {
    const key = createKey('k', 0)
    const g = group(background.withValue(key, 1), { limit: 1 })
    const seen: unknown[] = []
    const note = async (ctx: Context): Promise<void> => {
      seen.push(ctx === g.ctx, current() === ctx)
      await Promise.resolve()
      seen.push(current().value(key))
    }
    g.go(note)
    run(background, () => g.go(note))
    await g.wait()
    expect(seen).toEqual([true, true, 1, true, true, 1])
  })

  it('that had to wait runs in the async context of its caller', async () => {
    const storage = new AsyncLocalStorage<string>()
    const g = group(background, { limit: 1 })
    const seen: unknown[] = []
    for (const name of ['a', 'b', 'c']) {
      storage.run(name, () =>
        g.go(async () => {
          await Promise.resolve()
          seen.push(storage.getStore())
        }),
      )
    }
    await g.wait()
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('is needed', () => {
    const invalid = expect.objectContaining({ code: 'KIT_INVALID_CALLBACK' })
    expect(() => group(background).go(Promise.resolve() as never)).toThrow(invalid)
    expect(() => group(background).tryGo(null as never)).toThrow(invalid)
    expect(() => group(null as never)).toThrow(expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }))
  })
})

describe('disposal', () => {
  it('after wait does nothing more', async () => {
    const g = group(background)
    g.go(() => Promise.reject(new Error('fault')))
    await expect(g.wait()).rejects.toThrow('fault')
    await g[Symbol.asyncDispose]()
  })

  it('without wait cancels, and waits for all', async () => {
    const g = group(background)
    const slow = deferred()
    const log: string[] = []
    g.go(async (ctx) => {
      await race(ctx, new Promise(() => {})).catch(() => log.push('cancelled'))
      await slow.promise
      log.push('done')
    })
    g.go((ctx) => race(ctx, new Promise(() => {})))
    const disposed = g[Symbol.asyncDispose]().then(() => log.push('disposed'))
    await tick()
    expect(log).toEqual(['cancelled'])
    slow.resolve()
    await disposed
    expect(log).toEqual(['cancelled', 'done', 'disposed'])
  })

  it.each<[string, (ctx: Context) => unknown, boolean]>([
    ['its own cancellation', (ctx) => race(ctx, new Promise(() => {})), true],
    [
      'its own cancellation, wrapped',
      (ctx) =>
        race(ctx, new Promise(() => {})).catch((cause: unknown) => {
          throw new Error('query', { cause })
        }),
      true,
    ],
    ['an AbortError that follows it', (ctx) => setTimeout(60_000, 0, { signal: ctx.signal }), true],
    [
      'the cancellation of another context',
      () => {
        const other = background.withCancel()
        other.cancel()
        throw new Error('query', { cause: other.err })
      },
      false,
    ],
    [
      'the cancellation of another context, after its own',
      (ctx) =>
        race(ctx, new Promise(() => {})).catch(() => {
          const other = background.withCancel()
          other.cancel()
          throw other.err
        }),
      false,
    ],
    [
      'an AbortError that was not its doing',
      () => Promise.reject(new DOMException('x', 'AbortError')),
      false,
    ],
  ])('without wait tells a failure from what it cancelled: %s', async (_name, fn, swallowed) => {
    const g = group(background)
    g.go(fn)
    await tick()
    const disposed = g[Symbol.asyncDispose]()
    expect(
      await disposed.then(
        () => true,
        () => false,
      ),
    ).toBe(swallowed)
  })

  it('without wait does not lose a failure', async () => {
    const g = group(background)
    g.go(() => Promise.reject(new Error('fault')))
    await tick()
    await expect(g[Symbol.asyncDispose]()).rejects.toThrow('fault')
  })
})
