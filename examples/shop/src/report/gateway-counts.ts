/** How often the gateway says that each entry occurred, by its three independent witnesses. */

import { readFile } from 'node:fs/promises'
import type { MemoryData } from '@kit/metrics/memory'
import { Ledger } from '../traffic/ledger.ts'
import type { Sample } from './scrape.ts'

/** What the Prometheus page says. */
export function fromPage(samples: readonly Sample[]): Ledger {
  const ledger = new Ledger()
  for (const { name, labels, value } of samples) {
    if (name !== 'http_server_request_duration_seconds_count') continue
    const {
      http_request_method: method = '',
      http_route: route = '',
      http_response_status_code: status = '',
    } = labels
    ledger.add({ method, route, status }, value)
  }
  return ledger
}

/** What the in-memory sink says. */
export async function fromMemory(adminUrl: string): Promise<Ledger> {
  const response = await fetch(`${adminUrl}/metrics.json`)
  const { totals } = (await response.json()) as MemoryData
  const ledger = new Ledger()
  for (const metric of totals.metrics) {
    if (metric.kind !== 'histogram' || metric.name !== 'http.server.request.duration') continue
    for (const { labels, count } of metric.series) {
      const method = labels['http.request.method'] ?? ''
      const route = labels['http.route'] ?? ''
      ledger.add({ method, route, status: labels['http.response.status_code'] ?? '' }, count)
    }
  }
  return ledger
}

/** What the log says, and how many of its lines are for debugging only. */
export async function fromLog(file: string): Promise<{ ledger: Ledger; debugLines: number }> {
  const ledger = new Ledger()
  let debugLines = 0
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    if (line === '') continue
    const record = JSON.parse(line) as Record<string, unknown>
    if (record['level'] === 'debug') debugLines += 1
    if (record['msg'] !== 'request') continue
    const { method, route, status } = record
    ledger.add({
      method: String(method),
      route: String(route),
      status: typeof status === 'number' ? String(status) : '',
    })
  }
  return { ledger, debugLines }
}
