/* Koa 3 with the routes that are asked for, behind whatever is to be measured. */
import { createRequire } from 'node:module'
import type * as KoaRouter from '@koa/router'
import type { Middleware } from 'koa'
import type Koa from 'koa'
import type { Application } from './application.ts'

/** The application. `middleware` is mounted first. */
export function koaApp(middleware: readonly Middleware[]): Application {
  // Required and not imported: what patches modules while they load has been set up by now.
  const require = createRequire(import.meta.url)
  const KoaApplication = require('koa') as typeof Koa
  const { Router } = require('@koa/router') as typeof KoaRouter
  const app = new KoaApplication()
  for (const one of middleware) app.use(one)
  const router = new Router()
  router.get('/hello', (ctx) => {
    ctx.body = 'hello'
  })
  app.use(router.routes() as Middleware)
  return app.callback()
}
