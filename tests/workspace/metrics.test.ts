import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createObserver } from '@kit/http'
import { observeClient } from '@kit/http/client'
import type { MetricSource } from '@kit/metrics'
import { createMetrics } from '@kit/metrics'
import { runtimeMetrics } from '@kit/metrics/runtime'
import { collectWorkers } from '@kit/metrics/workers'
import { observe } from '@kit/observe'
import { expect, it } from 'vitest'
import { root } from './repository.ts'

/** `| name | kind | unit | labels |` for each metric that the packages declare, as the document writes it. */
function declared(): string[] {
  const metrics = createMetrics()
  let source: MetricSource | undefined
  metrics.attach({ name: 'look', start: (given) => void (source = given) })
  createObserver({ metrics, log: false, bodySizes: true })
  observeClient(globalThis.fetch, { metrics })
  observe('f', () => 1, { metrics, labels: () => ({}) })
  const runtime = runtimeMetrics(metrics)
  const workers = collectWorkers(metrics)
  source?.collect()
  const code = (text: string): string => (text === '' ? '–' : `\`${text}\``)
  const rows = (source?.instruments() ?? []).map(({ name, kind, unit, labelNames }) =>
    [code(name), kind, code(unit), labelNames.length === 0 ? '–' : labelNames.map(code).join(', ')].join(
      ' | ',
    ),
  )
  runtime[Symbol.dispose]()
  workers[Symbol.dispose]()
  return rows
}

it('docs/metrics.md lists every metric that the packages emit, with kind, unit and labels, and no other', () => {
  const [text = ''] = readFileSync(join(root, 'docs/metrics.md'), 'utf8').split('\n## Coming from')
  const listed = [...text.matchAll(/^\| (`.+)$/gm)].map(([, row = '']) =>
    row
      .split('|')
      .slice(0, 4)
      .map((cell) => cell.trim())
      .join(' | '),
  )
  expect(listed.toSorted()).toEqual(declared().toSorted())
})
