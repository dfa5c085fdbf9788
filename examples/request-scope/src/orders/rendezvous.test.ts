import { background } from '@kit/context'
import { expect, it } from 'vitest'
import { Rendezvous } from './rendezvous.ts'

it('calls all when the last one has come, and begins anew', () => {
  const rendezvous = new Rendezvous(2)
  const calls: string[] = []
  const join = (name: string): void => rendezvous.join(background, () => calls.push(name))
  join('a')
  expect(calls).toEqual([])
  join('b')
  expect(calls).toEqual(['a', 'b'])
  join('c')
  expect(calls).toEqual(['a', 'b'])
  join('d')
  expect(calls).toEqual(['a', 'b', 'c', 'd'])
})

it('does not count who has left', async () => {
  const rendezvous = new Rendezvous(2)
  const calls: string[] = []
  const ctx = background.withCancel()
  rendezvous.join(ctx, () => calls.push('left'))
  ctx.cancel()
  await Promise.resolve()
  rendezvous.join(background, () => calls.push('a'))
  expect(calls).toEqual([])
  rendezvous.join(background, () => calls.push('b'))
  expect(calls).toEqual(['a', 'b'])
})

it('has nothing to take back once all had met', async () => {
  const rendezvous = new Rendezvous(2)
  const calls: string[] = []
  const ctx = background.withCancel()
  rendezvous.join(ctx, () => calls.push('a'))
  rendezvous.join(ctx, () => calls.push('b'))
  ctx.cancel()
  await Promise.resolve()
  rendezvous.join(background, () => calls.push('c'))
  expect(calls).toEqual(['a', 'b'])
  rendezvous.join(background, () => calls.push('d'))
  expect(calls).toEqual(['a', 'b', 'c', 'd'])
})
