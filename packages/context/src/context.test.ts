import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CancelContext, Context } from './index.ts'
import {
  background,
  CanceledError,
  ContextError,
  createKey,
  isCanceled,
  isDeadlineExceeded,
  todo,
} from './index.ts'
import type { ManualClock } from './testing.ts'
import { manualClock } from './testing.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock(1000)
})
afterEach(() => {
  time[Symbol.dispose]()
})

/** Lets microtasks run: the callbacks of a cancellation come in the first. */
const tick = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

const hour = 3_600_000

describe('roots', () => {
  it.each([
    ['background', background],
    ['todo', todo],
  ])('%s never ends', async (name, ctx) => {
    expect(ctx.err).toBeUndefined()
    expect(ctx.cause).toBeUndefined()
    expect(ctx.deadline).toBeUndefined()
    expect(ctx.remaining).toBe(Infinity)
    expect(ctx.signal).toBe(ctx.signal)
    expect(ctx.signal.aborted).toBe(false)
    expect(String(ctx)).toBe(name)
    const stop = ctx.afterFunc(() => expect.unreachable())
    await tick()
    expect([stop(), stop()]).toEqual([true, false])
  })

  it('cannot be cancelled, and neither can a context that only adds a value or sheds its parent', () => {
    const parent = background.withCancel()
    for (const ctx of [background, todo, parent.withValue(createKey('k'), 1), parent.withoutCancel()]) {
      const cancel = (): void => (ctx as CancelContext).cancel()
      expect(cancel).toThrow(expect.objectContaining({ code: 'KIT_NOT_CANCELABLE' }))
    }
    expect(parent.err).toBeUndefined()
  })
})

describe('values', () => {
  it('never collide, whatever the names [I1]', () => {
    const a = createKey<string>('user')
    const b = createKey<string>('user')
    const ctx = background.withValue(a, 'a')
    expect([ctx.value(a), ctx.value(b)]).toEqual(['a', undefined])
  })

  it('fall back to the default of the key [I2]', () => {
    expect(background.value(createKey('n', 7))).toBe(7)
    expect(background.value(createKey('n'))).toBeUndefined()
  })

  it('nearest wins, undefined and null shadow, the parent is unaffected [I3 I4]', () => {
    const key = createKey<string | null>('k')
    const a = background.withValue(key, 'a')
    const b = a.withCancel().withValue(key, 'b').withTimeout(hour)
    expect([a.value(key), b.value(key)]).toEqual(['a', 'b'])
    expect(b.withValue(key, null).value(key)).toBeNull()
    expect(b.withValue(key, undefined).value(key)).toBeUndefined()
    expect(b.value(key)).toBe('b')
  })

  it('are found in a tree 100,000 deep, and so is the ending [I5]', async () => {
    const key = createKey('k', 0)
    const other = createKey('other', 0)
    const top = background.withCancel()
    let ctx: Context = top.withValue(key, 1)
    for (let i = 0; i < 50_000; i++) ctx = ctx.withCancel().withValue(other, i)
    expect(ctx.value(key)).toBe(1)
    expect(String(ctx).length).toBeGreaterThan(1e6)
    let called = 0
    ctx.afterFunc(() => called++)
    top.cancel()
    expect(isCanceled(ctx.err)).toBe(true)
    await tick()
    expect(called).toBe(1)
  })

  it.each([null, undefined, 'name', 1, {}, Symbol('k')])('reject %s as a key', (key) => {
    const invalid = expect.objectContaining({ code: 'KIT_INVALID_KEY' })
    expect(() => background.withValue(key as never, 1)).toThrow(invalid)
    expect(() => background.value(key as never)).toThrow(invalid)
  })

  it.each(['', null, undefined, 1])('reject %s as the name of a key', (name) => {
    expect(() => createKey(name as string)).toThrow(expect.objectContaining({ code: 'KIT_INVALID_KEY' }))
  })

  it('do not come out by accident', () => {
    const ctx = background.withValue(createKey('password'), 'hunter2').withCancel()
    expect(JSON.stringify({ ctx })).toBe('{"ctx":{}}')
    expect(inspect(ctx)).toBe('background.withValue(password).withCancel')
    expect(Object.keys(ctx)).toEqual([])
  })
})

