/*
 * What people put together themselves: duration by route from prom-client, a line a request from pino-http, a request
 * id in an AsyncLocalStorage and in a header of the response.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestHandler } from 'express'
import promBundle from 'express-prom-bundle'
import type { Middleware } from 'koa'
import { pinoHttp } from 'pino-http'
import { Histogram } from 'prom-client'
import type { Framework } from '../subjects.ts'
import type { Application } from './application.ts'
import { expressApp } from './express.ts'
import { koaApp } from './koa.ts'

/** The application. */
export function stackApp(framework: Framework): Application {
  const ids = new AsyncLocalStorage<{ readonly requestId: string }>()
  const logs = pinoHttp({ genReqId: (req) => req.id })
  if (framework === 'koa') return koaApp([identify(ids), durations(), lines(logs)])
  const identified: RequestHandler = (req, res, next) => {
    const requestId = randomUUID()
    req.id = requestId
    res.setHeader('x-request-id', requestId)
    ids.run({ requestId }, next)
  }
  const bundle = promBundle({ includeMethod: true, includePath: true })
  return expressApp([identified, bundle as RequestHandler, logs as RequestHandler])
}

function identify(ids: AsyncLocalStorage<{ readonly requestId: string }>): Middleware {
  return (ctx, next) => {
    const requestId = randomUUID()
    ctx.req.id = requestId
    ctx.set('x-request-id', requestId)
    return ids.run({ requestId }, next)
  }
}

function durations(): Middleware {
  const histogram = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'duration histogram of http responses',
    labelNames: ['status_code', 'method', 'path'],
    buckets: [0.003, 0.03, 0.1, 0.3, 1.5, 10],
  })
  return async (ctx, next) => {
    const end = histogram.startTimer()
    try {
      await next()
    } finally {
      const path = (ctx as { _matchedRoute?: string })._matchedRoute ?? ''
      end({ status_code: ctx.status, method: ctx.method, path })
    }
  }
}

function lines(logs: (req: IncomingMessage, res: ServerResponse) => void): Middleware {
  return (ctx, next) => {
    logs(ctx.req, ctx.res)
    return next()
  }
}
