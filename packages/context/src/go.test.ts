import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CancelContext, Context } from './index.ts'
import { background, createKey, isCanceled, isDeadlineExceeded, race, run, sleep, todo } from './index.ts'
import type { ManualClock } from './manual-clock.ts'
import { manualClock } from './manual-clock.ts'
import { state } from './state.ts'
import { liveContexts } from './testing.ts'

/*
 * The tests of Go's context package, by their names there. What Go calls a custom context is here whatever ends by
 * means of its own: an AbortSignal (`withSignal`), or a context of another copy of the package. Go looks at the children
 * of a context; here a context that nobody watches is no child at all, so those tests watch theirs.
 */

let time: ManualClock
beforeEach(() => {
  time = manualClock(1000)
})
afterEach(() => {
  time[Symbol.dispose]()
})

const hour = 3_600_000

/** Lets microtasks run: the callbacks of a cancellation come in the first. */
const tick = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

/** Numbers from 0 to 1 that come again with the same seed. */
function seeded(seed: number): () => number {
  let last = seed + 1
  return () => {
    last = (Math.imul(last, 1_664_525) + 1_013_904_223) >>> 0
    return last / 2 ** 32
  }
}

/** How many contexts derived since `start` hold a place with their parent or a timer. */
const watchedSince = (start: number): number =>
  liveContexts().filter(({ watched, ageMs }) => watched && time.now() - ageMs >= start).length

it.each([
  ['TestBackground', background, 'background'],
  ['TestTODO', todo, 'todo'],
])('%s', async (_name, ctx, text) => {
  ctx.afterFunc(() => expect.unreachable())
  await tick()
  expect([ctx.err, ctx.signal.aborted, String(ctx)]).toEqual([undefined, false, text])
})

it('TestWithCancel', async () => {
  const c1 = background.withCancel()
  expect(String(c1)).toBe('background.withCancel')
  const foreign = new AbortController()
  c1.signal.addEventListener('abort', () => foreign.abort(c1.err))
  const o = background.withSignal(foreign.signal)
  const c2 = o.withCancel()
  const all = [c1, o, c2]
  let ended = 0
  for (const ctx of all) ctx.afterFunc(() => ended++)
  await tick()
  expect([all.map(({ err }) => err), ended]).toEqual([[undefined, undefined, undefined], 0])
  c1.cancel()
  expect(all.map(({ err }) => isCanceled(err))).toEqual([true, true, true])
  await tick()
  expect(ended).toBe(3)
})

it('TestParentFinishesChild', () => {
  const start = time.now()
  const parent = background.withCancel()
  const cancelChild = parent.withCancel()
  const valueChild = parent.withValue(createKey<string>('key'), 'value')
  const timerChild = valueChild.withTimeout(10 * hour)
  expect(watchedSince(start)).toBe(0)
  for (const ctx of [cancelChild, timerChild]) ctx.afterFunc(() => {})
  expect([watchedSince(start), time.pendingTimers]).toEqual([3, 1]) // with the parent
  parent.cancel()
  expect([watchedSince(start), time.pendingTimers]).toEqual([0, 0])
  for (const ctx of [parent, cancelChild, valueChild, timerChild]) expect(ctx.err).toBe(parent.err)
  expect(isCanceled(parent.err)).toBe(true)
  expect(parent.withValue(createKey('key'), 'value').err).toBe(parent.err)
})

it('TestChildFinishesFirst', () => {
  const start = time.now()
  for (const parent of [background, background.withCancel()]) {
    const child = parent.withCancel()
    child.afterFunc(() => {})
    expect(watchedSince(start)).toBe(parent === background ? 1 : 2)
    child.cancel()
    expect(watchedSince(start)).toBe(0)
    expect([isCanceled(child.err), parent.err]).toEqual([true, undefined])
  }
})

it('TestCancelRemoves', () => {
  const start = time.now()
  const ctx = background.withCancel()
  for (const make of [
    () => {
      const child = ctx.withCancel()
      child.afterFunc(() => {})
      return () => child.cancel()
    },
    () => {
      const child = ctx.withTimeout(60_000)
      child.afterFunc(() => {})
      return () => child.cancel()
    },
    () => ctx.withCancel().afterFunc(() => {}),
  ]) {
    expect(watchedSince(start)).toBe(0)
    const remove = make()
    expect(watchedSince(start)).toBe(2)
    remove()
    expect([watchedSince(start), time.pendingTimers]).toEqual([0, 0])
  }
})

