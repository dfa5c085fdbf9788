import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { leaks } from '../leaks.ts'
import type { Claims } from '../probes.ts'
import { ann, ask, believed, bob } from '../probes.ts'
import type { Place, Sightings } from './repository.ts'
import type { Server } from './server.ts'
import { behindTheEdge, open, serveOrders } from './server.ts'

let strangers: Server
let edge: Server
beforeEach(async () => {
  strangers = await serveOrders(open)
  edge = await serveOrders(behindTheEdge)
})
afterEach(async () => {
  await strangers[Symbol.asyncDispose]()
  await edge[Symbol.asyncDispose]()
})

const places: Place[] = ['ctx', 'called', 'awaited', 'timer', 'bound listener', 'plain listener']

/** In how many ways the places differ. */
function views(seen: Sightings): number {
  expect(Object.keys(seen)).toEqual(places)
  return new Set(places.map((place) => JSON.stringify(seen[place]))).size
}

describe('one request', () => {
  it('has a default for what nobody said, and an id and a trace all the same', async () => {
    const { customer, title, seen } = await ask(`${strangers.url}/orders`)
    expect({ customer, title }).toEqual({ customer: 'nobody', title: 'Orders' })
    expect(views(seen)).toBe(1)
    expect(seen.ctx).toEqual({
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
      address: '127.0.0.1',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      token: '-',
      locale: 'en',
    })
  })

  it('is not believed what it says of itself when it comes from a stranger', async () => {
    const { customer, seen } = await ask(`${strangers.url}/orders`, ann)
    expect(customer).toBe('ann') // a token proves itself
    expect(views(seen)).toBe(1)
    expect(seen.ctx).toMatchObject({ address: '127.0.0.1', token: '[redacted]', locale: 'de' })
    expect(seen.ctx.requestId).not.toBe(ann.requestId)
    expect(seen.ctx.traceId).not.toBe(ann.traceId)
  })

  it('is believed when it comes through the edge', async () => {
    const { customer, title, orders, seen } = await ask(`${edge.url}/orders`, ann)
    expect({ customer, title, orders }).toEqual({
      customer: 'ann',
      title: 'Bestellungen',
      orders: ['A-1', 'A-2'],
    })
    expect(views(seen)).toBe(1)
    expect(seen.ctx).toEqual(believed(ann))
  })

  it('that asks for something else is told so', async () => {
    await expect(ask(`${edge.url}/nothing`)).rejects.toThrow('answered 404')
  })
})

describe('two requests at the same time', () => {
  it('see nothing of each other, but in a listener that nobody bound', async () => {
    const [anns, bobs] = await Promise.all([ask(`${edge.url}/pair`, ann), ask(`${edge.url}/pair`, bob)])
    expect([anns.customer, bobs.customer]).toEqual(['ann', 'bob'])
    expect([...leaks(anns, ann), ...leaks(bobs, bob)]).toEqual([])
    // Both plain listeners were called by the one that came last.
    const plain = [anns.seen['plain listener'], bobs.seen['plain listener']]
    expect(plain[0]).toEqual(plain[1])
    expect([believed(ann), believed(bob)]).toContainEqual(plain[0])
  })

  it('fifty pairs, all at once', async () => {
    const claims = Array.from({ length: 100 }, (_, index): Claims => {
      const who = index % 2 === 0 ? ann : bob
      const traceId = (index + 1).toString(16).padStart(32, '0')
      return { ...who, requestId: `r-${index}`, address: `203.0.113.${index}`, traceId }
    })
    const lists = await Promise.all(claims.map((claim) => ask(`${edge.url}/pair`, claim)))
    expect(lists.flatMap((list, index) => leaks(list, claims[index] ?? ann))).toEqual([])
  })

  it('one of them, whose partner never comes, waits no longer than its context', async () => {
    const hasty = await serveOrders({ ...open, timeoutMs: 50 })
    await expect(ask(`${hasty.url}/pair`, ann)).rejects.toThrow('answered 503')
    await hasty[Symbol.asyncDispose]()
  })
})
