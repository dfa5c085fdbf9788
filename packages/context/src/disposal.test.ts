import { afterEach, expect, it } from 'vitest'
import type { Context } from './index.ts'
import { background, isCanceled } from './index.ts'

/* `using` stands here as source: the compiler lowers it where Node has none of its own. */

const log: string[] = []
afterEach(() => void log.splice(0))

/** Notes when a context was disposed of, by the signal, which aborts before the disposal returns. */
function noted<C extends Context>(name: string, ctx: C): C {
  ctx.signal.addEventListener('abort', () => log.push(name))
  return ctx
}

it('using cancels at the end of the block, the last one first, also after a throw [I42]', () => {
  const block = (): void => {
    using outer = noted('outer', background.withCancel())
    using inner = noted('inner', outer.withTimeout(60_000))
    using other = noted('other', background.withSignal(new AbortController().signal))
    log.push(String([inner.err, other.err, outer.err].every((err) => err === undefined)))
    throw new Error('out')
  }
  expect(block).toThrow('out')
  expect(log).toEqual(['true', 'other', 'inner', 'outer'])
})

it('disposal of what has ended does nothing, and an undefined one is skipped [I42]', () => {
  const ctx = background.withTimeout(0, 'slow')
  {
    using again = ctx
    using none = undefined as typeof ctx | undefined
    log.push(String(none === undefined && again.cause === 'slow'))
  }
  expect([ctx.cause, isCanceled(ctx.err), log]).toEqual(['slow', false, ['true']])
})

it.skipIf(typeof DisposableStack === 'undefined')(
  'a DisposableStack takes contexts (Node 24 and later) [I42]',
  () => {
    const outside = (() => {
      using stack = new DisposableStack()
      stack.use(noted('first', background.withCancel()))
      stack.use(noted('second', background.withTimeout(60_000)))
      return stack.move()
    })()
    expect(log).toEqual([])
    outside.dispose()
    expect(log).toEqual(['second', 'first'])
  },
)

it('a group is disposed of asynchronously, within the order [I42]', async () => {
  const { group } = await import('./index.ts')
  const block = async (): Promise<void> => {
    using outer = noted('outer', background.withCancel())
    await using work = group(outer)
    work.go(async (ctx) => {
      await new Promise<void>((resolve) => void ctx.afterFunc(() => resolve()))
      log.push(`work ended, ${outer.err === undefined ? 'outer alive' : 'outer dead'}`)
    })
    log.push('block')
  }
  await block()
  expect(log).toEqual(['block', 'work ended, outer alive', 'outer'])
})