/** Ends at its deadline, and so does what hangs on it, whoever looks or waits. */
async function endsAtDeadline(make: () => Context, afterMs: number): Promise<void> {
  const waiting = make()
  const foreign = background.withSignal(waiting.signal)
  const asked = make()
  expect([waiting.err, foreign.err, asked.err]).toEqual([undefined, undefined, undefined])
  time.advance(afterMs)
  await tick()
  for (const ctx of [waiting, foreign, asked]) expect(isDeadlineExceeded(ctx.err)).toBe(true)
}

it('TestDeadline', async () => {
  await endsAtDeadline(() => background.withDeadline(time.now() + 1), 1)
  await endsAtDeadline(() => background.withDeadline(time.now() + 1).withDeadline(time.now() + 4), 1)
  await endsAtDeadline(() => background.withDeadline(new Date(time.wallTime() + 1)), 1)
  for (const at of [time.now() - 1, time.now()]) {
    expect(isDeadlineExceeded(background.withDeadline(at).err)).toBe(true)
  }
})

it('TestTimeout', async () => {
  await endsAtDeadline(() => background.withTimeout(1), 1)
  await endsAtDeadline(() => background.withTimeout(1).withTimeout(hour), 1)
  for (const ms of [-1, 0]) expect(isDeadlineExceeded(background.withTimeout(ms).err)).toBe(true)
})

it('TestCanceledTimeout', async () => {
  const o = background.withTimeout(200)
  const ctx = o.withTimeout(400)
  ctx.afterFunc(() => {})
  ctx.cancel()
  expect(isCanceled(ctx.err)).toBe(true)
  time.advance(hour)
  expect([isCanceled(ctx.err), isDeadlineExceeded(o.err)]).toEqual([true, true])
})

it('TestValues', () => {
  const [k1, k2, k3] = [
    createKey<string | null>('k'),
    createKey<string | null>('k'),
    createKey('k', 'default'),
  ]
  const values = (ctx: Context): unknown[] => [ctx.value(k1), ctx.value(k2), ctx.value(k3)]
  expect(values(background)).toEqual([undefined, undefined, 'default'])
  const c1 = background.withValue(k1, 'c1k1')
  expect(values(c1)).toEqual(['c1k1', undefined, 'default'])
  const c2 = c1.withValue(k2, 'c2k2').withValue(k3, 'c2k3')
  expect(values(c2)).toEqual(['c1k1', 'c2k2', 'c2k3'])
  const c3 = c2.withValue(k1, null)
  expect(values(c3)).toEqual([null, 'c2k2', 'c2k3'])
  const c4 = c3.withCancel().withTimeout(5).withSignal(new AbortController().signal).withoutCancel()
  expect(values(c4.withValue(k3, 'c4k3'))).toEqual([null, 'c2k2', 'c4k3'])
  expect(values(c2)).toEqual(['c1k1', 'c2k2', 'c2k3'])
  expect(String(c2)).toBe('background.withValue(k).withValue(k).withValue(k)')
})

it('TestAllocs', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const key = createKey('k', 0)
  // Without the stack traces that the tests have remembered.
  const { tracker } = state
  state.tracker = undefined
  const sample = (make: () => unknown): number => {
    const count = 20_000
    const kept: unknown[] = Array.from({ length: count }, () => 0)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < count; i++) kept[i] = make()
    collect()
    const after = process.memoryUsage().heapUsed
    return kept.length === 0 ? 0 : (after - before) / count
  }
  // The least of some, since the process has other things on the heap as well.
  const bytes = (make: () => unknown): number => Math.min(...Array.from({ length: 4 }, () => sample(make)))
  // Go allows 3 allocations for a value, 5 for a cancellation, 8 to 12 for a timeout.
  expect(bytes(() => background.withValue(key, 1))).toBeLessThan(150)
  expect(bytes(() => background.withCancel())).toBeLessThan(250)
  expect(bytes(() => background.withTimeout(hour))).toBeLessThan(300)
  state.tracker = tracker
})

