import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseExposition } from '@kit/metrics/testing'
import { describe, expect, it } from 'vitest'
import { root } from './demo.ts'
import { binaryOf } from './lines.ts'

const clients = [
  { client: 'prom-client', line: 'node20' },
  // It needs Node 22.
  { client: '@prometheus-io/client', line: 'node26' },
].map((one) => ({ ...one, binary: binaryOf(one.line) }))

describe('the cluster aggregation adds up what kit counted in each process', () => {
  for (const { client, line, binary } of clients) {
    it.skipIf(binary === undefined)(`${client}, on ${line} (skipped where it is not installed)`, async () => {
      const program = join(root, 'tests/integration/cluster-service.mjs')
      const { stdout } = await promisify(execFile)(binary!, [program, client], { cwd: root, timeout: 60_000 })
      const page = parseExposition(stdout.replaceAll('\n\n', '\n'))
      const samples = page.flatMap((family) => family.samples)
      const value = (name: string, labels: object = {}): number | undefined =>
        samples.find(
          (sample) => sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels),
        )?.value
      expect(value('jobs_total', { kind: 'mail' })).toBe(3)
      expect(value('waiting')).toBe(30)
      expect(value('job_duration_seconds_bucket', { le: '0.1' })).toBe(0)
      expect(value('job_duration_seconds_bucket', { le: '1' })).toBe(2)
      expect(value('job_duration_seconds_sum')).toBe(0.75)
      expect(value('job_duration_seconds_count')).toBe(2)
    })
  }
})
