import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { background, clock, isDeadlineExceeded } from './index.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('reads the clocks of the platform, also when they are faked', () => {
  vi.setSystemTime(1234)
  const start = clock.now()
  vi.advanceTimersByTime(50)
  expect([clock.now() - start, clock.wallTime()]).toEqual([50, 1284])
})

it.each([1, 1000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5])('runs a timer of %s ms on time', (ms) => {
  const fn = vi.fn<() => void>()
  clock.setTimer(ms, fn)
  vi.advanceTimersByTime(ms - 1)
  expect(fn).toHaveBeenCalledTimes(0)
  vi.advanceTimersByTime(1)
  expect(fn).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(2 ** 32)
  expect(fn).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})

it('counts NaN and negative as 0', () => {
  const fn = vi.fn<() => void>()
  clock.setTimer(Number.NaN, fn)
  clock.setTimer(-5, fn)
  vi.advanceTimersByTime(1)
  expect(fn).toHaveBeenCalledTimes(2)
})

it('never runs a timer of Infinity', () => {
  const fn = vi.fn<() => void>()
  const timer = clock.setTimer(Infinity, fn)
  vi.advanceTimersByTime(2 ** 34)
  expect([fn.mock.calls.length, vi.getTimerCount()]).toEqual([0, 1])
  timer.cancel()
  expect(vi.getTimerCount()).toBe(0)
})

it('does not run a cancelled timer, in whichever link of the chain', () => {
  const fn = vi.fn<() => void>()
  const timer = clock.setTimer(2 ** 32, fn)
  vi.advanceTimersByTime(2 ** 31 + 10)
  timer.cancel()
  timer.cancel()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(2 ** 33)
  expect(fn).toHaveBeenCalledTimes(0)
})

it('waits on when the platform fires early, and then fires once [I25]', async () => {
  const ctx = background.withTimeout(100)
  const fn = vi.fn<() => void>()
  ctx.afterFunc(fn)
  const now = vi.spyOn(performance, 'now').mockImplementation(() => early)
  const early = (ctx.deadline ?? 0) - 0.96
  vi.advanceTimersByTime(100)
  await Promise.resolve()
  expect([ctx.err, fn.mock.calls.length]).toEqual([undefined, 0])
  now.mockRestore()
  vi.advanceTimersByTime(1)
  await Promise.resolve()
  expect([isDeadlineExceeded(ctx.err), fn.mock.calls.length]).toEqual([true, 1])
})

it('keeps the process alive only when asked to', () => {
  vi.useRealTimers()
  const pending = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = pending()
  const idle = clock.setTimer(60_000, () => {})
  expect(pending()).toBe(before)
  const alive = clock.setTimer(60_000, () => {}, { ref: true })
  expect(pending()).toBe(before + 1)
  idle.cancel()
  alive.cancel()
  expect(pending()).toBe(before)
})
