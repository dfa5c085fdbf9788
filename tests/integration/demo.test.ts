import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePair, options, root, startDemo, watch } from './demo.ts'

describe('the demo', () => {
  it('runs for its time, changes the level over HTTP, and accounts for every request', async () => {
    const demo = await startDemo('--duration', '8', '--seed', '7')
    const { code, output } = await demo.ended
    expect(output).toMatch(/PUT \S+\/log\/levels \{"level":"debug"\} → 200/)
    expect(output).toMatch(/PUT \S+\/log\/levels \{"level":"info"\} → 200/)
    expect(output).toMatch(/All \d{3,} requests are accounted for/)
    expect(output).not.toContain('DIFFERENT')
    const debugLines = Number(/^(\d+) debug lines/m.exec(output)?.[1])
    expect(debugLines).toBeGreaterThan(0)
    expect(code).toBe(0)
  })

  it('drains and reports when it is interrupted', async () => {
    const demo = await startDemo('--duration', '600')
    await demo.says(' 0 s  rate')
    const inventory = async (): Promise<string> => (await fetch(`${demo.inventoryAdminUrl}/metrics`)).text()
    const patience = { timeout: 60_000, interval: 500 }
    for (const line of [
      /http_server_request_duration_seconds_count\{.*"\/items\/:sku"/,
      /http_server_deadlines_total\{.*"met".*\} [1-9]/, // the gateway's deadlines, which crossed
      /function_calls_total\{.*"inventory\.findItem"/,
    ])
      await expect.poll(inventory, patience).toMatch(line)
    demo.process.kill('SIGINT')
    const { code, output } = await demo.ended
    expect(output).toContain('drained')
    expect(output).toMatch(/All \d+ requests are accounted for/)
    expect(code).toBe(0)
  })

  it('says in one line that a port is in use', async () => {
    const port = await freePair()
    const squatter = createServer().listen(port, '127.0.0.1')
    const demo = await startDemo('--duration', '5', '--port', String(port))
    const { code, output } = await demo.ended
    squatter.close()
    expect(code).toBe(1)
    expect(output.trim().split('\n').slice(1)).toEqual([`demo: gateway: port ${port} is in use`])
  })

  it('says what is wrong with its arguments', async () => {
    const { code, output } = await watch(
      spawn(process.execPath, ['examples/shop/dist/main.js', '--rate', 'much'], options()),
    ).ended
    expect(code).toBe(2)
    expect(output).toMatch(/^demo: --rate must be a number from 1 to 5000; got "much"/)
  })
})

describe('the launcher', () => {
  it('says in one line that the npm registry cannot be reached', async () => {
    const fresh = await mkdtemp(join(tmpdir(), 'kit-fresh-'))
    const needed = [
      'package.json',
      'pnpm-workspace.yaml',
      'pnpm-lock.yaml',
      'scripts',
      'packages',
      'examples',
    ]
    const filter = (path: string): boolean => !/[\\/](node_modules|dist|src)$/.test(path)
    for (const name of needed) await cp(join(root, name), join(fresh, name), { recursive: true, filter })
    const env = {
      ...process.env,
      pnpm_config_registry: 'http://127.0.0.1:9',
      pnpm_config_store_dir: join(fresh, 'store'),
      pnpm_config_cache_dir: join(fresh, 'cache'),
    }
    const { code, output } = await watch(
      spawn(process.execPath, ['scripts/demo.mjs'], { ...options(), cwd: fresh, env }),
    ).ended
    await rm(fresh, { recursive: true })
    expect(code).toBe(1)
    expect(output.trim().split('\n').at(-1)).toMatch(
      /^The npm registry cannot be reached, so nothing can be installed/,
    )
  })

  it('says in one line that Node is too old', async () => {
    const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } })`
    const { code, output } = await watch(
      spawn(process.execPath, ['--import', older, 'scripts/demo.mjs'], options()),
    ).ended
    expect([code, output]).toEqual([1, 'kit needs Node 20.19 or newer; this is 20.18.3.\n'])
  })
})
