import { manualClock } from '@kit/context/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adminServer } from './admin-server.ts'
import type { AdminServer } from './admin-server.ts'
import { healthEndpoint } from './health.ts'
import type { FetchHandler } from './bridge.ts'

let time: ReturnType<typeof manualClock>
beforeEach(() => {
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

const probe = new Request('http://localhost/readyz')

async function ask(endpoint: FetchHandler): Promise<unknown> {
  const response = await endpoint(probe)
  return [response.status, await response.json()]
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a flood of probes', () => {
  it('runs each check once, and not again before the answer is old', async () => {
    let runs = 0
    let finish = (): void => {}
    const database = (): Promise<void> => {
      runs += 1
      return new Promise((resolve) => (finish = resolve))
    }
    const endpoint = healthEndpoint({ database })
    const flood = Array.from({ length: 1000 }, () => ask(endpoint))
    time.advance(3)
    finish()
    const answers = await Promise.all(flood)
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['[200,{"status":"ok","checks":{"database":{"status":"ok","durationMs":3}}}]']),
    )
    time.advance(999)
    for (let i = 0; i < 100; i += 1) await ask(endpoint)
    expect(runs).toBe(1)
    time.advance(1)
    const next = ask(endpoint)
    finish()
    await next
    expect(runs).toBe(2)
  })

  it('does not pile up checks that never end, and takes them back when they do', async () => {
    let runs = 0
    let finish = (): void => {}
    const stuck = (): Promise<void> => {
      runs += 1
      return new Promise((resolve) => (finish = resolve))
    }
    const endpoint = healthEndpoint({ stuck, fine: () => {} }, { timeoutMs: 50, maxAgeMs: 0 })
    const first = ask(endpoint)
    time.advance(50)
    expect(await first).toMatchObject([503, { checks: { stuck: { status: 'timeout', durationMs: 50 } } }])
    for (let i = 0; i < 100; i += 1) {
      time.advance(10)
      expect(await ask(endpoint)).toMatchObject([
        503,
        { checks: { stuck: { status: 'timeout' }, fine: { status: 'ok' } } },
      ])
    }
    expect(runs).toBe(1)
    finish()
    await turn()
    const again = ask(endpoint)
    finish()
    expect(await again).toMatchObject([200, { status: 'ok' }])
    expect(runs).toBe(2)
  })

  it('is told of a recovery once the failure is old', async () => {
    let well = false
    const flaky = (): void => {
      if (!well) throw new Error('secret')
    }
    const endpoint = healthEndpoint({ flaky }, { maxAgeMs: 200 })
    expect(await ask(endpoint)).toMatchObject([503, { checks: { flaky: { status: 'failed' } } }])
    well = true
    expect(await ask(endpoint)).toMatchObject([503, {}])
    time.advance(200)
    expect(await ask(endpoint)).toMatchObject([200, {}])
  })
})

it('refuses times that make no sense', () => {
  for (const options of [{ timeoutMs: 0 }, { timeoutMs: Number.NaN }, { maxAgeMs: -1 }]) {
    expect(() => healthEndpoint({}, options)).toThrow(
      expect.objectContaining({ code: 'KIT_HTTP_OPTION_INVALID' }),
    )
  }
})

describe('the life of a service', () => {
  let admin: AdminServer
  afterEach(() => admin.close(0))

  async function states(): Promise<unknown[]> {
    const paths = ['livez', 'startupz', 'readyz']
    return Promise.all(
      paths.map(async (path) => {
        const response = await fetch(`${admin.url}/${path}`)
        return [response.status, ((await response.json()) as { status: string }).status]
      }),
    )
  }

  it('is starting, ready, draining, and never ready again', async () => {
    let checks = 0
    const health = { counting: () => (checks += 1) }
    admin = await adminServer({ port: 0, starting: true, health })
    const live = [200, 'ok']
    expect(await states()).toEqual([live, [503, 'starting'], [503, 'starting']])
    expect(checks).toBe(0)
    admin.ready()
    expect(await states()).toEqual([live, live, live])
    admin.notReady()
    expect(await states()).toEqual([live, live, [503, 'draining']])
    admin.ready()
    expect(await states()).toEqual([live, live, [503, 'draining']])
  })

  it('is ready from the beginning where nobody says that it starts', async () => {
    admin = await adminServer({ port: 0 })
    expect(await states()).toEqual([
      [200, 'ok'],
      [200, 'ok'],
      [200, 'ok'],
    ])
  })
})
