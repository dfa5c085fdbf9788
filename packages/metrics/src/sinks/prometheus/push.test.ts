import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type * as PromClient from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetrics } from '../../index.ts'
import { parseExposition } from '../../testing/index.ts'
import { prometheus } from './index.ts'

type Client = typeof PromClient

/** Both libraries; undefined where one does not load on this version of Node. */
const clients = await Promise.all(
  ['prom-client', '@prometheus-io/client'].map(async (name) => {
    const client = await import(name).catch(() => undefined)
    return { name, client: client as Client | undefined }
  }),
)

interface Pushed {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly body: string
}

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** A Pushgateway's side of the protocol. */
async function gateway(): Promise<{ url: string; pushed: Pushed[] }> {
  const pushed: Pushed[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      pushed.push({ method: request.method, path: request.url, body })
      response.writeHead(202, { connection: 'close' }).end()
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pushed }
}

describe.each(clients)('the Pushgateway of $name', ({ client }) => {
  it.skipIf(client === undefined)('pushes our page', async () => {
    const { url, pushed } = await gateway()
    const metrics = createMetrics()
    const sink = prometheus()
    metrics.attach(sink)
    const counter = metrics.counter('jobs', { labels: ['queue'] })
    counter.inc({ queue: 'mäil "1"\n' })
    const pushgateway = new client!.Pushgateway(url, {}, sink.registry as never)
    await pushgateway.push({ jobName: 'import' })
    counter.inc({ queue: 'mäil "1"\n' })
    await pushgateway.pushAdd({ jobName: 'a/b', groupings: { instance: 'x y' } })
    await pushgateway.delete({ jobName: 'import' })
    expect(pushed.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /metrics/job/import',
      'POST /metrics/job/a%2Fb/instance/x%20y',
      'DELETE /metrics/job/import',
    ])
    const values = pushed.slice(0, 2).map(({ body }) => {
      const family = parseExposition(body).find(({ name }) => name === 'jobs_total')!
      return family.samples.map(({ labels, value }) => [labels['queue'], value])
    })
    expect(values).toEqual([[['mäil "1"\n', 1]], [['mäil "1"\n', 2]]])
    expect(pushed.at(2)!.body).toBe('')
  })

  it.skipIf(client === undefined)('fails as the page does', async () => {
    const { url, pushed } = await gateway()
    const pushgateway = new client!.Pushgateway(url, { timeout: 1000 }, prometheus().registry as never)
    await expect(pushgateway.push({ jobName: 'x' })).rejects.toMatchObject({
      code: 'KIT_METRIC_SINK_DETACHED',
    })
    expect(pushed).toEqual([])
  })
})

describe('the registry of a sink', () => {
  it('says what it is', () => {
    const { registry, contentType } = prometheus()
    expect(registry.contentType).toBe(contentType())
  })
})