describe('toString', () => {
  it('gives the derivation', () => {
    const ctx = background
      .withCancel()
      .withValue(createKey('user'), 'secret')
      .withTimeout(500)
      .withDeadline(1200)
      .withSignal(new AbortController().signal)
      .withoutCancel()
    expect(String(ctx)).toBe(
      'background.withCancel.withValue(user).withTimeout(500ms).withDeadline(in 200ms).withSignal.withoutCancel',
    )
    expect(String(background.withTimeout(Infinity))).toBe('background.withTimeout(Infinityms)')
  })
})

it('a timeout of -Infinity is over, and not late', () => {
  expect(background.withTimeout(-Infinity).err?.message).toBe(
    'context deadline exceeded: withTimeout(-Infinityms)',
  )
})

describe('cancel', () => {
  it('ends the context and everything derived from it before it returns [I6]', () => {
    const ctx = background.withCancel()
    const child = ctx.withValue(createKey('k'), 1)
    const grandchild = child.withCancel()
    const observed = grandchild.withTimeout(hour)
    observed.afterFunc(() => {})
    expect([ctx.err, child.err, grandchild.err, observed.err]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    ctx.cancel()
    const { err } = ctx
    expect(err).toBeInstanceOf(CanceledError)
    expect([child.err, grandchild.err, observed.err]).toEqual([err, err, err])
    expect(observed.err).toBe(err)
    expect(ctx.cause).toBe(err)
    expect(() => child.throwIfDone()).toThrow(err)
  })

  it('is idempotent, and the first cause wins [I8 I9]', () => {
    const ctx = background.withCancel()
    ctx.cancel('first')
    const { err } = ctx
    ctx.cancel('second')
    expect([ctx.cause, ctx.err]).toEqual(['first', err])
    expect(ctx.err).toBe(err)
    expect(err?.message).toBe('context canceled: first')
    expect(err?.cause).toBe('first')
  })

  it('shows its cause to all descendants, but not to parents and siblings [I7 I10]', () => {
    const parent = background.withCancel()
    const child = parent.withCancel()
    const sibling = parent.withCancel()
    const below = child.withTimeout(hour).withCancel()
    const reason = new Error('gone')
    child.cancel(reason)
    expect(below.cause).toBe(reason)
    expect([parent.err, sibling.err, parent.cause]).toEqual([undefined, undefined, undefined])
  })

  it('of a parent leaves the cause of a child that ended before', () => {
    const parent = background.withCancel()
    const child = parent.withCancel()
    child.cancel('child')
    parent.cancel('parent')
    expect([child.cause, parent.cause]).toEqual(['child', 'parent'])
  })

  it('comes too late for a child of a cancelled parent, observed or not', () => {
    for (const watch of [true, false]) {
      const parent = background.withCancel()
      const child = parent.withCancel()
      if (watch) child.afterFunc(() => {})
      parent.cancel('parent')
      child.cancel('child')
      expect(child.cause).toBe('parent')
    }
  })

  it('makes what is derived later dead from the start, with the same error [I11]', () => {
    const parent = background.withTimeout(10)
    time.advance(10)
    const children = [
      parent.withCancel(),
      parent.withTimeout(hour, 'late'),
      parent.withTimeout(-hour, 'early'),
      parent.withDeadline(0, 'past'),
      parent.withSignal(AbortSignal.abort('signal')),
      parent.withValue(createKey('k'), 1),
    ]
    for (const child of children) {
      expect(child.err).toBe(parent.err)
      expect(child.cause).toBe(parent.err)
      expect(child.signal.aborted).toBe(true)
    }
    expect(isDeadlineExceeded(parent.err)).toBe(true)
  })

  it('works through a tree in any order', () => {
    const nodes: CancelContext[] = [background.withCancel()]
    for (let i = 1; i < 121; i++) {
      const node = (nodes[Math.floor((i - 1) / 4)] as Context).withCancel()
      if (i % 3 === 0) node.afterFunc(() => {})
      nodes.push(node)
    }
    for (let i = 0; i < nodes.length; i++) {
      const [node = background.withCancel()] = nodes.slice((i * 67) % nodes.length)
      node.cancel(i)
      expect(node.err).toBeDefined()
    }
    expect(nodes.every((node) => node.err !== undefined)).toBe(true)
  })

  it('is what disposal does', () => {
    const ctx = background.withTimeout(hour)
    ctx.signal.addEventListener('abort', () => {})
    ctx[Symbol.dispose]()
    expect(isCanceled(ctx.err)).toBe(true)
    expect(time.pendingTimers).toBe(0)
  })

  it('never throws, whatever the cause', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const throwing = {
      get message() {
        throw new Error('no')
      },
    }
    const causes = [proxy, throwing, Object.create(null), Symbol('s'), 1n, () => {}, null, 'x'.repeat(1e6)]
    for (const cause of causes) {
      const ctx = background.withCancel()
      ctx.signal.addEventListener('abort', () => {})
      expect(() => ctx.cancel(cause)).not.toThrow()
      expect(isCanceled(ctx.err)).toBe(true)
      expect(ctx.cause).toBe(cause ?? ctx.err)
      expect(ctx.err?.message.length).toBeLessThan(300)
    }
  })
})

