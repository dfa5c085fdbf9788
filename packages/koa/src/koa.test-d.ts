import type { Context } from '@kit/context'
import type { Logger } from '@kit/log'
import { Router } from '@koa/router'
import Koa from 'koa'
import mount from 'koa-mount'
import { expectTypeOf } from 'vitest'
import type { KitState } from './koa.ts'
import { kit } from './koa.ts'

const app = new Koa()
app.use(kit())
app.use(mount('/mounted', kit({ timeoutMs: 1000 })))
app.use((ctx) => {
  expectTypeOf(ctx.log).toEqualTypeOf<Logger>()
  expectTypeOf(ctx.state.ctx).toEqualTypeOf<Context>()
})

// Its own state and context types stay an application's own.
const typed = new Koa<{ user: string } & KitState, { shop: number }>()
typed.use(kit())
typed.use((ctx) => {
  expectTypeOf(ctx.state.user).toEqualTypeOf<string>()
  expectTypeOf(ctx.state.ctx).toEqualTypeOf<Context>()
  expectTypeOf(ctx.shop).toEqualTypeOf<number>()
  expectTypeOf(ctx.log).toEqualTypeOf<Logger>()
})
new Koa<{ user: string }>().use(kit()).use((ctx) => {
  // @ts-expect-error -- a state type of one's own has kit's only when it says so
  expectTypeOf(ctx.state.ctx).toEqualTypeOf<Context>()
})

const router = new Router()
router.use(kit())
router.get('/items/:id', kit(), (ctx) => {
  expectTypeOf(ctx.log).toEqualTypeOf<Logger>()
  expectTypeOf(ctx.state.ctx).toEqualTypeOf<Context>()
})

// @ts-expect-error -- the option is timeoutMs
kit({ timeout: 1000 })
