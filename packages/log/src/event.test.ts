import { background } from '@kit/context'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { withFields } from './context-fields.ts'
import { createLogger } from './create-logger.ts'
import { annotate, eventFields, withEvent } from './event.ts'
import { logStats } from './stats.ts'
import { memoryDestination } from './testing.ts'

it('gathers what is added under contexts that come of its own', () => {
  const ctx = withEvent(background)
  expect(eventFields(ctx)).toBeUndefined()
  expect(annotate(ctx.withTimeout(1000), { customer: 'ann', items: 2 })).toBe(true)
  expect(annotate(ctx.withCancel(), { items: 3 })).toBe(true)
  expect(eventFields(ctx)).toEqual({ customer: 'ann', items: 3 })
})

it('is nowhere where none has begun', () => {
  expect(annotate(background, { customer: 'ann' })).toBe(false)
  expect(eventFields(background)).toBeUndefined()
})

it('is apart from the one that began around it', () => {
  const outer = withEvent(background)
  const inner = withEvent(outer)
  annotate(inner, { job: 1 })
  expect(eventFields(outer)).toBeUndefined()
  annotate(outer, { job: 2 })
  expect(eventFields(inner)).toEqual({ job: 1 })
})

it('replaces nothing that every line of the context has', () => {
  const ctx = withFields(withEvent(background), { requestId: 'r-1' })
  annotate(ctx, { requestId: 'forged', customer: 'ann', __proto__: { polluted: true } })
  expect(eventFields(ctx)).toEqual({ customer: 'ann' })
})

it('says what was true when it was added', () => {
  const ctx = withEvent(background)
  const basket = { items: ['a'] }
  annotate(ctx, { basket })
  basket.items.push('b')
  expect(eventFields(ctx)).toEqual({ basket: { items: ['a'] } })
})

it('keeps 200 fields and counts the others', () => {
  const ctx = withEvent(background)
  const before = logStats().droppedFields
  for (let i = 0; i < 250; i++) annotate(ctx, { [`field${i}`]: i })
  expect(Object.keys(eventFields(ctx) ?? {})).toHaveLength(200)
  expect(logStats().droppedFields - before).toBe(50)
})

it('takes anything, and makes one line of it', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true })
  fc.assert(
    fc.property(fc.array(anything), (all) => {
      const ctx = withEvent(background)
      for (const one of all) annotate(ctx, one as object)
      const destination = memoryDestination()
      createLogger({ format: 'json', level: 'info', destination }).info({ ...eventFields(ctx) }, 'done')
      expect(destination.records).toHaveLength(1)
      expect(Object.prototype).not.toHaveProperty('polluted')
    }),
  )
})

it('takes what throws when it is read', () => {
  const ctx = withEvent(background)
  annotate(ctx, {
    fine: 1,
    get bad(): never {
      throw new Error('planted')
    },
  })
  expect(eventFields(ctx)).toEqual({ fine: 1, bad: '[unreadable]' })
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  annotate(ctx, proxy)
  expect(eventFields(ctx)).toMatchObject({ fine: 1 })
})