describe('afterFunc', () => {
  it('runs once, after cancel returned, with the error', async () => {
    const ctx = background.withCancel()
    const calls: unknown[] = []
    const stop = ctx.afterFunc((err) => calls.push(err))
    ctx.cancel()
    expect(calls).toEqual([])
    await tick()
    expect(calls).toEqual([ctx.err])
    ctx.cancel()
    await tick()
    expect(calls.length).toBe(1)
    expect(stop()).toBe(false)
  })

  it('runs at the deadline', async () => {
    const ctx = background.withTimeout(50)
    const calls: unknown[] = []
    ctx.afterFunc((err) => calls.push(err))
    time.advance(49)
    await tick()
    expect(calls).toEqual([])
    time.advance(1)
    await tick()
    expect(calls).toEqual([ctx.err])
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
  })

  it('runs on a context that has ended, but not at once', async () => {
    const ctx = background.withCancel()
    ctx.cancel()
    let called = 0
    ctx.afterFunc(() => called++)
    const stop = ctx.afterFunc(() => called++)
    expect(called).toBe(0)
    expect(stop()).toBe(true)
    await tick()
    expect(called).toBe(1)
    expect(stop()).toBe(false)
  })

  it('does not run after stop, which is true exactly when it prevented the run [I16]', async () => {
    const ctx = background.withCancel()
    const early = ctx.afterFunc(() => expect.unreachable())
    expect([early(), early()]).toEqual([true, false])
    const between = ctx.afterFunc(() => expect.unreachable())
    ctx.cancel()
    expect(between()).toBe(true)
    await tick()
    expect(between()).toBe(false)
  })

  it('runs in the order of registration, after the whole subtree was marked and the signals aborted [I12 I13]', async () => {
    const ctx = background.withCancel()
    const child = ctx.withCancel()
    const log: string[] = []
    const note = (what: string) => () => log.push(`${what} ${child.err === undefined ? 'live' : 'ended'}`)
    child.afterFunc(note('child'))
    ctx.afterFunc(note('first'))
    ctx.signal.addEventListener('abort', note('signal'))
    const stop = ctx.afterFunc(note('stopped'))
    ctx.afterFunc(note('last'))
    stop()
    ctx.cancel()
    await tick()
    expect(log).toEqual(['signal ended', 'first ended', 'last ended', 'child ended'])
  })

  it('may cancel, derive and register inside a callback [I15]', async () => {
    const parent = background.withCancel()
    const child = parent.withCancel()
    const log: unknown[] = []
    child.afterFunc(() => log.push('child'))
    parent.afterFunc(() => {
      child.cancel('again')
      parent.cancel('again')
      log.push(parent.withCancel().err === parent.err)
      parent.afterFunc(() => log.push('nested'))
    })
    parent.cancel()
    await tick()
    expect(log).toEqual([true, 'child', 'nested'])
    expect(child.cause).toBe(parent.err)
  })

  it('may cancel another context that has callbacks', async () => {
    const a = background.withCancel()
    const b = background.withCancel()
    a.afterFunc(() => b.cancel('from a'))
    b.afterFunc(() => a.cancel('from b'))
    a.cancel('start')
    await tick()
    expect([a.cause, b.cause]).toEqual(['start', 'from a'])
  })

  it('reports a callback that throws as uncaught, and runs the others [I14]', async () => {
    const uncaught: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const ctx = background.withCancel()
      const log: string[] = []
      const fault = new Error('fault')
      ctx.afterFunc(() => log.push('before'))
      ctx.afterFunc(() => {
        throw fault
      })
      ctx.afterFunc(() => log.push('after'))
      ctx.withCancel().afterFunc(() => log.push('child'))
      ctx.cancel()
      await new Promise((resolve) => setImmediate(resolve))
      expect(log).toEqual(['before', 'after', 'child'])
      expect(uncaught).toEqual([fault])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    }
  })

  it('needs a function', () => {
    const call = (): unknown => background.withCancel().afterFunc('x' as never)
    expect(call).toThrow(expect.objectContaining({ code: 'KIT_INVALID_CALLBACK' }))
  })
})

