/** Serves the app with @hono/node-server on PORT and its metrics on ADMIN_PORT; 0 takes any port. */

import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { background, notify } from '@kit/context'
import { drain } from '@kit/http/drain'
import { adminServer } from '@kit/http/endpoints'
import { defaultLogger } from '@kit/log'
import { metrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { createApp } from './app.ts'

const page = prometheus()
metrics.attach(page)

const admin = await adminServer({ port: Number(process.env['ADMIN_PORT'] ?? 9000), metrics: page })
const options = { fetch: createApp().fetch, port: Number(process.env['PORT'] ?? 8080), hostname: '127.0.0.1' }
const server = serve(options, ({ port }: AddressInfo) => {
  defaultLogger().info({ url: `http://127.0.0.1:${port}`, metrics: `${admin.url}/metrics` }, 'ready')
})

const { clean } = await drain(notify(background), { servers: [server], admin })
process.exitCode = clean ? 0 : 1
