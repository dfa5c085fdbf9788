import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { race } from '@kit/context'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { afterEach, expect, it } from 'vitest'
import { inventoryApp } from './app.ts'
import type { Item, Repository } from './repository.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

const item: Item = { sku: 'SKU-00001', name: 'Item 1', description: 'steel', cents: 137, stock: 21 }

const shelves: Repository = {
  findItem: async (_ctx, sku) => (sku === item.sku ? item : undefined),
  searchItems: (ctx) => race(ctx, new Promise(() => {})),
  listItems: async (_ctx, after, limit) => {
    if (after > 9) throw new Error('no connection')
    return Array.from({ length: limit }, () => item)
  },
  reserve: async (_ctx, sku, quantity) => {
    if (sku !== item.sku) return { kind: 'unknown_item' }
    return quantity > item.stock ? { kind: 'sold_out' } : { kind: 'reserved', order: 7 }
  },
}

async function inventory(): Promise<{ url: string; log: ReturnType<typeof memoryDestination> }> {
  const log = memoryDestination()
  const callback = inventoryApp(shelves, createLogger({ format: 'json', destination: log })).callback()
  server = createServer((req, res) => void callback(req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, log }
}

it('answers what it is asked, in JSON', async () => {
  const { url } = await inventory()
  const ask = async (path: string, quantity?: number): Promise<unknown[]> => {
    const init = quantity === undefined ? {} : { method: 'POST', body: JSON.stringify({ quantity }) }
    const response = await fetch(url + path, init)
    return [response.status, await response.json()]
  }
  expect(await ask('/items/SKU-00001')).toEqual([200, item])
  expect(await ask('/items/SKU-99999')).toEqual([404, { error: 'There is no such item.' }])
  expect(await ask('/items?after=1&limit=2')).toEqual([200, [item, item]])
  expect(await ask('/items/SKU-00001/reservations', 1)).toEqual([201, { order: 7 }])
  expect(await ask('/items/SKU-00001/reservations', 99)).toEqual([
    409,
    { error: 'Not enough of it is left.' },
  ])
  expect(await ask('/items/SKU-99999/reservations', 1)).toEqual([404, { error: 'There is no such item.' }])
})

it("takes its callers' deadlines and request ids for its own, and says why it failed", async () => {
  const { url, log } = await inventory()
  const headers = { 'grpc-timeout': '30m', 'x-request-id': 'asked-1' }
  const late = await fetch(`${url}/search?q=rare`, { headers })
  expect([late.status, late.headers.get('x-request-id')]).toEqual([503, 'asked-1'])
  expect((await fetch(`${url}/items?after=10`)).status).toBe(500)
  const told = (): unknown[] => log.records.map(({ msg, route, outcome }) => [msg, route, outcome])
  await expect.poll(told).toEqual([
    ['request', '/search', 'deadline'],
    ['a handler failed', undefined, undefined],
    ['request', '/items', 'error'],
  ])
  expect(log.records[0]).toMatchObject({ requestId: 'asked-1' })
})