describe('deadline', () => {
  it('is absolute, and counts down', () => {
    const ctx = background.withTimeout(500)
    expect([ctx.deadline, ctx.remaining]).toEqual([1500, 500])
    time.advance(200)
    expect([ctx.deadline, ctx.remaining]).toEqual([1500, 300])
    time.advance(400)
    expect([ctx.deadline, ctx.remaining]).toEqual([1500, 0])
  })

  it('is never extended by a child, and an earlier one of the parent discards the cause [I21]', () => {
    const parent = background.withTimeout(100, 'parent')
    const child = parent.withTimeout(200, 'child')
    const tighter = parent.withTimeout(50, 'tighter')
    const same = parent.withTimeout(100, 'same')
    expect([child.deadline, tighter.deadline, same.deadline]).toEqual([1100, 1050, 1100])
    time.advance(50)
    expect([parent.cause, child.cause, tighter.cause, same.cause]).toEqual([
      undefined,
      undefined,
      'tighter',
      undefined,
    ])
    time.advance(50)
    expect([child.cause, tighter.cause, same.cause]).toEqual(['parent', 'tighter', 'parent'])
    expect(child.err).toBe(parent.err)
  })

  it('is seen by err at expiry before any timer could fire, and then the callbacks follow [I22]', async () => {
    const ctx = background.withTimeout(100)
    let called = 0
    ctx.afterFunc(() => called++)
    // Time passes without the event loop: the timer is due and has not fired.
    const late = { ...time, now: () => 1130, wallTime: () => 0, setTimer: time.setTimer.bind(time) }
    const restore = install(late)
    try {
      expect(isDeadlineExceeded(ctx.err)).toBe(true)
      expect(ctx.err?.message).toBe('context deadline exceeded: withTimeout(100ms), noticed 30ms late')
      expect(ctx.signal.aborted).toBe(true)
      await tick()
      expect(called).toBe(1)
      expect(time.pendingTimers).toBe(0)
    } finally {
      restore()
    }
  })

  it.each([0, -1, -Infinity])('of %s ms is dead from the start [I24]', (ms) => {
    const ctx = background.withTimeout(ms, 'slow')
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
    expect(ctx.cause).toBe('slow')
    expect(ctx.remaining).toBe(0)
    ctx.cancel()
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
    expect(time.pendingTimers).toBe(0)
  })

  it.each([2 ** 31, 2 ** 33, Number.MAX_SAFE_INTEGER])('of %s ms works [I24]', async (ms) => {
    const ctx = background.withTimeout(ms)
    let called = 0
    ctx.afterFunc(() => called++)
    time.advance(ms - 1)
    await tick()
    expect([ctx.err, called]).toEqual([undefined, 0])
    time.advance(1)
    await tick()
    expect(called).toBe(1)
  })

  it('of Infinity is none, and inherits [I24]', () => {
    expect(background.withTimeout(Infinity).deadline).toBeUndefined()
    expect(background.withDeadline(Infinity).remaining).toBe(Infinity)
    expect(background.withTimeout(5).withTimeout(Infinity).deadline).toBe(1005)
  })

  it.each([Number.NaN, '5', null, undefined, {}, Symbol('5')])('rejects %s', (value) => {
    const timeout = (): unknown => background.withTimeout(value as never)
    const deadline = (): unknown => background.withDeadline(value as never)
    expect(timeout).toThrow(expect.objectContaining({ code: 'KIT_INVALID_TIMEOUT' }))
    expect(deadline).toThrow(expect.objectContaining({ code: 'KIT_INVALID_DEADLINE' }))
    expect(deadline).toThrow(ContextError)
    expect(() => background.withDeadline(new Date(Number.NaN))).toThrow(ContextError)
  })

  it('given as a Date is fixed when it is set: a jump of the wall clock changes nothing [I23]', () => {
    const ctx = background.withDeadline(new Date(time.wallTime() + 500))
    expect(ctx.deadline).toBe(1500)
    time.setWallTime(time.wallTime() + 10 * hour)
    expect([ctx.err, ctx.remaining]).toEqual([undefined, 500])
    time.advance(500)
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
    expect(isDeadlineExceeded(background.withDeadline(new Date(0)).err)).toBe(true)
    expect(background.withDeadline(1700).deadline).toBe(1700)
  })

  it('sets a timer only when observed, only on the owner, and only one [I26 I27]', () => {
    const parent = background.withTimeout(100)
    const child = parent.withCancel().withTimeout(hour)
    expect(time.pendingTimers).toBe(0)
    const stops = [child.afterFunc(() => {}), child.afterFunc(() => {}), parent.afterFunc(() => {})]
    expect(time.pendingTimers).toBe(1)
    for (const stop of stops) stop()
    expect(time.pendingTimers).toBe(0)
    void child.signal
    expect(time.pendingTimers).toBe(1)
    child.cancel()
    expect(time.pendingTimers).toBe(0)
    void parent.signal
    parent.cancel()
    expect(time.pendingTimers).toBe(0)
  })

  it('does not turn into a cancellation because somebody cancels after it, or the reverse', () => {
    for (const watch of [(ctx: Context) => ctx.afterFunc(() => {}), (ctx: Context) => ctx.withTimeout(5)]) {
      const passed = background.withTimeout(10)
      const inTime = background.withTimeout(10)
      watch(passed)
      watch(inTime)
      inTime.cancel('in time')
      time.advance(20)
      passed.cancel('late')
      expect(isDeadlineExceeded(passed.err)).toBe(true)
      expect(inTime.cause).toBe('in time')
    }
  })

  it('that nobody watched or noticed is not looked for by cancel, which reads no clock then', () => {
    let readings = 0
    const restore = install({
      now: () => ++readings * 100,
      wallTime: () => 0,
      setTimer: time.setTimer.bind(time),
    })
    const unnoticed = background.withTimeout(10)
    const noticed = background.withTimeout(10)
    void noticed.err
    const before = readings
    unnoticed.cancel('over')
    noticed.cancel('over')
    expect(readings).toBe(before)
    expect([unnoticed.cause, isCanceled(unnoticed.err)]).toEqual(['over', true])
    expect(isDeadlineExceeded(noticed.err)).toBe(true)
    restore()
  })

  it('that passed before the parent was cancelled is what ended the child, though nobody looked', () => {
    const parent = background.withCancel()
    const child = parent.withTimeout(10, 'slow')
    const below = child.withCancel()
    const sibling = parent.withTimeout(1000, 'never')
    time.advance(20)
    parent.cancel('stop')
    time.advance(5000)
    expect([below.cause, child.cause, sibling.cause]).toEqual(['slow', 'slow', 'stop'])
    expect(below.err).toBe(child.err)
  })
})

