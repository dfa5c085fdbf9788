import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { root } from './demo.ts'
import { binaryOf } from './lines.ts'

const lines = ['node22', 'node24', 'node26'].map((line) => ({ line, binary: binaryOf(line) }))

describe("OpenTelemetry's SDK 3 exports what was recorded and logged", () => {
  for (const { line, binary } of lines) {
    it.skipIf(binary === undefined)(`on ${line} (skipped where it is not installed)`, async () => {
      const program = join(root, 'tests/opentelemetry/run.ts')
      const { stdout } = await promisify(execFile)(binary!, [program], { cwd: root, timeout: 60_000 })
      const results = stdout.trim().split('\n')
      expect(results.filter((result) => !result.startsWith('passed: '))).toEqual([])
      expect(results.length).toBeGreaterThanOrEqual(18)
    })
  }
})
