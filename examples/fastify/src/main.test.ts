import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

// The program as it was built, as a process of its own, spoken to as in its README.

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

it('gives each plugin its deadline, and ends a stream with its reader', { timeout: 60_000 }, async () => {
  const next = start()
  const { url, metrics } = await next('ready')

  expect(await (await fetch(`${String(url)}/orders/7`)).json()).toEqual({ id: '7', item: 'lamp' })
  expect(await next('request')).toMatchObject({ route: '/orders/:id', status: 200, outcome: 'ok' })

  expect((await fetch(`${String(url)}/orders/7/audit`)).status).toBe(503)
  expect(await next('request')).toMatchObject({ route: '/orders/:id/audit', outcome: 'deadline' })

  expect((await fetch(`${String(url)}/nowhere`)).status).toBe(404)
  expect(await next('request')).toMatchObject({ route: '', status: 404 })

  const report = (await fetch(`${String(url)}/reports/2026`)).body?.getReader()
  expect(Buffer.from((await report?.read())?.value ?? []).toString()).toMatch(/^month 1\n/)
  await report?.cancel()
  expect(await next('request')).toMatchObject({ route: '/reports/:year', status: 200, outcome: 'canceled' })
  expect(await next('no more months')).toMatchObject({ because: 'client disconnected' })

  const page = await (await fetch(String(metrics))).text()
  expect(page).toMatch(
    /http_server_request_duration_seconds_count\{[^}]*http_route="\/reports\/:year"[^}]*\} 1/,
  )
})
