// Adds up what the runs in .reports/ counted and prints it in one plain line, the last of a run.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { root } from './setup.mjs'

const promises = `${root}.reports/promises`
let passed = 0
let failed = 0
let skipped = 0
for (const file of readdirSync(`${root}.reports`).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(`${root}.reports/${file}`, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests + (report.numFailedTestSuites > 0 && report.numFailedTests === 0 ? 1 : 0)
  skipped += report.numPendingTests ?? 0
}
// The promises have reports of their own kind: a promise is a test, and so is each bug that was planted for it.
const reports = existsSync(promises) ? readdirSync(promises).filter((name) => name.endsWith('.json')) : []
for (const name of reports) {
  const { outcomes, findings } = JSON.parse(readFileSync(`${promises}/${name}`, 'utf8'))
  const verdicts = (outcomes ?? findings).map(({ verdict }) => verdict)
  passed += verdicts.filter((verdict) => verdict === 'kept' || verdict === 'caught').length
  failed += verdicts.filter((verdict) => verdict === 'broken' || verdict === 'missed').length
  skipped += verdicts.filter((verdict) => verdict === 'skipped').length
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(passed > 0 && failed === 0 ? 0 : 1)
