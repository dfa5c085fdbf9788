import { execFile } from 'node:child_process'
import { EventEmitter, getEventListeners, on, once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createInterface } from 'node:readline/promises'
import { PassThrough, Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { scheduler, setImmediate, setInterval, setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { background, isCanceled, isDeadlineExceeded } from '../index.ts'
import type { ManualClock } from '../manual-clock.ts'
import { manualClock } from '../manual-clock.ts'
import { abortable } from './abortable.ts'

let time: ManualClock
let silent: Server
let url: string
beforeAll(async () => {
  silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
})
afterAll(() => silent.close())
beforeEach(() => {
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

/** Ever new bytes, and never an end. */
const endless = (): Readable =>
  Readable.from(
    (async function* () {
      for (;;) {
        await setImmediate()
        yield 'x'
      }
    })(),
  )

const drained = (): PassThrough => new PassThrough().resume()

/** Everything of Node that takes a signal, waiting for what does not come. */
const waiting: readonly (readonly [name: string, start: (signal: AbortSignal) => PromiseLike<unknown>])[] = [
  ['fetch', (signal) => fetch(url, { signal })],
  ['timers/promises setTimeout', (signal) => setTimeout(100_000, undefined, { signal })],
  [
    'timers/promises setInterval',
    async (signal) => {
      for await (const _ of setInterval(100_000, undefined, { signal })) expect.unreachable()
    },
  ],
  ['scheduler.wait', (signal) => scheduler.wait(100_000, { signal })],
  ['events.once', (signal) => once(new EventEmitter(), 'never', { signal })],
  [
    'events.on',
    async (signal) => {
      for await (const _ of on(new EventEmitter(), 'never', { signal })) expect.unreachable()
    },
  ],
  ['pipeline', (signal) => pipeline(endless(), drained(), { signal })],
  ['finished', (signal) => finished(new PassThrough(), { signal })],
  ['Readable.toArray', (signal) => endless().toArray({ signal })],
  [
    'execFile',
    (signal) => promisify(execFile)(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { signal }),
  ],
  [
    'http.request',
    (signal) => new Promise((resolve, reject) => get(url, { signal }, resolve).on('error', reject)),
  ],
  [
    'readline',
    (signal) => {
      const lines = createInterface({ input: new PassThrough() })
      return lines.question('?', { signal }).finally(() => lines.close())
    },
  ],
]

describe.each(waiting)('%s', (_name, start) => {
  it('ends with the deadline of a context whose signal it was given, and says so [I32]', async () => {
    const ctx = background.withTimeout(50)
    const failed = Promise.resolve(start(ctx.signal)).catch((error: unknown) => error)
    time.advance(50)
    const error = await failed
    expect([isDeadlineExceeded(error), isCanceled(error)]).toEqual([true, false])
  })

  it('under abortable rejects with the error of the context itself, and leaves nothing on it', async () => {
    const ctx = background.withTimeout(50)
    const { signal } = ctx
    const failed = abortable(ctx, start).catch((error: unknown) => error)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    time.advance(50)
    expect(await failed).toBe(ctx.err)
    expect(time.pendingTimers).toBe(0)

    const other = background.withCancel()
    const canceled = abortable(other, start).catch((error: unknown) => error)
    other.cancel(new Error('enough'))
    expect(await canceled).toBe(other.err)
  })
})

describe('abortable', () => {
  it('gives a result that was in time, and a failure that is not of the context, as they are', async () => {
    const ctx = background.withCancel()
    expect(await abortable(ctx, () => 'now')).toBe('now')
    expect(await abortable(ctx, (signal) => setTimeout(1, 'later', { signal }))).toBe('later')
    const fault = new Error('fault')
    await expect(abortable(ctx, () => Promise.reject(fault))).rejects.toBe(fault)
    await expect(
      abortable(ctx, () => {
        throw fault
      }),
    ).rejects.toBe(fault)
    const late = abortable(ctx, async () => {
      ctx.cancel()
      throw fault
    })
    await expect(late).rejects.toBe(fault)
  })

  it('aborts its signal when the call is over: what the call left behind is to stop', async () => {
    const ctx = background.withCancel()
    let kept: AbortSignal | undefined
    await abortable(ctx, (signal) => (kept = signal))
    expect([kept?.aborted, ctx.err]).toEqual([true, undefined])
  })

  it('does not call on a context that has ended', async () => {
    const ctx = background.withTimeout(0)
    await expect(abortable(ctx, () => expect.unreachable())).rejects.toBe(ctx.err)
  })

  it('survives errors that nobody can look into', async () => {
    const ctx = background.withCancel()
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
      },
    )
    const failed = abortable(ctx, async () => {
      ctx.cancel()
      throw hostile
    })
    await expect(failed.catch((error: unknown) => error === hostile)).resolves.toBe(true)
  })

  it('rejects what is no context and no function', async () => {
    await expect(abortable(null as never, () => {})).rejects.toMatchObject({ code: 'KIT_INVALID_CONTEXT' })
    await expect(abortable(background, 5 as never)).rejects.toMatchObject({ code: 'KIT_INVALID_CALLBACK' })
  })

  it('reads a file that is there', async () => {
    const text = await abortable(background, (signal) =>
      readFile(new URL(import.meta.url), { signal, encoding: 'utf8' }),
    )
    expect(text).toContain('reads a file that is there')
  })
})
