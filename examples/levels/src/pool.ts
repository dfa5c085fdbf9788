/** A pool of connections that is always a little too small. It has a logger of its own, taken once, at the top. */

import type { Logger } from '@kit/log'

/** Lends connections. */
export interface Pool {
  /** Does the work with a connection, once there is one. */
  query(sql: string): Promise<number>
}

const size = 2

/** Makes a pool that logs as `db.pool`, and as `db.query` what is done with its connections. */
export function createPool(log: Logger): Pool {
  const pool = log.named('db.pool')
  const queries = log.named('db.query')
  const waiting: (() => void)[] = []
  let free = size

  async function acquire(): Promise<void> {
    if (free > 0) {
      free--
      pool.trace({ free }, 'lent')
      return
    }
    pool.debug({ size, waiting: waiting.length + 1 }, 'pool is busy')
    await new Promise<void>((resolve) => waiting.push(resolve))
  }

  function release(): void {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }

  return {
    async query(sql) {
      await acquire()
      try {
        const rows = await answer(sql)
        queries.debug({ sql, rows }, 'answered')
        return rows
      } finally {
        release()
      }
    },
  }
}

/** The database: a turn of the event loop away, and always of the same mind. */
function answer(sql: string): Promise<number> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(sql.length % 7))
  })
}
