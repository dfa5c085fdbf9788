/** The service: orders that must be quick, and reports that may take their time and end with their readers. */

import { Readable } from 'node:stream'
import { sleep } from '@kit/context'
import type { Context } from '@kit/context'
import { kit } from '@kit/fastify'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'

/** How long a request may take, ms. */
export interface Deadlines {
  readonly ordersMs: number
  readonly reportsMs: number
}

/** Builds the service; nothing listens yet, and `inject` works. */
export async function createService({ ordersMs, reportsMs }: Deadlines): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(async (orders) => {
    await orders.register(kit, { timeoutMs: ordersMs })
    orders.get<{ Params: { id: string } }>('/orders/:id', ({ params, log }) => {
      log.info({ id: params.id }, 'looking up')
      return { id: params.id, item: 'lamp' }
    })
    orders.get('/orders/:id/audit', async ({ ctx }) => {
      await sleep(ctx, 60_000) // gives up with the deadline, or with the client
      return 'all is well'
    })
  })
  await app.register(async (reports) => {
    await reports.register(kit, { timeoutMs: reportsMs })
    reports.get('/reports/:year', async ({ ctx, log }, reply) => {
      ctx.afterFunc(() => log.info({ because: String(ctx.cause) }, 'no more months'))
      return reply.type('text/plain').send(Readable.from(months(ctx)))
    })
  })
  await app.register(kit) // the rest: what no route matched
  return app
}

/** Month after month until the context of the request ends. */
async function* months(ctx: Context): AsyncGenerator<string> {
  for (let month = 1; ctx.err === undefined; month = (month % 12) + 1) {
    yield `month ${month}\n`
    await sleep(ctx, 100).catch(() => {})
  }
}