describe('withoutCancel', () => {
  it('keeps values, and nothing of the ending', async () => {
    const key = createKey<number>('k')
    const parent = background.withValue(key, 1).withTimeout(10)
    const free = parent.withoutCancel()
    free.afterFunc(() => expect.unreachable())
    expect(free.signal).not.toBe(parent.signal)
    time.advance(20)
    await tick()
    expect(isDeadlineExceeded(parent.err)).toBe(true)
    expect([free.value(key), free.err, free.cause, free.deadline, free.remaining]).toEqual([
      1,
      undefined,
      undefined,
      undefined,
      Infinity,
    ])
    expect(free.signal.aborted).toBe(false)
    expect(parent.withoutCancel().withTimeout(5).err).toBeUndefined()
  })
})

describe('signal', () => {
  it('is one and the same, shared by contexts that differ only in values [I29]', () => {
    const ctx = background.withTimeout(10)
    const { signal } = ctx
    expect(ctx.signal).toBe(signal)
    expect(ctx.withValue(createKey('k'), 1).signal).toBe(signal)
    expect(ctx.withCancel().signal).not.toBe(signal)
    expect(signal).toBeInstanceOf(AbortSignal)
  })

  it('aborts once with err as reason, all of the subtree before cancel returns [I30]', async () => {
    const ctx = background.withCancel()
    const { signal } = ctx
    const below = ctx.withTimeout(1000).signal
    let aborted = 0
    signal.addEventListener('abort', () => aborted++)
    ctx.cancel('why')
    expect([aborted, signal.aborted, below.aborted]).toEqual([1, true, true])
    expect(below.reason).toBe(ctx.err)
    await tick()
    expect(aborted).toBe(1)
    expect(signal.reason).toBe(ctx.err)
    expect(() => signal.throwIfAborted()).toThrow(ctx.err)
  })

  it('aborts when the timer of a deadline fires, but not within the reading of a property that finds it passed', async () => {
    const fired = background.withTimeout(10)
    const found = background.withTimeout(20)
    const signals = [fired.signal, found.signal]
    time.advance(10)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    const restore = install({
      ...time,
      now: () => 1020,
      wallTime: () => 0,
      setTimer: time.setTimer.bind(time),
    })
    try {
      expect(found.err).toBeDefined()
      expect(signals[1]?.aborted).toBe(false)
      await tick()
      expect(signals[1]?.aborted).toBe(true)
    } finally {
      restore()
    }
  })

  it('does not run a throwing listener into cancel, nor before the queue of callbacks', async () => {
    const ctx = background.withCancel()
    const log: string[] = []
    ctx.afterFunc(() => log.push('callback'))
    ctx.signal.addEventListener(
      'abort',
      () => void Promise.resolve().then(() => log.push('what the signal set off')),
    )
    ctx.cancel()
    await tick()
    expect(log).toEqual(['callback', 'what the signal set off'])
  })

  it('read on an ended context is aborted, though the callbacks are still to come', () => {
    const read = background.withCancel()
    const { signal } = read
    const unread = background.withCancel()
    read.cancel()
    unread.cancel()
    expect([read.signal.aborted, unread.signal.aborted]).toEqual([true, true])
    expect(read.signal).toBe(signal)
    expect(unread.signal.reason).toBe(unread.err)
  })

  it('aborts by an ancestor, and by its deadline', async () => {
    const parent = background.withTimeout(10)
    const { signal } = parent.withCancel().withValue(createKey('k'), 1).withCancel()
    time.advance(10)
    await tick()
    expect(signal.reason).toBe(parent.err)
  })
})

