/*
 * The process that serves: `node server.js <framework> <kind>`. Tells its port when it listens, and the processor time it
 * has used whenever it is asked. It ends with its parent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Application } from './apps/application.ts'
import type { Framework, Kind } from './subjects.ts'

/** What the process says. */
export type FromServer = { readonly port: number } | { readonly cpuUs: number }

const [framework, kind] = process.argv.slice(2) as [Framework, Kind]

const server = createServer(await listenerOf())
server.keepAliveTimeout = 0 // connections wait for their turn
server.listen(0, '127.0.0.1', () => say({ port: (server.address() as AddressInfo).port }))

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  say({ cpuUs: user + system })
})
process.on('disconnect', () => process.exit())

/** Each kind loads what it needs and nothing else. */
async function listenerOf(): Promise<Application> {
  switch (kind) {
    case 'bare':
      return framework === 'express'
        ? (await import('./apps/express.js')).expressApp([])
        : (await import('./apps/koa.js')).koaApp([])
    case 'stack':
      return (await import('./apps/stack.js')).stackApp(framework)
    case 'opentelemetry':
      return (await import('./apps/opentelemetry.js')).openTelemetryApp(framework)
    case 'kit':
    case 'kit-async':
    case 'kit-silent':
      return (await import('./apps/kit.js')).kitApp(framework, kind)
  }
}

function say(message: FromServer): void {
  process.send?.(message)
}
