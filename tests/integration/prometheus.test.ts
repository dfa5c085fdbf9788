import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePair, startDemo } from './demo.ts'
import type { Demo } from './demo.ts'

const installed = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

let demo: Demo

beforeAll(async () => {
  demo = await startDemo('--duration', '600')
  await demo.says(' 3 s  rate')
})
afterAll(async () => {
  demo.process.kill('SIGINT')
  await demo.ended
})

describe.skipIf(!installed('promtool'))('promtool (skipped where it is not installed)', () => {
  it('finds nothing wrong with the page of a gateway under load', async () => {
    const page = await (await fetch(`${demo.adminUrl}/metrics`)).text()
    expect(page).toContain('http_server_request_duration_seconds_bucket')
    expect(execFileSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })).toBe('')
  })
})

describe.skipIf(!installed('prometheus'))('Prometheus (skipped where it is not installed)', () => {
  it('scrapes both services, and answers PromQL with what the gateway counted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kit-prometheus-'))
    const port = await freePair()
    const admin = new URL(demo.adminUrl)
    const targets = [admin.host, `${admin.hostname}:${Number(admin.port) + 1}`]
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets }] }],
    }
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config)) // JSON is YAML
    const prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    )
    const query = async (promql: string): Promise<number> => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(promql)}`
      const response = await fetch(url).catch(() => undefined)
      const answer = (await response?.json()) as
        | { data: { result: { value: [number, string] }[] } }
        | undefined
      return Number(answer?.data.result[0]?.value[1])
    }
    try {
      await expect.poll(() => query('sum(up)'), { timeout: 60_000, interval: 200 }).toBe(2)
      const total = 'sum(http_server_request_duration_seconds_count{http_route="/items/:sku"})'
      await expect.poll(() => query(total), { timeout: 60_000, interval: 200 }).toBeGreaterThan(10)
      await expect
        .poll(() => query('sum(rate(http_server_request_duration_seconds_count[5s]))'), {
          timeout: 60_000,
          interval: 200,
        })
        .toBeGreaterThan(0)
      expect(await query('count(function_calls_total{function="inventory.findItem"}) > 0')).toBeGreaterThan(0)
    } finally {
      prometheus.kill()
      await new Promise((resolve) => prometheus.once('exit', resolve))
      await rm(folder, { recursive: true })
    }
  })
})
