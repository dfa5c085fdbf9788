import { expect, it } from 'vitest'
import { leaks } from './leaks.ts'
import type { OrderList } from './orders/service.ts'
import { ann, believed, bob } from './probes.ts'

const own = believed(ann)
const list: OrderList = {
  customer: 'ann',
  title: 'Orders',
  orders: [],
  seen: { ctx: own, called: own, awaited: own, timer: own, 'bound listener': own, 'plain listener': own },
}

it('finds none where every place saw its own request', () => {
  expect(leaks(list, ann)).toEqual([])
})

it('does not count the plain listener, which sees whoever emits', () => {
  expect(leaks({ ...list, seen: { ...list.seen, 'plain listener': believed(bob) } }, ann)).toEqual([])
})

it.each(['ctx', 'called', 'awaited', 'timer', 'bound listener'] as const)('counts %s', (place) => {
  const seen = { ...list.seen, [place]: { ...own, requestId: bob.requestId } }
  expect(leaks({ ...list, seen }, ann)).toEqual([`ann-1, ${place}: requestId was bob-1 instead of ann-1`])
})

it('counts the orders of another', () => {
  expect(leaks({ ...list, customer: 'bob' }, ann)).toEqual(['ann got the orders of bob'])
})
