/** The thread that PGlite runs in: Postgres computes here, and the service's event loop stays free. */

import { parentPort } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { seedSql } from './seed.ts'

/** A statement for the database. */
export interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
}

/** What came of it; the first answer, before any statement, says that the database is ready. */
export type Answer = { readonly rows: unknown[] } | { readonly error: string }

const database = await PGlite.create()
await database.exec(seedSql)
const port = parentPort
if (port === null) throw new Error('database-worker is started as a worker thread')
port.on('message', ({ sql, params }: Statement) => {
  database.query(sql, [...params]).then(
    ({ rows }) => port.postMessage({ rows } satisfies Answer),
    (error: unknown) => port.postMessage({ error: String(error) } satisfies Answer),
  )
})
port.postMessage({ rows: [] } satisfies Answer)