it('TestSimultaneousCancels', async () => {
  const random = seeded(42)
  const roots = [background.withCancel()]
  const all = [...roots]
  for (let level = 0; level < 3; level++) {
    const parents = all.slice(-(4 ** level))
    for (const parent of parents) for (let i = 0; i < 4; i++) all.push(parent.withCancel())
  }
  let ended = 0
  for (const ctx of all) ctx.afterFunc(() => ended++)
  const order = all.map((ctx) => [random(), ctx] as const).toSorted(([a], [b]) => a - b)
  for (const [, ctx] of order) {
    ctx.cancel()
    expect(isCanceled(ctx.err)).toBe(true)
  }
  await tick()
  expect([all.length, ended]).toEqual([85, 85])
})

it('TestInterlockedCancels', async () => {
  const parent = background.withCancel()
  const child = parent.withCancel()
  parent.afterFunc(() => child.cancel())
  child.afterFunc(() => parent.cancel())
  parent.cancel()
  await tick()
  expect([isCanceled(parent.err), child.err === parent.err]).toEqual([true, true])
})

describe.each([
  ['TestLayersCancel', false],
  ['TestLayersTimeout', true],
])('%s', (_name, byTimeout) => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))('seed %s', async (seed) => {
    const random = seeded(seed)
    const minimum = 30
    const values: (readonly [ReturnType<typeof createKey<number>>, number])[] = []
    const cancels: CancelContext[] = []
    let timers = 0
    let ctx: Context = background
    for (let i = 0; i < minimum || values.length === 0 || cancels.length === 0 || timers === 0; i++) {
      const choice = Math.floor(random() * 3)
      if (choice === 0) {
        const key = createKey<number>(`layer ${i}`)
        values.push([key, i])
        ctx = ctx.withValue(key, i)
      } else {
        const cancel = choice === 1 ? ctx.withCancel() : ctx.withTimeout(byTimeout ? 200 : hour)
        if (choice === 2) timers++
        cancels.push(cancel)
        ctx = cancel
      }
    }
    const check = (): void => {
      expect(String(ctx).startsWith('background.')).toBe(true)
      for (const [key, value] of values) expect(ctx.value(key)).toBe(value)
    }
    check()
    expect([ctx.err, ctx.signal.aborted]).toEqual([undefined, false])
    if (byTimeout) time.advance(200)
    else cancels[Math.floor(random() * cancels.length)]?.cancel()
    expect([isDeadlineExceeded(ctx.err), isCanceled(ctx.err), ctx.signal.aborted]).toEqual([
      byTimeout,
      !byTimeout,
      true,
    ])
    check()
    for (const cancel of cancels) cancel.cancel()
    expect(time.pendingTimers).toBe(0)
  })
})

it('TestWithCancelCanceledParent', () => {
  const parent = background.withCancel()
  parent.cancel(new Error('because'))
  const child = parent.withCancel()
  expect([child.err, child.cause, child.signal.aborted]).toEqual([parent.err, parent.cause, true])
})

it('TestWithCancelSimultaneouslyCanceledParent', async () => {
  const cause = new Error('because')
  for (let i = 0; i < 100; i++) {
    const parent = background.withCancel()
    queueMicrotask(() => parent.cancel(cause))
    if (i % 2 === 0) await Promise.resolve()
    const child = parent.withCancel()
    child.afterFunc(() => {})
    await tick()
    expect([child.cause, isCanceled(child.err)]).toEqual([cause, true])
  }
})

it('TestWithValueChecksKey', () => {
  for (const key of [null, undefined, 'key', 5, Symbol('key'), {}, [], () => {}]) {
    expect(() => background.withValue(key as never, 1)).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_KEY' }),
    )
  }
})

it('TestInvalidDerivedFail', async () => {
  const invalid = expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' })
  for (const parent of [null, undefined, {}, 5, 'background', new AbortController().signal]) {
    expect(() => run(parent as never, () => {})).toThrow(invalid)
    await expect(sleep(parent as never, 1)).rejects.toEqual(invalid)
    await expect(race(parent as never, Promise.resolve())).rejects.toEqual(invalid)
  }
})