describe('withSignal', () => {
  it('ends with its ancestor though the signal fails to let go of its listener', () => {
    const signal: AbortSignal = Object.assign(new EventTarget(), {
      aborted: false,
      reason: undefined,
      onabort: null,
      throwIfAborted: () => {},
      removeEventListener: () => {
        throw new Error('not mine')
      },
    })
    const parent = background.withCancel()
    const [first, ctx, last] = [parent.withCancel(), parent.withSignal(signal), parent.withCancel()]
    const seen = [first, ctx, last].map((one) => one.signal)
    parent.cancel()
    expect(seen.map(({ aborted }) => aborted)).toEqual([true, true, true])
  })

  it('ends with the signal, keeps one listener until then, and takes the reason as cause [I31]', () => {
    const controller = new AbortController()
    const ctx = background.withSignal(controller.signal)
    const child = ctx.withCancel()
    expect(getEventListeners(controller.signal, 'abort').length).toBe(1)
    const reason = new Error('gone')
    controller.abort(reason)
    expect([ctx.cause, child.cause]).toEqual([reason, reason])
    expect(isCanceled(child.err)).toBe(true)
    expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
  })

  it('takes its listener off when the child or an ancestor ends [I31]', () => {
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    background.withSignal(signal).cancel()
    expect(listeners()).toBe(0)
    const parent = background.withTimeout(10)
    const child = parent.withCancel().withSignal(signal)
    expect(listeners()).toBe(1)
    time.advance(10)
    expect(listeners()).toBe(0)
    expect(child.err).toBe(parent.err)
    parent.withSignal(signal)
    expect(listeners()).toBe(0)
  })

  it('is dead from the start on an aborted signal', () => {
    const ctx = background.withSignal(AbortSignal.abort('why'))
    expect([ctx.cause, isCanceled(ctx.err)]).toEqual(['why', true])
  })

  it('is dead from the start with the very error that aborted the signal before', () => {
    const other = background.withCancel()
    other.cancel()
    const ctx = background.withSignal(other.signal)
    expect(ctx.err).toBe(other.err)
    expect(ctx.withCancel().err).toBe(other.err)
  })

  it('carries an ending of another context over as it is', () => {
    const far = background.withTimeout(10, 'slow')
    const near = background.withSignal(far.signal)
    time.advance(10)
    void far.signal
    expect(near.err).toBe(far.err)
    expect(near.cause).toBe('slow')
    const plain = background.withCancel()
    plain.cancel()
    const other = background.withSignal(plain.signal)
    expect([other.err, other.cause]).toEqual([plain.err, plain.err])
  })

  it('takes the timeout of the platform for a deadline', () => {
    const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
    const ctx = background.withSignal(AbortSignal.abort(reason))
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
    expect(ctx.cause).toBe(reason)
    const aborted = background.withSignal(AbortSignal.abort())
    expect(isCanceled(aborted.err)).toBe(true)
  })

  it.each([undefined, null, {}, new EventTarget()])('rejects %s', (value) => {
    expect(() => background.withSignal(value as never)).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_SIGNAL' }),
    )
  })
})

/** Installs a clock under the manual one and returns what puts it back. */
function install(clock: unknown): () => void {
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('@kit/context@1')] as { clock: unknown }
  const previous = shared.clock
  shared.clock = clock
  return () => {
    shared.clock = previous
  }
}

it('refuses by its code what throws when it is looked at', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const [code, derive] of [
    ['KIT_INVALID_DEADLINE', () => background.withDeadline(proxy as never)],
    ['KIT_INVALID_SIGNAL', () => background.withSignal(proxy as never)],
    ['KIT_INVALID_KEY', () => background.withValue(proxy as never, 1 as never)],
    ['KIT_INVALID_KEY', () => background.value(proxy as never)],
  ] as const) {
    expect(derive).toThrow(expect.objectContaining({ code }))
  }
})
