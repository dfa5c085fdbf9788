import { createSecureServer } from 'node:http2'
import { defaultLogger } from '@kit/log'
import Fastify from 'fastify'
import { expectTypeOf, test } from 'vitest'
import type { Observation } from '@kit/http'
import { kit } from './index.ts'

test('registers on servers and loggers of every type, and is known to handlers', () => {
  const app = Fastify()
  void app.register(kit)
  void app.register(kit, { timeoutMs: 1000, log: false })
  // @ts-expect-error -- there is no such option
  void app.register(kit, { timeoutMS: 1000 })
  app.get('/', ({ ctx, log }) => {
    expectTypeOf(ctx).toEqualTypeOf<Observation['ctx']>()
    log.info({ a: 1 }, 'message')
  })
  void Fastify({ http2: true, serverFactory: (handler) => createSecureServer(handler) }).register(kit, {})
  void Fastify({ loggerInstance: defaultLogger().pino }).register(kit, { timeoutMs: 1 })
})
