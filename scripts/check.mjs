// `pnpm check`: everything that must hold before a change lands, beyond the unit tests. Goes on after a failure,
// so that one run shows all there is to mend.

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkNode, install, root } from './setup.mjs'

const report = (name) => ['--reporter=default', '--reporter=json', `--outputFile.json=.reports/${name}.json`]

/** @type {[name: string, command: string, args: string[]][]} */
const steps = [
  ['build', 'turbo', ['run', 'build', '--output-logs=new-only']],
  ['types', 'tsc', ['-p', 'tsconfig.test.json']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'oxfmt', ['--check', '.']],
  ['unused code and dependencies', 'knip', []],
  ['packages as published', process.execPath, ['scripts/check-packages.mjs']],
  ['changesets', 'changeset', ['status']],
  ['integration', 'vitest', ['run', '--project', 'integration', ...report('integration')]],
  ['promises', process.execPath, ['tests/promises/dist/main.js']],
  ['unit tests on every line of Node', process.execPath, ['tests/matrix/run.mjs']],
]

checkNode()
if ((await install()) !== 0) process.exit(1)
mkdirSync(join(root, '.reports'), { recursive: true })

const failures = []
for (const [name, command, args] of steps) {
  const since = Date.now()
  console.log(`\n── ${name}`)
  const path = command === process.execPath ? command : join(root, 'node_modules/.bin', command)
  const { status } = spawnSync(path, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  console.log(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - since) / 1000).toFixed(1)} s`)
  if (status !== 0) failures.push(name)
  if (name === 'build' && status !== 0) break
}
console.log(failures.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failures.join(', ')}.`)
process.exit(failures.length === 0 ? 0 : 1)
