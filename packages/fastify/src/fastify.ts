/**
 * kit for Fastify 5: `await app.register(kit, options)` before routes and other plugins. Every request behind it is
 * measured and logged once, and has a context: `request.ctx`, `current()` in everything it calls, `request.log` for
 * its log lines.
 */

import { errorMonitor } from 'node:events'
import { Stream } from 'node:stream'
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpOptions, Observation } from '@kit/http'
import { createObserver } from '@kit/http'
import { observeNode } from '@kit/http/node'
import { RequestLog } from './request-log.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's context: ends with the response, its deadline, or the client's departure. */
    ctx: Observation['ctx']
  }
}

/** Where a request keeps its observation for the hook that learns of errors. */
const observationOf: unique symbol = Symbol('@kit/fastify.observation')
/** On every instance whose requests are prepared for it. */
const prepared: unique symbol = Symbol('@kit/fastify.prepared')

interface ObservedRequest extends FastifyRequest {
  [observationOf]?: Observation
}

/**
 * The plugin. It reaches the instance that it is registered on and the plugins that are registered there after it:
 * register it first, and await it. Registering it twice observes once, with the outer one's options.
 *
 * Routes are reported as `routeOptions.url`, prefixes included; a request that no route matched has none. Errors that
 * Fastify's error hook sees, and those of streams that are sent, stand in the request's log line, 4xx aside. `request.log` is kit's logger; what Fastify
 * itself has to say stays with the logger that it was given.
 *
 * @throws HttpError for options it does not know or cannot use; `register` rejects with it. Requests never fail by
 * being observed.
 */
export const kit: FastifyPluginAsync<HttpOptions> = Object.assign(register, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@kit/fastify',
  [Symbol.for('plugin-meta')]: { name: '@kit/fastify', fastify: '5.x' },
})

// A promise, as Fastify does not catch what a plugin with a callback throws.
async function register(app: FastifyInstance, options: HttpOptions): Promise<void> {
  const observer = createObserver(options)
  if (!app.hasDecorator(prepared)) {
    app.decorate(prepared, true)
    app.decorateRequest('ctx')
    app.decorateRequest(observationOf)
  }
  app.addHook('onRequest', (request: ObservedRequest, reply, next) => {
    // Asked now, since a handler that calls the not-found handler takes the request's route away.
    const template = request.is404 ? undefined : request.routeOptions.url
    const binding = {
      route: () => template,
      attach: (observation: Observation) => attach(request, observation),
    }
    observeNode(observer, request.raw, reply.raw, binding, next)
  })
  app.addHook('onError', (request: ObservedRequest, reply, error, next) => {
    const observation = request[observationOf]
    if (observation === undefined) return next()
    if (!isOfClient(error, reply)) observation.fail(error)
    else reply.raw.once('finish', () => failIfServers(observation, error, reply))
    next()
  })
  app.addHook('onSend', (request: ObservedRequest, _reply, payload, next) => {
    if (typeof payload === 'object' && payload !== null) {
      watchBody(payload, (error) => request[observationOf]?.fail(error))
    }
    next()
  })
}

/** Of a stream that fails after the head was sent, Fastify tells no hook; a web stream tells only its reader. */
function watchBody(payload: object, failed: (error: unknown) => void): void {
  if (payload instanceof Stream) {
    payload.once(errorMonitor, failed)
    return
  }
  // Node makes the class `Response` when it is first asked for: most services need none.
  const isResponse = Object.prototype.toString.call(payload) === '[object Response]'
  const body = isResponse ? (payload as Response).body : (payload as Partial<ReadableStream>)
  if (typeof body?.getReader !== 'function') return
  const getReader = body.getReader.bind(body) as () => ReadableStreamDefaultReader
  const value = (): ReadableStreamDefaultReader => {
    const reader = getReader()
    reader.closed.catch(failed)
    return reader
  }
  Reflect.defineProperty(body, 'getReader', { value, configurable: true, writable: true })
}

/** An error that asks for a 4xx may be answered otherwise, by an error handler of the application's. */
function failIfServers(observation: Observation, error: unknown, reply: FastifyReply): void {
  if (reply.raw.statusCode >= 500) observation.fail(error)
}

function attach(request: ObservedRequest, observation: Observation): void {
  if (request[observationOf] === observation) return
  request[observationOf] = observation
  request.ctx = observation.ctx
  request.log = new RequestLog(observation.log, request)
}

/** Whether Fastify's own error handler answers with a 4xx. */
function isOfClient(error: Partial<FastifyError> & { status?: unknown }, reply: FastifyReply): boolean {
  const status = error.statusCode ?? error.status ?? reply.statusCode
  return typeof status === 'number' && status >= 400 && status < 500
}
