import { on, once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { background, createKey, isCanceled, isDeadlineExceeded } from '../index.ts'
import type { Context } from '../index.ts'
import { manualClock } from '../manual-clock.ts'
import { pollers } from '../poll.ts'
import type { AnyKey } from './worker.ts'
import { receiveContext, shareContext, terminateOnDone } from './worker.ts'

// A worker is a plain Node, which runs what was built.
const built = (file: string): string => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href)

/** Starts a worker that has `ctx`, and runs the body of an async function with it. */
function start(ctx: Context, body: string, keys: readonly AnyKey[] = []): Worker {
  const { data, transfer } = shareContext(ctx, { keys })
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const say = (...words) => parentPort.postMessage(words)
    Promise.all([import(${built('index.js')}), import(${built('node.js')})]).then(async ([kit, node]) => {
      const receive = (options) => node.receiveContext(workerData, options)
      ${body}
    })`
  const worker = new Worker(code, { eval: true, workerData: data, transferList: transfer })
  exits.set(worker, new Promise((resolve) => worker.once('exit', (status) => resolve([status]))))
  messages.set(worker, on(worker, 'message'))
  return worker
}

/** Listened for from the start: the last message and 'exit' may come in one go. */
const exits = new WeakMap<Worker, Promise<unknown>>()
const exited = async (worker: Worker): Promise<unknown> => exits.get(worker) ?? once(worker, 'exit')

/** Kept from the start: a busy machine hands over two in one go, and whoever listens for one at a time misses the second. */
const messages = new WeakMap<Worker, AsyncIterator<unknown[][]>>()
const said = async (worker: Worker): Promise<unknown[]> => {
  const next = await messages.get(worker)?.next()
  return next?.value[0]
}

describe('a shared context', () => {
  it('has the deadline and the values that were listed', async () => {
    const user = createKey('user', 'nobody')
    const tenant = createKey('tenant', 'none')
    const time = manualClock()
    const ctx = background.withValue(user, 'ann').withValue(tenant, 'acme').withTimeout(60_000)
    const keys = [user, tenant]
    const worker = start(
      ctx,
      `const user = kit.createKey('user', 'nobody'), other = kit.createKey('other', 'default')
       const ctx = receive({ keys: [user, other] })
       say(ctx.value(user), ctx.value(other), ctx.remaining, String(ctx), ctx.err)
       ctx.cancel()`,
      keys,
    )
    const [name, other, remaining, text, err] = await said(worker)
    expect([name, other, err]).toEqual(['ann', 'default', undefined])
    expect(remaining).toBeGreaterThan(0)
    expect(remaining).toBeLessThanOrEqual(60_000)
    expect(text).toMatch(/^background\.receiveContext\([\d.]+ms\)$/)
    await exited(worker)
    time[Symbol.dispose]()
  })

  it('ends with the other one, with its message and cause', async () => {
    const ctx = background.withCancel()
    const worker = start(
      ctx,
      `const ctx = receive()
       ctx.withCancel().afterFunc((err) => say(err.name, err.code, err.message, err.cause, kit.isCanceled(err)))
       setInterval(() => {}, 1e6).unref()
       say('ready')
       await kit.sleep(ctx, Infinity).catch(() => {})`,
    )
    await said(worker)
    const exit = exited(worker)
    ctx.cancel({ reason: 'enough', list: [1] })
    expect(await said(worker)).toEqual([
      'AbortError',
      'KIT_CANCELED',
      'context canceled',
      { reason: 'enough', list: [1] },
      true,
    ])
    expect(await exit).toEqual([0])
  })

  it('ends while the worker computes without a break', async () => {
    const ctx = background.withCancel()
    const worker = start(
      ctx,
      `const ctx = receive(), child = ctx.withValue(kit.createKey('k'), 1).withCancel()
       let aborted = 0
       child.signal.addEventListener('abort', () => aborted++)
       say('computing')
       while (child.err === undefined);
       // Nothing of others runs within the reading of a property.
       say(child.cause, child.err === ctx.err, aborted)
       await new Promise(setImmediate)
       say(aborted)`,
    )
    expect(await said(worker)).toEqual(['computing'])
    ctx.cancel('stop')
    expect(await said(worker)).toEqual(['stop', true, 0])
    expect(await said(worker)).toEqual([1])
    await exited(worker)
  })

  it('reaches its deadline by itself, computing or not', async () => {
    const ctx = background.withTimeout(100, 'slow')
    const worker = start(
      ctx,
      `const ctx = receive()
       while (ctx.err === undefined);
       say(kit.isDeadlineExceeded(ctx.err), ctx.err.message)`,
    )
    const [isDeadline, message] = await said(worker)
    expect([isDeadline, isDeadlineExceeded(ctx.err) || ctx.remaining < 5]).toEqual([true, true])
    expect(message).toMatch(/^context deadline exceeded: /)
    await exited(worker)
  })

  it('is dead from the start when the other one is', async () => {
    const ends = await Promise.all(
      [background.withTimeout(0, 'slow'), cancelled('before')].map(async (ctx) => {
        const worker = start(ctx, `const ctx = receive(); say(ctx.err.code, ctx.cause, ctx.signal.aborted)`)
        const words = await said(worker)
        await exited(worker)
        return words
      }),
    )
    expect(ends).toEqual([
      ['KIT_DEADLINE_EXCEEDED', 'slow', true],
      ['KIT_CANCELED', 'before', true],
    ])
  })

  it('has the cause of the deadline, also where it passes before the other thread says so', async () => {
    const time = manualClock() // which never passes here
    const ctx = background.withTimeout(20, 'slow').withTimeout(60_000, 'slower')
    const worker = start(
      ctx,
      `const ctx = receive(); await kit.sleep(ctx, 60_000).catch(() => {}); say(ctx.cause, kit.isDeadlineExceeded(ctx.err))`,
    )
    expect(await said(worker)).toEqual(['slow', true])
    await exited(worker)
    time[Symbol.dispose]()
  })

  it('sends the text of a cause that cannot be cloned', async () => {
    for (const [cause, text] of [
      [() => 5, '() => 5'],
      [
        Object.assign(Object.create(null) as object, { f: () => {} }),
        'a cause that cannot be sent to another thread',
      ],
    ] as const) {
      const ctx = background.withCancel()
      const worker = start(
        ctx,
        `const ctx = receive(); say('ready'); await kit.sleep(ctx, 1e6).catch(() => {}); say(ctx.cause)`,
      )
      await said(worker)
      ctx.cancel(cause)
      expect(await said(worker)).toEqual([text])
      await exited(worker)
    }
  })

  it('is let go when the work in the worker is over, or the worker is gone', async () => {
    for (const end of ['ctx.cancel(); setInterval(() => {}, 1e6)', 'process.exit(0)', '']) {
      const time = manualClock()
      const ctx = background.withTimeout(60_000)
      const worker = start(ctx, `const ctx = receive(); say('ready'); ${end}`)
      expect(time.pendingTimers).toBe(1)
      while (time.pendingTimers > 0) await new Promise((resolve) => setImmediate(resolve))
      expect(ctx.err).toBeUndefined()
      await worker.terminate()
      time[Symbol.dispose]()
    }
  })

  it('never gains time on its way', () => {
    for (let i = 0; i < 1000; i++) {
      const ctx = background.withTimeout(1000)
      using received = receiveContext(shareContext(ctx).data)
      expect(received.deadline).toBeLessThanOrEqual(ctx.deadline ?? 0)
      ctx.cancel()
    }
  })

  it('can be received in the thread that shared it, and polls no longer than it lives', async () => {
    const ctx = background.withCancel()
    const received = receiveContext(shareContext(ctx).data)
    ctx.cancel('here')
    expect(received.err).toBeUndefined() // callbacks run in a microtask
    await Promise.resolve()
    expect([received.cause, isCanceled(received.err)]).toEqual(['here', true])
    const other = receiveContext(shareContext(background.withCancel()).data)
    other.cancel('mine')
    expect(other.cause).toBe('mine')
    await Promise.resolve()
    expect(pollers.size).toBe(0)
  })

  it('refuses what it cannot share or receive', () => {
    const [a, b] = [createKey('same'), createKey('same')]
    expect(() => shareContext(null as never)).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }),
    )
    expect(() => shareContext(background, { keys: [a, b] })).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_OPTION' }),
    )
    expect(() => shareContext(background, { keys: [{} as never] })).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_KEY' }),
    )
    for (const data of [null, undefined, {}, { port: 1 }]) {
      expect(() => receiveContext(data as never)).toThrow(
        expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }),
      )
    }
  })
})

describe('terminateOnDone', () => {
  it('terminates a worker that does not notice, after the grace and not before', async () => {
    const time = manualClock()
    const ctx = background.withTimeout(50)
    const worker = terminateOnDone(ctx, new Worker('for (;;);', { eval: true }), { graceMs: 20 })
    await once(worker, 'online')
    const exit = exited(worker)
    time.advance(50)
    await Promise.resolve()
    time.advance(19)
    expect(time.pendingTimers).toBe(1)
    time.advance(1)
    expect(await exit).toEqual([1])
    expect(time.pendingTimers).toBe(0)
    time[Symbol.dispose]()
  })

  it('leaves nothing on the context of a worker that ended', async () => {
    const time = manualClock()
    const worker = terminateOnDone(background.withTimeout(50), new Worker('', { eval: true }))
    expect(time.pendingTimers).toBe(1)
    await exited(worker)
    expect(time.pendingTimers).toBe(0)
    terminateOnDone(background.withTimeout(50), worker)
    expect(time.pendingTimers).toBe(0)
    time[Symbol.dispose]()
  })

  it('refuses what is no worker, and a grace that makes no sense', () => {
    expect(() => terminateOnDone(background, {} as never)).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_WORKER' }),
    )
    const worker = new Worker('', { eval: true })
    expect(() => terminateOnDone(background, worker, { graceMs: -1 })).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_OPTION' }),
    )
    expect(() => terminateOnDone(null as never, worker)).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }),
    )
  })
})

function cancelled(cause: unknown): Context {
  const ctx = background.withCancel()
  ctx.cancel(cause)
  return ctx
}
