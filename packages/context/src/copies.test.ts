import { expect, it, vi } from 'vitest'
import * as first from './index.ts'
import { manualClock } from './testing.ts'

/* Two copies of the package in one process, as duplicate installs and bundles bring them about. */

it('share the ambient context, the clock and the meaning of contexts and errors', async () => {
  vi.resetModules()
  const second = await import('./index.ts')
  expect(second.background).not.toBe(first.background)

  const key = first.createKey('k', 0)
  const ctx = first.background.withValue(key, 1).withTimeout(50)
  first.run(ctx, () => expect(second.current()).toBe(ctx))
  expect(second.run(ctx, () => first.current().value(key))).toBe(1)
  expect(second.bind(() => first.current(), ctx)()).toBe(ctx)

  const time = manualClock()
  expect(second.clock.now()).toBe(0)
  const child = second.background.withSignal(first.background.withTimeout(0, 'slow').signal)
  expect([first.isDeadlineExceeded(child.err), second.isDeadlineExceeded(child.err)]).toEqual([true, true])
  expect([child.cause, first.isCanceled(child.err)]).toEqual(['slow', false])

  const slept = second.sleep(first.background.withTimeout(10), 20)
  time.advance(10)
  await expect(slept).rejects.toSatisfy(second.isDeadlineExceeded)
  time[Symbol.dispose]()
})
