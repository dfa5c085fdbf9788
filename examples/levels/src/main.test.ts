import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

// The program as it was built, as a process of its own, spoken to as in its README.

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
type Line = Readonly<Record<string, unknown>>

const processes: (() => void)[] = []
afterEach(() => {
  for (const kill of processes.splice(0)) kill()
})

/** The running service: its addresses, and its log, line by line. */
async function start(): Promise<{ orders: string; levels: string; next(msg: string): Promise<Line[]> }> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: '0', ADMIN_PORT: '0', LOG_FORMAT: 'json', LOG_LEVEL: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  processes.push(() => child.kill())
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  /** All lines up to the first of that message. */
  const next = async (msg: string): Promise<Line[]> => {
    const seen: Line[] = []
    while (seen.at(-1)?.['msg'] !== msg) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`no line "${msg}" among ${JSON.stringify(seen)}`)
      seen.push(JSON.parse(value) as Line)
    }
    return seen
  }
  const [ready] = await next('ready')
  return { orders: ready?.['orders'] as string, levels: ready?.['levels'] as string, next }
}

function loggers(lines: readonly Line[]): unknown[] {
  return lines.map((line) => line['logger'])
}

it('shows more of one part for a while, and returns by itself', { timeout: 60_000 }, async () => {
  const { orders, levels, next } = await start()

  await fetch(orders)
  const before = await next('listed')
  expect(before.map((line) => line['level'])).toEqual(['info'])

  const body = JSON.stringify({ level: 'debug', ttl: '300ms', reason: 'slow orders' })
  const changed = await fetch(`${levels}/db.pool`, { method: 'PUT', body })
  expect(await changed.json()).toMatchObject({ name: 'db.pool', before: 'info', after: 'debug' })
  expect((await next('log level changed')).at(-1)).toMatchObject({ target: 'db.pool', reason: 'slow orders' })

  await fetch(orders)
  const during = await next('listed')
  expect(loggers(during)).toContain('db.pool')
  expect(loggers(during)).not.toContain('db.query')

  expect((await next('log level changed')).at(-1)).toMatchObject({
    target: 'db.pool',
    before: 'debug',
    after: 'info',
    reason: 'expired',
  })
  await fetch(orders)
  expect(loggers(await next('listed'))).not.toContain('db.pool')
})
