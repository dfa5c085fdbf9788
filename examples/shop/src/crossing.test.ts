import type { Context } from '@kit/context'
import { race } from '@kit/context'
import { requestIdKey } from '@kit/http'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { metrics } from '@kit/metrics'
import { afterEach, expect, it } from 'vitest'
import { gatewayApp } from './gateway/app.ts'
import { createInventoryClient } from './gateway/inventory-client.ts'
import { inventoryApp } from './inventory/app.ts'
import type { Item, Repository } from './inventory/repository.ts'
import { serve, stop } from './served.fixture.ts'

// A request on its way through both services, Express and Koa: what it is, and how long it may take, crosses with it.

afterEach(stop)

const item: Item = { sku: 'SKU-00001', name: 'Item 1', description: 'steel', cents: 137, stock: 21 }

interface Shop {
  readonly url: string
  /** The contexts that the repository was asked with. */
  readonly asked: Context[]
  readonly gatewayLog: ReturnType<typeof memoryDestination>
  readonly inventoryLog: ReturnType<typeof memoryDestination>
}

async function openShop(): Promise<Shop> {
  const asked: Context[] = []
  const shelves: Repository = {
    findItem: async (ctx) => {
      asked.push(ctx)
      return item
    },
    searchItems: (ctx) => {
      asked.push(ctx)
      return race(ctx, new Promise(() => {}))
    },
    listItems: async () => [],
    reserve: async () => ({ kind: 'sold_out' }),
  }
  const gatewayLog = memoryDestination()
  const inventoryLog = memoryDestination()
  const inventory = inventoryApp(
    shelves,
    createLogger({ format: 'json', destination: inventoryLog }),
  ).callback()
  const client = createInventoryClient(await serve((req, res) => void inventory(req, res)))
  const url = await serve(gatewayApp(client, createLogger({ format: 'json', destination: gatewayLog })))
  return { url, asked, gatewayLog, inventoryLog }
}

/** How many requests of this route the metrics have; both services record in the same ones here. */
function requests(route: string): number {
  const metric = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.request.duration')
  if (metric?.kind !== 'histogram') return 0
  return metric.series
    .filter(({ labels }) => labels['http.route'] === route)
    .reduce((total, { count }) => total + count, 0)
}

it('is one request to both: its id, its trace, and what is left of its time', async () => {
  const { url, asked, gatewayLog, inventoryLog } = await openShop()
  const before = requests('/items/:sku')
  const response = await fetch(`${url}/items/SKU-00001`)
  expect([response.status, await response.json()]).toEqual([200, item])
  await expect.poll(() => [gatewayLog.records.length, inventoryLog.records.length]).toEqual([1, 1])

  const id = response.headers.get('x-request-id')
  const [outer, inner] = [gatewayLog.records[0], inventoryLog.records[0]]
  expect([outer?.['requestId'], inner?.['requestId']]).toEqual([id, id])
  expect(inner?.['traceId']).toBe(outer?.['traceId'])
  expect(inner).toMatchObject({ route: '/items/:sku', status: 200, outcome: 'ok' })

  const [ctx] = asked
  expect(ctx?.value(requestIdKey)).toBe(id)
  expect(ctx?.remaining).toBeLessThanOrEqual(250) // the gateway's, not the five seconds of the inventory
  expect(String(ctx?.cause)).toContain('finished')
  expect(requests('/items/:sku')).toBe(before + 2)
})

it('ends in both when its time is over', async () => {
  const { url, asked, gatewayLog, inventoryLog } = await openShop()
  const before = requests('/search')
  expect((await fetch(`${url}/search?q=rare`)).status).toBe(503)
  await expect.poll(() => [gatewayLog.records.length, inventoryLog.records.length]).toEqual([1, 1])
  expect(gatewayLog.records[0]).toMatchObject({ route: '/search', outcome: 'deadline' })
  expect(inventoryLog.records[0]).toMatchObject({
    route: '/search',
    requestId: gatewayLog.records[0]?.['requestId'],
    outcome: expect.stringMatching(/^(deadline|canceled)$/), // the inventory's clock, or the gateway hanging up
  })
  expect(asked[0]?.err).toBeDefined()
  expect(requests('/search')).toBe(before + 2)
})
