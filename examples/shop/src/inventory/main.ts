/** The inventory's process. */

import { runService } from '../service.ts'
import { inventoryApp } from './app.ts'
import { openDatabase } from './database.ts'
import { createRepository } from './repository.ts'

await runService('inventory', async (log) => {
  const database = await openDatabase()
  return {
    app: inventoryApp(createRepository(database), log).callback(),
    health: { database: (ctx) => database.query(ctx, 'select 1') },
    close: () => database.close(),
  }
})
