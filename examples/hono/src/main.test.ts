import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { afterEach, expect, it } from 'vitest'
import { createApp } from './app.ts'

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
type Line = Readonly<Record<string, unknown>>

let stop = (): void => {}
afterEach(() => stop())

/** The next line of that message, of the program's log. */
function start(): (msg: string) => Promise<Line> {
  const env = { ...process.env, PORT: '0', ADMIN_PORT: '0', LOG_FORMAT: 'json', LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  stop = () => void child.kill()
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return async (msg) => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`no line "${msg}"`)
      const line = JSON.parse(value) as Line
      if (line['msg'] === msg) return line
    }
  }
}

// The program as it was built, as a process of its own, spoken to as in its README.
it('counts a stream until its reader leaves, apart from the requests', { timeout: 60_000 }, async () => {
  const next = start()
  const { url, metrics } = await next('ready')

  expect(await (await fetch(`${String(url)}/orders/7`)).json()).toEqual({ id: '7', item: 'lamp' })
  expect(await next('request')).toMatchObject({ route: '/orders/:id', status: 200, outcome: 'ok' })

  const events = (await fetch(`${String(url)}/orders/7/events`)).body?.getReader()
  expect(Buffer.from((await events?.read())?.value ?? []).toString()).toMatch(/^data: packed\nid: 1\n/)
  await events?.cancel()
  expect(await next('request')).toMatchObject({
    route: '/orders/:id/events',
    outcome: 'canceled',
    stream: 'events',
  })
  expect(await next('no more events')).toMatchObject({ because: 'client disconnected' })

  const page = await (await fetch(String(metrics))).text()
  const counted = page.split('\n').filter((line) => /^http_server_\w+_duration_seconds_count/.test(line))
  expect(counted).toEqual([
    expect.stringMatching(/^http_server_request_.*http_route="\/orders\/:id",.*\} 1$/),
    expect.stringMatching(/^http_server_stream_.*http_route="\/orders\/:id\/events",.*kind="events"\} 1$/),
  ])
})

it('does the same without a server', async () => {
  const destination = memoryDestination()
  const log = createLogger({ level: 'info', format: 'json', destination })
  const app = createApp({ log, metrics: createMetrics() })
  const events = (await app.request('/orders/7/events')).body?.getReader()
  expect(Buffer.from((await events?.read())?.value ?? []).toString()).toMatch(/^data: packed\nid: 1\n/)
  await events?.cancel()
  expect(destination.records[0]).toMatchObject({ route: '/orders/:id/events', outcome: 'canceled' })
})
