import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

// The program as it was built, as a process of its own.

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
type Line = Readonly<Record<string, unknown>>

const kills: (() => void)[] = []
afterAll(() => {
  for (const kill of kills) kill()
})

interface Program {
  readonly url: string
  /** All lines up to the request that has this status and route. */
  request(status: number, route: string): Promise<Line[]>
}

async function start(platform: string): Promise<Program> {
  const env = { PLATFORM: platform, PORT: '0', TIMEOUT_MS: '600', LOG_FORMAT: 'json', LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  kills.push(() => child.kill())
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const until = async (found: (line: Line) => boolean): Promise<Line[]> => {
    const seen: Line[] = []
    for (let line: Line | undefined; line === undefined || !found(line); seen.push(line)) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`not among ${JSON.stringify(seen)}`)
      line = JSON.parse(value) as Line
    }
    return seen
  }
  const ready = await until(({ msg }) => msg === 'ready')
  const request: Program['request'] = (status, route) =>
    until((line) => line['msg'] === 'request' && line['status'] === status && line['route'] === route)
  return { url: `${String(ready.at(-1)?.['url'])}/orders`, request }
}

describe.concurrent.each(['express', 'fastify'])('on %s', (platform) => {
  it(
    'names routes, keeps guards, knows the request everywhere, and ends with it',
    { timeout: 60_000 },
    async () => {
      const { url, request } = await start(platform)

      const found = await fetch(`${url}/7`)
      expect([found.status, await found.json()]).toEqual([200, { id: '7', item: 'lamp' }])
      const [lookup, line] = await request(200, '/orders/:id')
      expect(lookup).toMatchObject({ logger: 'orders', id: '7', requestId: line?.['requestId'] })
      expect(found.headers.get('x-request-id')).toBe(line?.['requestId'])

      // The metadata of a measured method is found, in whichever order its decorators stand.
      for (const [path, route] of [
        ['/7', '/orders/:id'],
        ['/7/lines/1', '/orders/:id/lines/:line'],
      ] as const) {
        const admin = { method: 'DELETE', headers: { 'x-role': 'admin' } }
        const refused = await fetch(url + path, { method: 'DELETE' })
        expect([refused.status, (await fetch(url + path, admin)).status]).toEqual([403, 200])
        await request(403, route)
        await request(200, route)
      }

      expect((await fetch(`${url}/8`)).status).toBe(404)
      await request(404, '/orders/:id')

      const late = await fetch(`${url}/report`)
      expect([late.status, late.headers.get('x-request-id')]).toEqual([503, expect.any(String)])
      const told = await request(503, '/orders/report')
      expect(told.at(-1)).toMatchObject({ level: 'warn', outcome: 'deadline' })
    },
  )
})