it('TestDeadlineExceededSupportsTimeout', () => {
  const { err } = background.withTimeout(0)
  expect(err).toMatchObject({ timeout: true, code: 'KIT_DEADLINE_EXCEEDED' })
})

it('TestDeadlineExceededIsNetError', () => {
  const { err } = background.withTimeout(0)
  expect(err).toBeInstanceOf(Error)
  expect([err?.name, err?.message.startsWith('context deadline exceeded')]).toEqual(['TimeoutError', true])
})

describe('TestCause', () => {
  const parentCause = new Error('parentCause')
  const childCause = new Error('childCause')
  const tooSlow = new Error('tooSlow')
  const finishedEarly = new Error('finishedEarly')
  const cancelled = (ctx: CancelContext, ...cause: unknown[]): CancelContext => {
    ctx.cancel(...cause)
    return ctx
  }
  const cases: [string, () => Context, 'none' | 'C' | 'D', unknown?][] = [
    ['background', () => background, 'none'],
    ['todo', () => todo, 'none'],
    ['cancel', () => cancelled(background.withCancel()), 'C'],
    ['cancel with cause', () => cancelled(background.withCancel(), parentCause), 'C', parentCause],
    ['cancel with undefined', () => cancelled(background.withCancel(), undefined), 'C'],
    [
      'parent with cause before child with cause',
      () => {
        const parent = background.withCancel()
        const child = parent.withCancel()
        parent.cancel(parentCause)
        child.cancel(childCause)
        return child
      },
      'C',
      parentCause,
    ],
    [
      'child with cause before parent with cause',
      () => {
        const parent = background.withCancel()
        const child = parent.withCancel()
        child.cancel(childCause)
        parent.cancel(parentCause)
        return child
      },
      'C',
      childCause,
    ],
    [
      'parent with cause before plain child',
      () => {
        const parent = background.withCancel()
        const child = parent.withCancel()
        parent.cancel(parentCause)
        child.cancel()
        return child
      },
      'C',
      parentCause,
    ],
    [
      'plain child before parent with cause',
      () => {
        const parent = background.withCancel()
        const child = parent.withCancel()
        child.cancel()
        parent.cancel(parentCause)
        return child
      },
      'C',
    ],
    [
      'plain parent before child with cause',
      () => {
        const parent = background.withCancel()
        const child = parent.withCancel()
        parent.cancel()
        child.cancel(childCause)
        return child
      },
      'C',
    ],
    [
      'child with cause before plain parent',
      () => {
        const parent = background.withCancel()
        const child = parent.withCancel()
        child.cancel(childCause)
        parent.cancel()
        return child
      },
      'C',
      childCause,
    ],
    ['timeout', () => background.withTimeout(0), 'D'],
    ['timeout cancelled', () => cancelled(background.withTimeout(hour)), 'C'],
    ['timeout with cause', () => background.withTimeout(0, tooSlow), 'D', tooSlow],
    ['timeout with cause, cancelled', () => cancelled(background.withTimeout(hour, tooSlow)), 'C'],
    [
      'timeout with cause below a timeout',
      () => cancelled(background.withCancel().withTimeout(0, tooSlow), finishedEarly),
      'D',
      tooSlow,
    ],
    [
      'timeout with cause, parent cancelled',
      () => {
        const parent = background.withCancel()
        const child = parent.withTimeout(hour, tooSlow)
        parent.cancel(finishedEarly)
        return child
      },
      'C',
      finishedEarly,
    ],
    ['withoutCancel', () => background.withoutCancel(), 'none'],
    [
      'withoutCancel of cancelled',
      () => cancelled(background.withCancel(), parentCause).withoutCancel(),
      'none',
    ],
    ['withoutCancel of timed out', () => background.withTimeout(0, tooSlow).withoutCancel(), 'none'],
  ]
  it.each(cases)('%s', (_name, make, err, cause) => {
    const ctx = make()
    expect([isCanceled(ctx.err), isDeadlineExceeded(ctx.err)]).toEqual([err === 'C', err === 'D'])
    expect(ctx.err === undefined).toBe(err === 'none')
    expect(ctx.cause).toBe(cause ?? ctx.err)
  })
})

