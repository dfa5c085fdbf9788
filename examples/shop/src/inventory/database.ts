/**
 * The service's side of the database: one connection, a bounded queue before it. A query whose context ends
 * while it waits is never sent; one that was sent can only be given up, as Postgres does its work to the end.
 */

import { Worker } from 'node:worker_threads'
import type { Context } from '@kit/context'
import { race } from '@kit/context'
import { metrics } from '@kit/metrics'
import { withMetrics } from '@kit/observe'
import type { Answer, Statement } from './database-worker.ts'

/** The database as the repository sees it. */
export interface Database {
  /** Rejects with the context's error when it ends first, with the database's error, or when the queue is full. */
  query<Row>(ctx: Context, sql: string, params?: readonly unknown[]): Promise<Row[]>
  close(): Promise<void>
}

interface Job {
  readonly statement: Statement
  readonly settle: (answer: Answer) => void
}

/** More would only wait for their deadlines. */
const maxQueued = 500

/** Starts the database and fills it; resolves when it answers. */
export async function openDatabase(): Promise<Database> {
  const worker = new Worker(new URL('./database-worker.js', import.meta.url))
  await ready(worker)

  const queue: Job[] = []
  let running: Job | undefined
  metrics.observable('db.queue.length', { help: 'Queries that wait for the connection.' }, () => queue.length)

  const next = (): void => {
    running = queue.shift()
    if (running !== undefined) worker.postMessage(running.statement)
  }
  worker.on('message', (answer: Answer) => {
    running?.settle(answer)
    next()
  })

  const query = async (ctx: Context, sql: string, params: readonly unknown[] = []): Promise<unknown[]> => {
    ctx.throwIfDone()
    if (queue.length >= maxQueued) throw new Error('The database has too much to do.')
    const { promise, resolve } = withResolvers<Answer>()
    const job: Job = { statement: { sql, params }, settle: resolve }
    queue.push(job)
    if (running === undefined) next()
    try {
      const answer = await race(ctx, promise)
      if ('error' in answer) throw new Error(answer.error)
      return answer.rows
    } finally {
      const waiting = queue.indexOf(job)
      if (waiting !== -1) queue.splice(waiting, 1)
    }
  }
  return {
    query: withMetrics('db.query', query) as Database['query'],
    close: async () => void (await worker.terminate()),
  }
}

async function ready(worker: Worker): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}
