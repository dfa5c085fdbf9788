import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { afterEach, expect, it } from 'vitest'
import { gatewayApp } from './app.ts'
import { createInventoryClient } from './inventory-client.ts'
import { serve, stop } from '../served.fixture.ts'

afterEach(stop)

async function gateway(
  inventory: RequestListener,
): Promise<{ url: string; log: ReturnType<typeof memoryDestination> }> {
  const log = memoryDestination()
  const client = createInventoryClient(await serve(inventory))
  return { url: await serve(gatewayApp(client, createLogger({ format: 'json', destination: log }))), log }
}

it('tells the inventory the request id, the trace and what is left of the deadline', async () => {
  let told: IncomingHttpHeaders = {}
  const { url, log } = await gateway((req, res) => {
    told = req.headers
    res.end('{"sku":"SKU-00001"}')
  })
  const response = await fetch(`${url}/items/SKU-00001`)
  expect([response.status, await response.json()]).toEqual([200, { sku: 'SKU-00001' }])
  await expect.poll(() => log.records.length).toBe(1)
  const line = log.records[0]
  expect(told['x-request-id']).toBe(response.headers.get('x-request-id'))
  expect(told['x-request-id']).toBe(line?.['requestId'])
  expect(told['traceparent']).toContain(String(line?.['traceId']))
  const unit = { m: 1, u: 1000 }[String(told['grpc-timeout']).at(-1) as 'm' | 'u']
  expect(Number.parseInt(String(told['grpc-timeout']), 10) / unit).toBeLessThanOrEqual(250)
})

it('answers 503 at the deadline, and lets the inventory know that nobody waits any more', async () => {
  let leave: (value: unknown) => void = () => {}
  const left = new Promise((resolve) => {
    leave = resolve
  })
  const { url } = await gateway((_req, res) => void res.once('close', leave))
  expect((await fetch(`${url}/search?q=rare`)).status).toBe(503)
  await left
})

it('passes on what the inventory says of the request, and asks it nothing about bad input', async () => {
  let asked = 0
  const { url } = await gateway((_req, res) => {
    asked += 1
    res.writeHead(404).end('{}')
  })
  const status = async (path: string, init?: RequestInit): Promise<number> =>
    (await fetch(url + path, init)).status
  expect(await status('/items/SKU-99999')).toBe(404)
  expect(asked).toBe(1)
  const post = (body: string): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(await status('/items/what')).toBe(400)
  expect(await status('/search?q=a%00b')).toBe(400)
  expect(await status('/orders', post('{'))).toBe(400)
  expect(await status('/orders', post('{"sku":"SKU-00001","quantity":0}'))).toBe(400)
  expect(await status('/orders', post(`"${'x'.repeat(20_000)}"`))).toBe(413)
  expect(asked).toBe(1)
})
