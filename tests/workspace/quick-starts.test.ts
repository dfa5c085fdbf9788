import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { background, run } from '@kit/context'
import { metrics } from '@kit/metrics'
import { afterAll, expect, it, vi } from 'vitest'
import { documents, examplesIn, moduleName } from './documents.ts'
import { root } from './repository.ts'

// The quick starts of the README are run by themselves elsewhere; here each is asked something, as it stands. One that
// does not observe what it serves, or whose deadline is none, would run as well.

const generated = join(root, 'tests/workspace/.generated/quick-starts')
const ends: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ends) await end()
  rmSync(generated, { recursive: true, force: true })
})

type Fetch = (request: Request) => Promise<Response>

/** What the block of the README that imports this package makes: its constant of that name. */
async function made<T>(specifier: string, name: string): Promise<T> {
  const found = examplesIn('README.md').filter(({ code }) => code.includes(`from '${specifier}'`))
  expect(found).toHaveLength(1)
  const [example] = found
  if (example === undefined) throw new Error(`no quick start imports ${specifier}`)
  mkdirSync(generated, { recursive: true })
  const file = join(generated, `${moduleName(example)}.ts`)
  writeFileSync(file, `${example.code}\nexport { ${name} }\n`)
  const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  return module[name] as T
}

/** Serves, and asks over the network. */
async function over(server: Server): Promise<Fetch> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return (request) => fetch(`http://127.0.0.1:${port}${new URL(request.url).pathname}`)
}

/** How every server of the README is asked, by the package that it imports. */
const servers: Readonly<Record<string, () => Promise<Fetch>>> = {
  '@kit/express': async () => over(createServer(await made<RequestListener>('@kit/express', 'app'))),
  '@kit/koa': async () => {
    const callback = (await made<{ callback(): RequestListener }>('@kit/koa', 'app')).callback()
    return over(createServer((req, res) => void callback(req, res)))
  },
  '@kit/fastify': async () => {
    type App = { listen(options: object): Promise<string>; close(): Promise<void> }
    const app = await made<App>('@kit/fastify', 'app')
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    ends.push(() => app.close())
    return (request) => fetch(url + new URL(request.url).pathname)
  },
  '@kit/hono': async () => (await made<{ fetch: Fetch }>('@kit/hono', 'app')).fetch,
  '@kit/http/node': async () => over(await made<Server>('@kit/http/node', 'server')),
  '@kit/http/fetch': () => made<Fetch>('@kit/http/fetch', 'handler'),
}

/** How many calls the process-wide metrics count, and how many requests had a deadline and met it. */
function counted(): { requests: number; met: number } {
  const of = (name: string): readonly { labels: Readonly<Record<string, string>> }[] =>
    metrics.snapshot().metrics.find((metric) => metric.name === name)?.series ?? []
  const sum = (series: readonly object[], key: string): number =>
    series.reduce((total, each) => total + Number((each as Record<string, unknown>)[key]), 0)
  return {
    requests: sum(of('http.server.request.duration'), 'count'),
    met: sum(
      of('http.server.deadlines').filter(({ labels }) => labels['result'] === 'met'),
      'value',
    ),
  }
}

it.each(Object.keys(servers))('%s: observes what it serves, within a deadline', async (specifier) => {
  const ask = await servers[specifier]?.()
  const before = counted()
  const response = await ask?.(new Request('http://shop.test/orders/7'))
  expect([response?.status, await response?.text()]).toEqual([200, expect.stringContaining('7')])
  expect(response?.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
  await vi.waitFor(() => expect(counted()).toEqual({ requests: before.requests + 1, met: before.met + 1 }))
})

it('@kit/http/client: takes the deadline along', async () => {
  const observed = await made<typeof fetch>('@kit/http/client', 'fetch')
  const server = createServer((req, res) => res.end(String(req.headers['grpc-timeout'])))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => server.close())
  using ctx = background.withTimeout(5000)
  const { port } = server.address() as AddressInfo
  const response = await run(ctx, () => observed(`http://127.0.0.1:${port}/`))
  expect(await response.text()).toMatch(/^\d+[mu]$/)
})

it.each([
  ['packages/express/README.md', ['@kit/express']],
  ['packages/koa/README.md', ['@kit/koa']],
  ['packages/fastify/README.md', ['@kit/fastify']],
  ['packages/hono/README.md', ['@kit/hono', '@hono/node-server']],
  [
    'packages/http/README.md',
    ['@kit/http/node', 'node:http2', '@kit/http/fetch', '@kit/http/client', 'undici', '@kit/http/endpoints'],
  ],
])('%s has quick starts for %j, which check what comes of them', (document, specifiers) => {
  expect(documents).toContain(document)
  const examples = examplesIn(document)
  for (const specifier of specifiers) {
    const starts = examples.filter(
      ({ code }) => code.includes(`from '${specifier}'`) && code.includes(' // => '),
    )
    expect([specifier, starts.length > 0]).toEqual([specifier, true])
  }
})