it('TestCauseRace', async () => {
  const cause = new Error('because')
  const ctx = background.withCancel()
  const seen: unknown[][] = []
  ctx.signal.addEventListener('abort', () => seen.push([ctx.err, ctx.cause]))
  ctx.afterFunc((err) => seen.push([err, ctx.cause]))
  queueMicrotask(() => ctx.cancel(cause))
  for (let i = 0; i < 5; i++) {
    expect([ctx.err, ctx.cause].filter((each) => each !== undefined).length).not.toBe(1)
    await Promise.resolve()
  }
  expect(seen).toEqual([
    [ctx.err, cause],
    [ctx.err, cause],
  ])
})

it('TestWithoutCancel', () => {
  const key = createKey<string>('key')
  const parent = background.withValue(key, 'value').withTimeout(5)
  const ctx = parent.withoutCancel()
  parent.cancel()
  expect([ctx.deadline, ctx.err, ctx.cause, ctx.signal.aborted]).toEqual([
    undefined,
    undefined,
    undefined,
    false,
  ])
  expect([ctx.value(key), String(ctx)]).toEqual([
    'value',
    'background.withValue(key).withTimeout(5ms).withoutCancel',
  ])
})

it('TestCustomContextPropagation', async () => {
  const cause = new Error('inner')
  const inner = background.withCancel()
  const foreign = new AbortController()
  const outer = inner.withSignal(foreign.signal)
  const child = outer.withCancel()
  foreign.abort(new Error('foreign'))
  expect([inner.err, (child.cause as Error).message]).toEqual([undefined, 'foreign'])
  const other = background.withSignal(inner.withCancel().signal).withCancel()
  inner.cancel(cause)
  expect(other.cause).toBe(cause)
})

describe('TestCustomContextCause', () => {
  it('what the foreign one ended with is error and cause', () => {
    const foreign = new AbortController()
    const ctx = background.withSignal(foreign.signal).withCancel()
    const reason = new Error('foreign')
    foreign.abort(reason)
    expect([isCanceled(ctx.err), ctx.cause]).toEqual([true, reason])
  })

  it('the cause of a child that ended before stays', () => {
    const foreign = new AbortController()
    const ctx = background.withSignal(foreign.signal)
    const child = ctx.withCancel()
    child.cancel('child')
    foreign.abort('foreign')
    expect([child.cause, ctx.cause]).toEqual(['child', 'foreign'])
  })

  it('a child that ends leaves the foreign one alone', () => {
    const foreign = new AbortController()
    const ctx = background.withSignal(foreign.signal)
    ctx.withCancel().cancel('child')
    expect([ctx.err, foreign.signal.aborted]).toEqual([undefined, false])
    ctx.cancel('ours')
    expect(foreign.signal.aborted).toBe(false)
  })

  it('a listener of the foreign one may cancel the child first', () => {
    const foreign = new AbortController()
    const children: CancelContext[] = []
    foreign.signal.addEventListener('abort', () => children[0]?.cancel('within'))
    const ctx = background.withSignal(foreign.signal)
    children.push(ctx.withCancel())
    foreign.abort('foreign')
    expect([children[0]?.cause, ctx.cause]).toEqual(['within', 'foreign'])
  })
})

it('TestCustomContextGoroutines', () => {
  const foreign = new AbortController()
  const watchers = (): number => getEventListeners(foreign.signal, 'abort').length
  const own = background.withCancel()
  const children = [own.withCancel(), own.withValue(createKey('k'), 1).withTimeout(hour)]
  for (const ctx of children) ctx.afterFunc(() => {})
  expect(watchers()).toBe(0)
  const first = own.withSignal(foreign.signal)
  first.withCancel().afterFunc(() => {})
  first.withTimeout(hour).afterFunc(() => {})
  expect(watchers()).toBe(1)
  const second = own.withSignal(foreign.signal)
  expect(watchers()).toBe(2)
  second.cancel()
  expect(watchers()).toBe(1)
  own.cancel()
  expect(watchers()).toBe(0)
})

