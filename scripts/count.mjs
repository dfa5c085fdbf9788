// Adds up what the runs in .reports/ counted and prints it in one plain line, the last of a run.

import { readFileSync, readdirSync } from 'node:fs'
import { root } from './setup.mjs'

let passed = 0
let failed = 0
let skipped = 0
for (const file of readdirSync(`${root}.reports`).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(`${root}.reports/${file}`, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests + (report.numFailedTestSuites > 0 && report.numFailedTests === 0 ? 1 : 0)
  skipped += report.numPendingTests ?? 0
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(passed > 0 && failed === 0 ? 0 : 1)
