/** The gateway's process. */

import { runService } from '../service.ts'
import { gatewayApp } from './app.ts'
import { createInventoryClient } from './inventory-client.ts'

const { INVENTORY_URL = 'http://127.0.0.1:3001' } = process.env

await runService('gateway', async (log) => ({
  app: gatewayApp(createInventoryClient(INVENTORY_URL), log),
}))
