import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { expectTypeOf, test } from 'vitest'
import type { Observation } from '@kit/http'
import type { KitVariables } from './index.ts'
import { kit } from './index.ts'

test('handlers know what they find, whatever the app is typed as', () => {
  new Hono().use(kit()).get('/', (c) => {
    expectTypeOf(c.get('ctx')).toEqualTypeOf<Observation['ctx']>()
    expectTypeOf(c.var.log).toEqualTypeOf<Observation['log']>()
    return c.text('')
  })
  const bare = new Hono()
  bare.use(kit())
  bare.get('/', (c) => {
    expectTypeOf(c.get('log')).toEqualTypeOf<Observation['log']>()
    return c.text('')
  })
  const own = new Hono<{ Variables: { user: string } }>()
  own.use('/x/*', kit())
  own.get('/', (c) => {
    expectTypeOf(c.get('user')).toEqualTypeOf<string>()
    expectTypeOf(c.var.ctx).toEqualTypeOf<Observation['ctx']>()
    return c.text('')
  })
  createMiddleware<{ Variables: KitVariables }>(async (c, next) => {
    expectTypeOf(c.get('ctx')).toEqualTypeOf<Observation['ctx']>()
    await next()
  })
})
