import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Router } from '@koa/router'
import fc from 'fast-check'
import Koa from 'koa'
import mount from 'koa-mount'
import { expect, it } from 'vitest'
import { followRoute } from './route.ts'

const runs = 200 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1)

/** Few words, so that values look like mounts, and mounts that lead nowhere like those that lead somewhere. */
const word = fc.constantFrom('a', 'b', 'ab')
const segment = fc.oneof(word, fc.constantFrom(':x', ':y', ':z'))

/** One level of an application: mounts that hand every request on, then one mount or router prefix around the rest. */
const level = fc.record({
  decoys: fc.array(fc.array(word, { minLength: 1, maxLength: 2 }), { maxLength: 3 }),
  kind: fc.constantFrom('mount', 'prefix', 'nested'),
  words: fc.array(word, { minLength: 1, maxLength: 2 }),
})
type Level = typeof level extends fc.Arbitrary<infer T> ? T : never

const path = (segments: readonly string[]): string => `/${segments.join('/')}`
const routesOf = (router: Router): Koa.Middleware => router.routes() as unknown as Koa.Middleware
const nothing: Koa.Middleware = (_ctx, next) => next()

/** The middleware of these levels, around a route for these segments. */
function build([first, ...rest]: readonly Level[], segments: readonly string[]): Koa.Middleware[] {
  const answer: Koa.Middleware = (ctx) => void (ctx.body = 'ok')
  if (first === undefined) return [routesOf(new Router().get(path(segments), answer))]
  const decoys = first.decoys.map((words) =>
    mount(path(words), new Koa().use(nothing).use(routesOf(new Router().get('/never/here', answer)))),
  )
  if (first.kind === 'mount') {
    const inner = new Koa()
    for (const middleware of build(rest, segments)) inner.use(middleware)
    return [...decoys, mount(path(first.words), inner)]
  }
  // What is below a router are routers too.
  const words = rest.flatMap((one) => one.words)
  const router = new Router({ prefix: path(first.words) })
  if (first.kind === 'prefix') router.get(path([...words, ...segments]), answer)
  else router.use(path([...words, 'in']), new Router().get(path(segments), answer).routes())
  return [...decoys, routesOf(router)]
}

/** The template that is to come out. */
function templateOf(levels: readonly Level[], segments: readonly string[]): string {
  const nested = levels.find(({ kind }) => kind !== 'mount')?.kind === 'nested'
  return path([...levels.flatMap(({ words }) => words), ...(nested ? ['in'] : []), ...segments])
}

async function routeOf(middleware: readonly Koa.Middleware[], url: string): Promise<unknown[]> {
  const app = new Koa()
  let route: () => string | undefined = () => undefined
  app.use((ctx, next) => {
    route = followRoute(ctx)
    return next()
  })
  for (const one of middleware) app.use(one)
  const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url })
  const res = new ServerResponse(req)
  await app.callback()(req, res)
  return [res.statusCode, route()]
}

it('is made of all mounts and prefixes around the route, and of nothing that was asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(level, { maxLength: 3 }),
      fc.array(segment, { minLength: 1, maxLength: 3 }),
      fc.array(word, { minLength: 3, maxLength: 3 }),
      async (levels, segments, values) => {
        // A name stands once in a path.
        const named = segments.map((one, index) => (one.startsWith(':') ? `${one}${index}` : one))
        const template = templateOf(levels, named)
        const url = template.replaceAll(/:\w\d/g, (name) => values[Number(name.at(-1))] ?? '')
        expect(await routeOf(build(levels, named), url)).toEqual([200, template])
        expect(await routeOf(build(levels, named), `${url}/more/and/more`)).toEqual([404, undefined])
      },
    ),
    { numRuns: runs },
  )
})
