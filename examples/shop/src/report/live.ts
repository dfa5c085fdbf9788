/** The view while the day goes on: what the gateway's own metrics say about the last moments. */

import type { Sample } from './scrape.ts'
import { quantileOf, sumOf } from './scrape.ts'
import { table } from './table.ts'

const duration = 'http_server_request_duration_seconds'

/** One look at the gateway. */
export interface Look {
  readonly atMs: number
  readonly samples: readonly Sample[]
}

/** The view at `now`, with rates since `before`. */
export function liveView(now: Look, before: Look | undefined): string {
  const elapsed = before === undefined ? 1 : (now.atMs - before.atMs) / 1000
  const since = (name: string, labels: Record<string, string> = {}): number =>
    sumOf(now.samples, name, labels) - (before === undefined ? 0 : sumOf(before.samples, name, labels))
  const requests = since(`${duration}_count`)
  const failed = serverErrors(now.samples) - (before === undefined ? 0 : serverErrors(before.samples))
  const deadlines = (result: string): number => sumOf(now.samples, 'http_server_deadlines_total', { result })
  const active = sumOf(now.samples, 'http_server_active_requests')
  const delay = sumOf(now.samples, 'nodejs_eventloop_delay_p99_seconds')
  return [
    `rate ${(requests / elapsed).toFixed(0)}/s   errors ${(failed / elapsed).toFixed(1)}/s   active ${active}   ` +
      `event-loop delay p99 ${seconds(delay)}`,
    `deadlines ${deadlines('met')} met, ${deadlines('missed')} missed`,
    '',
    table(['route', 'requests', 'p50', 'p95', 'p99'], latencyRows(now.samples)),
  ].join('\n')
}

/** A row a route: how many requests, and the quantiles of their durations. */
export function latencyRows(samples: readonly Sample[]): string[][] {
  const routes = new Set(
    samples
      .filter(({ name }) => name === `${duration}_count`)
      .map(({ labels }) => labels['http_route'] ?? ''),
  )
  return [...routes].toSorted().map((route) => {
    const labels = { http_route: route }
    return [
      route === '' ? '(no route)' : route,
      String(sumOf(samples, `${duration}_count`, labels)),
      ...[0.5, 0.95, 0.99].map((q) => seconds(quantileOf(samples, duration, q, labels))),
    ]
  })
}

/** Seconds for people: `12.3 ms`. */
export function seconds(value: number): string {
  return Number.isNaN(value) ? '-' : `${(value * 1000).toFixed(1)} ms`
}

function serverErrors(samples: readonly Sample[]): number {
  let sum = 0
  for (const { name, labels, value } of samples) {
    if (name === `${duration}_count` && labels['http_response_status_code']?.startsWith('5') === true)
      sum += value
  }
  return sum
}
