import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import type { ExpositionSample } from '@kit/metrics/testing'
import { parseExposition } from '@kit/metrics/testing'
import express5 from 'express'
import type { Request } from 'express'
import bundle from 'express-prom-bundle'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { kit } from './express.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5

/** The one query that its README gives, and those that dashboards are made of, by the series that they add up. */
const queries: readonly { readonly name: string; readonly by: readonly string[]; readonly le?: string }[] = [
  { name: 'http_request_duration_seconds_count', by: [] },
  { name: 'http_request_duration_seconds_count', by: ['path'] },
  { name: 'http_request_duration_seconds_count', by: ['status_code'] },
  { name: 'http_request_duration_seconds_count', by: ['method', 'path', 'status_code'] },
  { name: 'http_request_duration_seconds_bucket', by: ['path'], le: '+Inf' },
  // No request of this test takes so long: the numbers are those of all of them.
  { name: 'http_request_duration_seconds_bucket', by: ['path'], le: '10' },
]

/** `sum by (by) (name{le="…"})` over a page. */
function answer(page: string, { name, by, le }: (typeof queries)[number]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const sample of samplesOf(page)) {
    if (sample.name !== name || sample.labels['le'] !== le) continue
    const key = by.map((label) => sample.labels[label] ?? '').join(' ')
    sums[key] = (sums[key] ?? 0) + sample.value
  }
  return sums
}

function samplesOf(page: string): readonly ExpositionSample[] {
  // Prometheus takes an empty label for none.
  return parseExposition(page.replaceAll(/,\w+=""|\w+="",/g, '')).flatMap(({ samples }) => samples)
}

const labelNames = (page: string, name: string): string[][] =>
  samplesOf(page)
    .filter((sample) => sample.name === name)
    .map(({ labels }) => Object.keys(labels).toSorted())

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
] as const)('%s: a dashboard for express-prom-bundle', (_, express) => {
  it("reads from kit's page what it read from the bundle's", async () => {
    const metrics = createMetrics()
    const page = prometheus()
    metrics.attach(page)
    const registry = new Registry()
    const app = express()
    app.set('env', 'test')
    app.use(kit({ metrics, log: false, names: 'legacy' }))
    app.use(
      bundle({
        includeMethod: true,
        includePath: true,
        includeUp: false,
        autoregister: false,
        promRegistry: registry,
        // The bundle reports raw paths unless it is told better; where none matched both are told nothing.
        normalizePath: (req: Request) => (req.route as { path?: string } | undefined)?.path ?? '',
      }),
    )
    let arrived = (): void => {}
    app.get('/items/:id', (_req, res) => void res.json({}))
    app.post('/items', (_req, res) => void res.status(201).end())
    app.get('/broken', () => {
      throw Object.assign(new Error('meant to be'), { stack: '' })
    })
    app.get('/half', (_req, res) => void res.write('half'))
    app.get('/wait', () => arrived())
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`

    for (const path of ['/items/1', '/items/2', '/broken', '/nowhere', '/.env']) {
      await (await fetch(url + path)).text()
    }
    await (await fetch(`${url}/items`, { method: 'POST' })).text()
    await (await fetch(`${url}/items/3`, { method: 'HEAD' })).text()
    const leave = (path: string, when: 'response' | Promise<void>): Promise<unknown> => {
      const sent = request(url + path).on('error', () => {})
      if (when === 'response')
        sent.on('response', (response) => response.on('error', () => {}).once('data', () => sent.destroy()))
      else void when.then(() => sent.destroy())
      sent.end()
      return new Promise((resolve) => sent.on('close', resolve))
    }
    await leave('/half', 'response')
    await leave('/wait', new Promise((resolve) => (arrived = resolve)))

    const ours = (): Promise<string> => page.text()
    await expect.poll(async () => answer(await ours(), queries[0] as never)[''], { timeout: 20_000 }).toBe(9)
    await expect
      .poll(async () => answer(await registry.metrics(), queries[0] as never)[''], { timeout: 20_000 })
      .toBe(9)
    const [kits, bundles] = [await ours(), await registry.metrics()]
    for (const query of queries) expect(answer(kits, query)).toEqual(answer(bundles, query))
    expect(answer(kits, queries[3] as never)).toEqual({
      'GET /items/:id 200': 2,
      'HEAD /items/:id 200': 1,
      'POST /items 201': 1,
      'GET /broken 500': 1,
      'GET  404': 2,
      'GET /half 200': 1,
      'GET /wait 499': 1,
    })
    // Every bucket that is queried is there, and no label that a query without `sum` would show.
    const bounds = (text: string): Set<string> =>
      new Set(
        samplesOf(text).flatMap(({ name, labels }) =>
          name.endsWith('duration_seconds_bucket') ? [labels['le'] ?? ''] : [],
        ),
      )
    expect([...bounds(kits)]).toEqual(expect.arrayContaining([...bounds(bundles)]))
    expect(new Set(labelNames(kits, 'http_request_duration_seconds_count').flat())).toEqual(
      new Set(['method', 'path', 'status_code']),
    )
    server.close()
    server.closeAllConnections()
  })
})