it('TestAfterFuncCalledAfterCancel', async () => {
  const ctx = background.withCancel()
  const fn = vi.fn<(err: unknown) => void>()
  const stop = ctx.afterFunc(fn)
  await tick()
  expect(fn).not.toHaveBeenCalled()
  ctx.cancel()
  await tick()
  expect(fn.mock.calls).toEqual([[ctx.err]])
  ctx.cancel()
  await tick()
  expect([fn.mock.calls.length, stop()]).toEqual([1, false])
})

it('TestAfterFuncCalledAfterTimeout', async () => {
  const ctx = background.withTimeout(10)
  const fn = vi.fn<(err: unknown) => void>()
  const stop = ctx.afterFunc(fn)
  time.advance(10)
  await tick()
  expect([fn.mock.calls.length, stop()]).toEqual([1, false])
})

it('TestAfterFuncCalledImmediately', async () => {
  const ctx = background.withCancel()
  ctx.cancel()
  const fn = vi.fn<(err: unknown) => void>()
  ctx.afterFunc(fn)
  await tick()
  expect(fn).toHaveBeenCalledTimes(1)
})

it('TestAfterFuncNotCalledAfterStop', async () => {
  const ctx = background.withCancel()
  const stop = ctx.afterFunc(() => expect.unreachable())
  expect([stop(), stop()]).toEqual([true, false])
  ctx.cancel()
  await tick()
  expect(stop()).toBe(false)
})

it('TestAfterFuncCalledAsynchronously', async () => {
  const ctx = background.withCancel()
  const log: string[] = []
  ctx.afterFunc(() => log.push('callback'))
  ctx.cancel()
  log.push('cancel returned')
  await tick()
  expect(log).toEqual(['cancel returned', 'callback'])
})

describe('a context of another copy of the package', () => {
  /** A context of another copy, and how many callbacks stand on it. */
  async function other(): Promise<{ ctx: CancelContext; standing: () => number }> {
    vi.resetModules()
    const copy = await import('./index.ts')
    const ctx = copy.background.withCancel()
    let standing = 0
    const { afterFunc } = ctx
    vi.spyOn(ctx, 'afterFunc').mockImplementation((fn) => {
      standing++
      const stop = afterFunc.call(ctx, (err) => {
        standing--
        fn(err)
      })
      return () => {
        const stopped = stop()
        if (stopped) standing--
        return stopped
      }
    })
    return { ctx, standing: () => standing }
  }

  it.each<[string, (ctx: Context) => Promise<unknown>]>([
    ['TestCustomContextAfterFuncCancel', (ctx) => race(ctx, new Promise(() => {}))],
    ['TestCustomContextAfterFuncTimeout', (ctx) => sleep(ctx, hour)],
    ['TestCustomContextAfterFuncAfterFunc', (ctx) => new Promise((_, reject) => void ctx.afterFunc(reject))],
  ])('%s', async (_name, wait) => {
    const { ctx, standing } = await other()
    const waiting = [wait(ctx), wait(ctx)].map((each) => each.catch((error: unknown) => error))
    expect(standing()).toBe(2)
    ctx.cancel()
    expect(await Promise.all(waiting)).toEqual([ctx.err, ctx.err])
    expect(standing()).toBe(0)
  })

  it('TestCustomContextAfterFuncUnregisterCancel', async () => {
    const { ctx, standing } = await other()
    let answer: (value: string) => void = () => {}
    const waiting = race(ctx, new Promise<string>((resolve) => (answer = resolve)))
    expect(standing()).toBe(1)
    answer('answer')
    expect([await waiting, standing()]).toEqual(['answer', 0])
  })

  it('TestCustomContextAfterFuncUnregisterTimeout', async () => {
    const { ctx, standing } = await other()
    const waiting = sleep(ctx, 50)
    expect(standing()).toBe(1)
    time.advance(50)
    await waiting
    expect(standing()).toBe(0)
  })

  it('TestCustomContextAfterFuncUnregisterAfterFunc', async () => {
    const { ctx, standing } = await other()
    const stop = ctx.afterFunc(() => {})
    expect(standing()).toBe(1)
    expect([stop(), standing()]).toEqual([true, 0])
  })
})
