/**
 * S5: no name from outside reaches the prototype of all objects, and none loses its value for fear of that. Under Node's own
 * restrictions too, with what they cost: where `__proto__` throws, Node's HTTP parser ends the process at a header of that
 * name, before kit is reached; where intrinsics are frozen, pino cannot begin, so lines are text there.
 */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PrototypeNames } from '../programs/prototype-names.ts'
import type { PublishedPromise, Trial } from '../promise.ts'
import { inSchedule } from '../schedule.ts'
import { allSources } from '../tools/all-sources.ts'
import { programPath } from '../tools/programs.ts'

const permissions = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

/** Options of Node, of which each alone is what a hardened service may be started with. */
const restrictions: readonly (readonly string[])[] = [
  [],
  ['--disable-proto=delete'],
  ['--disable-proto=throw'],
  ['--frozen-intrinsics'],
  ['--disallow-code-generation-from-strings'],
  // Sockets are what a service is for; they need leave from Node 25 on.
  [
    permissions,
    '--allow-fs-read=*',
    ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
  ],
]

export const promise: PublishedPromise = {
  id: 'S5',
  says: 'No name from outside (of a label, header, field, member of JSON, variable or parameter) reaches the prototype of all objects, and each keeps its value or is refused; also under the restrictions that Node can be started with.',
  tiers: ['change', 'nightly'],
  speaksOf: allSources,
  async run(trial) {
    await names(trial)
    if (trial.tier !== 'change') await suites(trial)
  },
  plants: [
    {
      bug: 'attributes from the environment are members of an object',
      file: 'metrics/dist/sinks/opentelemetry/resource.js',
      find: 'attributes.set(key, value);\n    }\n    return attributes;',
      replace:
        'const plain = {};\n        plain[key] = value;\n        for (const name in plain) attributes.set(name, plain[name]);\n    }\n    return attributes;',
    },
    {
      bug: 'members of JSON are merged into an object, as deep as they go',
      file: 'log/dist/request-body.js',
      find: 'return Object.assign(Object.create(null), value);',
      replace:
        'const merge = (to, from) => { for (const [key, one] of Object.entries(from)) { if (one !== null && typeof one === "object") merge((to[key] ??= {}), one); else to[key] = one; } return to; };\n    return merge({}, value);',
    },
    {
      bug: 'parameters that every object has are passed over',
      file: 'metrics/dist/url/sink-from-url.js',
      find: 'this.#left.set(name, value);',
      replace: 'if (!(name in {})) this.#left.set(name, value);',
    },
    {
      bug: 'a function is made from a text',
      file: 'log/dist/condition.js',
      find: 'const parts = Object.assign(Object.create(null), when);',
      replace: 'const parts = new Function("when", "return Object.assign(Object.create(null), when)")(when);',
    },
  ],
}

const execute = promisify(execFile)

async function names(trial: Trial): Promise<void> {
  const found: PrototypeNames[] = []
  const broken: string[] = []
  await inSchedule({
    items: restrictions,
    jobs: 2,
    isAlone: () => false,
    async run(options) {
      const [restriction = 'no restriction'] = options
      try {
        const args = ['--no-warnings', ...options, programPath('prototype-names')]
        const { stdout } = await execute(process.execPath, args, { cwd: trial.folder })
        const one = JSON.parse(stdout) as PrototypeNames
        found.push(one)
        broken.push(...[...one.lost, ...one.changed].map((what) => `under ${restriction}: ${what}`))
      } catch (error) {
        broken.push(`under ${restriction}: ${(error as Error).message}`)
      }
      trial.progress(found.length, restrictions.length, 'restrictions')
    },
  })
  const sum = (of: (one: PrototypeNames) => number): number => found.reduce((all, one) => all + of(one), 0)
  trial.figure({
    what: 'restrictions of Node under which everything ran to its end, none among them',
    value: found.length,
    unit: 'restrictions',
    exactly: restrictions.length,
  })
  trial.figure({ what: 'names at places', value: sum(({ tried }) => tried), unit: 'names', atLeast: 1_000 })
  trial.figure({
    what: 'of these, values lost or changed, or taken though they are to be refused',
    value: sum(({ lost }) => lost.length),
    unit: 'names',
    exactly: 0,
  })
  trial.figure({
    what: 'members of built-in prototypes that were added or changed',
    value: sum(({ changed }) => changed.length),
    unit: 'members',
    exactly: 0,
  })
  if (broken.length > 0) throw new Error(broken.join('\n'))
}

/** Packages whose own tests run under each restriction that a test runner survives. */
const suitesOf = ['context', 'metrics', 'log', 'observe', 'http']
const survived = ['--disable-proto=throw', '--disallow-code-generation-from-strings', '--frozen-intrinsics']

interface SuiteReport {
  readonly numTotalTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

async function suites(trial: Trial): Promise<void> {
  const failed: string[] = []
  let tests = 0
  for (const [i, restriction] of survived.entries()) {
    trial.progress(i, survived.length, 'suites under a restriction')
    const file = join(trial.folder, `suite-${i}.json`)
    // oxlint-disable-next-line no-await-in-loop -- each takes all processors
    await vitest(trial.checkout, restriction, file)
    const report = JSON.parse(readFileSync(file, 'utf8')) as SuiteReport
    tests += report.numTotalTests
    for (const { name, status, message, assertionResults } of report.testResults) {
      const bad = assertionResults.filter((one) => one.status === 'failed')
      if (status === 'failed' && bad.length === 0) failed.push(`under ${restriction}: ${name}: ${message}`)
      failed.push(...bad.map(({ fullName }) => `under ${restriction}: ${fullName}`))
    }
  }
  trial.figure({
    what: "the packages' own tests under restrictions",
    value: tests,
    unit: 'tests',
    atLeast: 1_000,
  })
  trial.figure({ what: 'of these, failed', value: failed.length, unit: 'tests', exactly: 0 })
  if (failed.length > 0) throw new Error(failed.join('\n'))
}

async function vitest(checkout: string, restriction: string, file: string): Promise<void> {
  const program = join(checkout, 'node_modules/vitest/vitest.mjs')
  const args = [
    'run',
    '--project',
    'unit',
    '--reporter=json',
    `--outputFile=${file}`,
    `--execArgv=${restriction}`,
  ]
  const folders = suitesOf.map((name) => `packages/${name}/src`)
  try {
    await execute(process.execPath, [program, ...args, ...folders], { cwd: checkout, maxBuffer: 2 ** 28 })
  } catch {
    // That tests failed is in the report.
  }
}
