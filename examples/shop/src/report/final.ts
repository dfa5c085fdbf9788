/** The report at the end: latencies, deadlines, and whether everything was counted. */

import type { RunningService } from '../services.ts'
import type { Ledger } from '../traffic/ledger.ts'
import { compare } from './conservation.ts'
import { fromLog, fromMemory, fromPage } from './gateway-counts.ts'
import { latencyRows, seconds } from './live.ts'
import type { Sample } from './scrape.ts'
import { scrape, sumOf } from './scrape.ts'
import { table } from './table.ts'

/** What the report is made from. */
export interface ReportInput {
  readonly truth: Ledger
  readonly gateway: RunningService
  readonly inventory: RunningService
  readonly logFile: string
  /** Whether the log is still there when somebody reads the report. */
  readonly keepsLog: boolean
}

/** The report, and whether everything in it is as it must be. */
export async function finalReport({ truth, gateway, inventory, logFile, keepsLog }: ReportInput): Promise<{
  text: string
  conserved: boolean
}> {
  const page = await settledPage(gateway.adminUrl)
  const log = await fromLog(logFile)
  const counts = [fromPage(page), await fromMemory(gateway.adminUrl), log.ledger]
  const comparisons = compare(truth, counts)
  const different = comparisons.filter((line) => !line.equal).length
  const conserved = different === 0 && truth.surprises.length === 0 && truth.total > 0

  const text = [
    heading('Latency at the gateway'),
    table(['route', 'requests', 'p50', 'p95', 'p99'], latencyRows(page)),
    heading('Deadlines'),
    deadlineLine('gateway', page),
    deadlineLine('inventory', await scrape(inventory.adminUrl)),
    heading('Log'),
    `${log.debugLines} debug lines${keepsLog ? ` in ${logFile}` : ''}`,
    heading('Conservation: what the shoppers sent and got, and what the gateway counted'),
    table(
      ['method', 'route', 'status', 'shoppers', '/metrics', '/metrics.json', 'log lines', ''],
      [
        ...comparisons.map(({ method, route, status, sent, counted, equal }) => [
          method,
          route === '' ? '(no route)' : route,
          status === '' ? 'left' : status,
          sent,
          ...counted,
          equal ? 'equal' : 'DIFFERENT',
        ]),
        [
          'total',
          '',
          '',
          truth.total,
          ...counts.map((ledger) => ledger.total),
          conserved ? 'equal' : 'DIFFERENT',
        ],
      ],
    ),
    ...truth.surprises.slice(0, 10).map((surprise) => `unplanned: ${surprise}`),
    '',
    conserved
      ? `All ${truth.total} requests are accounted for, in ${comparisons.length} lines of ${comparisons.length}.`
      : `NOT conserved: ${different} of ${comparisons.length} lines differ, ${truth.surprises.length} unplanned ends.`,
  ].join('\n')
  return { text, conserved }
}

/** The page once the gateway has seen the end of every request; a shopper who hung up is noticed a moment later. */
async function settledPage(adminUrl: string): Promise<Sample[]> {
  for (let attempt = 0; ; attempt += 1) {
    const page = await scrape(adminUrl)
    if (sumOf(page, 'http_server_active_requests') === 0 || attempt === 100) return page
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function deadlineLine(service: string, page: readonly Sample[]): string {
  const count = (result: string): number => sumOf(page, 'http_server_deadlines_total', { result })
  const delay = sumOf(page, 'nodejs_eventloop_delay_p99_seconds')
  return `${service}: ${count('met')} met, ${count('missed')} missed, ${count('expired')} expired on arrival; event-loop delay p99 ${seconds(delay)}`
}

function heading(text: string): string {
  return `\n${text}\n${'─'.repeat(text.length)}`
}
