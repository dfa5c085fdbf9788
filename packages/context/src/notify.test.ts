import { expect, it } from 'vitest'
import { background, isCanceled, notify } from './index.ts'

const names = ['SIGUSR2', 'SIGHUP', 'SIGINT', 'SIGTERM'] as const
const counts = (): number[] => names.map((name) => process.listenerCount(name))
const before = counts()

it('ends on the signal, with its name as cause, and takes its listeners off', async () => {
  const ctx = notify(background, 'SIGUSR2', 'SIGHUP')
  expect(counts()).toEqual(before.map((count, i) => count + (i < 2 ? 1 : 0)))
  const ended = new Promise((resolve) => ctx.afterFunc(resolve))
  process.kill(process.pid, 'SIGUSR2')
  // Keeps the loop alive: neither a signal handler nor a context does.
  const alive = setInterval(() => {}, 1000)
  expect(await ended).toBe(ctx.err)
  clearInterval(alive)
  expect(isCanceled(ctx.err)).toBe(true)
  expect(ctx.cause).toBe('SIGUSR2')
  expect(counts()).toEqual(before)
})

it('takes its listeners off when it or its parent ends', async () => {
  const parent = background.withCancel()
  notify(parent, 'SIGUSR2', 'SIGUSR2').cancel()
  const child = notify(parent, 'SIGHUP')
  parent.cancel()
  notify(parent, 'SIGHUP')
  await Promise.resolve()
  await Promise.resolve()
  expect(child.err).toBe(parent.err)
  expect(counts()).toEqual(before)
})

it('listens for SIGINT and SIGTERM by default', async () => {
  const ctx = notify(background)
  expect(counts()).toEqual(before.map((count, i) => count + (i < 2 ? 0 : 1)))
  ctx.cancel()
  await Promise.resolve()
  await Promise.resolve()
  expect(counts()).toEqual(before)
})

it.each(['SIGKILL', 'SIGSTOP', 'SIGNOPE', 'toString', ''])('rejects %s', (name) => {
  expect(() => notify(background, 'SIGHUP', name as never)).toThrow(
    expect.objectContaining({ code: 'KIT_INVALID_SIGNAL' }),
  )
  expect(counts()).toEqual(before)
  expect(() => notify({} as never)).toThrow(expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }))
})
