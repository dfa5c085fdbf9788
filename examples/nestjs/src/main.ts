/** Starts the application on the platform that PLATFORM names, `express` (the default) or `fastify`, on PORT. */

// oxlint-disable-next-line import/no-unassigned-import -- it extends Reflect, and must come first
import 'reflect-metadata'
import type { INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { kit as kitForExpress } from '@kit/express'
import { kit as kitForFastify } from '@kit/fastify'
import { defaultLogger } from '@kit/log'
import { nestLogger } from './nest-logger.ts'
import { OrdersModule } from './orders.ts'

const options = { timeoutMs: Number(process.env['TIMEOUT_MS'] ?? 2000) }
const logger = nestLogger(defaultLogger())

async function onExpress(): Promise<INestApplication> {
  const app = await NestFactory.create(OrdersModule, { logger })
  app.use(kitForExpress(options)) // before Nest's own middleware, which `listen` adds
  return app
}

async function onFastify(): Promise<INestApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger })
  await app.register(kitForFastify, options)
  return app
}

const app = await (process.env['PLATFORM'] === 'fastify' ? onFastify() : onExpress())
await app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1')
defaultLogger().info({ url: await app.getUrl() }, 'ready')

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())
