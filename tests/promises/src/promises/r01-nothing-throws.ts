/** R1: setting up may throw; what runs afterwards throws nothing, whatever it is given, and counts what it swallows. */

import { once } from 'node:events'
import type { CallsReport } from '../hostile/run-calls.ts'
import { subjectNames } from '../hostile/subjects.ts'
import type { CallsNews, CallsOrder } from '../programs/hostile-calls.ts'
import type { PublishedPromise, Trial } from '../promise.ts'
import { forkProgram } from '../tools/programs.ts'

/** Calls that one process makes: enough for its warm-up not to count, few enough for what leaks to be seen. */
const sliceCalls = 100_000
const atOnce = 2

export const promise: PublishedPromise = {
  id: 'R1',
  says: 'Setting up may throw; nothing else does, whatever it is given: no exception, no rejection, nothing uncaught, and every error that is swallowed is counted.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/context/src',
    'packages/metrics/src',
    'packages/log/src',
    'packages/observe/src',
    'packages/http/src',
  ],
  async run(trial) {
    const each = trial.pick({ change: 20_000, nightly: 1_000_000, release: 1_000_000 })
    const slices = slicesOf(each, trial.seed)
    const reports = await inParallel(trial, slices)
    const examples: string[] = []
    for (const name of subjectNames) {
      const own = reports.filter(({ order }) => order.subject === name).map(({ report }) => report)
      const figures: [string, string, keyof CallsReport, { exactly?: number; atLeast?: number }][] = [
        ['calls', 'calls', 'calls', { exactly: each }],
        ['calls that threw', 'calls', 'thrown', { exactly: 0 }],
        ['exceptions and rejections out of nowhere', 'errors', 'stray', { exactly: 0 }],
        ['findings of what was swallowed and not counted', 'findings', 'uncounted', { exactly: 0 }],
        ['calls that their contract refuses, by its code', 'calls', 'refused', {}],
      ]
      for (const [what, unit, key, bound] of figures) {
        const value = sum(own.map((report) => Number(report[key])))
        trial.figure({ what: `${name}: ${what}`, value, unit, ...bound })
      }
      examples.push(...own.flatMap((report) => report.examples).map((example) => `${name}: ${example}`))
    }
    // The figures say how many; this says which.
    if (examples.length > 0) throw new Error(examples.slice(0, 20).join('\n'))
  },
  plants: [
    {
      bug: 'what a hostile label throws comes out of a recording',
      file: 'metrics/dist/verbs.js',
      find: "catch {\n            this.#registry.drops.count('bad_labels');",
      replace: 'catch (error) {\n            throw error;',
    },
    {
      bug: 'labels that do not fit are dropped and not counted',
      file: 'metrics/dist/instrument.js',
      find: "if (given === undefined || (this.only !== null && countKeys(given) > 0))\n                this.#drops.count('bad_labels');",
      replace:
        'if (given === undefined || (this.only !== null && countKeys(given) > 0))\n                return;',
    },
    {
      bug: 'an error that is logged is taken for one that can be looked at',
      file: 'observe/dist/lines.js',
      find: "return error instanceof RangeError && error.message === 'Maximum call stack size exceeded';\n    }\n    catch {",
      replace:
        "return error instanceof RangeError && error.message === 'Maximum call stack size exceeded';\n    }\n    catch (poison) {\n        throw poison;",
    },
    {
      bug: 'a callback that throws is not counted',
      file: 'http/dist/instruments.js',
      find: 'failedCallbacks.inc({ callback });',
      replace: '',
    },
  ],
}

/** One process's part. */
interface Slice {
  readonly order: CallsOrder
  readonly report: CallsReport
}

function slicesOf(each: number, seed: number): CallsOrder[] {
  const orders: CallsOrder[] = []
  for (let from = 0; from < each; from += sliceCalls) {
    for (const subject of subjectNames) {
      orders.push({ subject, calls: Math.min(sliceCalls, each - from), seed: seed * 1_000_003 + from })
    }
  }
  return orders
}

async function inParallel(trial: Trial, orders: readonly CallsOrder[]): Promise<Slice[]> {
  const total = sum(orders.map(({ calls }) => calls))
  const done = new Map<CallsOrder, number>()
  const slices: Slice[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let order = orders[next++]; order !== undefined && !isBroken(slices); order = orders[next++]) {
      const own = order
      const report = await callsOf(own, (calls) => {
        done.set(own, calls)
        trial.progress(sum(done.values()), total, 'calls')
      })
      slices.push({ order: own, report })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return slices
}

/** Whether one of them has something to tell already: then the others are not needed. */
function isBroken(slices: readonly Slice[]): boolean {
  return slices.some(({ report }) => report.examples.length > 0)
}

/** Rejects if the process ends without a report: something ended it. */
async function callsOf(order: CallsOrder, onDone: (calls: number) => void): Promise<CallsReport> {
  const program = forkProgram('hostile-calls', [JSON.stringify(order)])
  let report: CallsReport | undefined
  program.on('message', (message) => {
    const news = message as CallsNews
    if ('report' in news) report = news.report
    else onDone(news.done)
  })
  const [code, signal] = (await once(program, 'exit')) as [number | null, string | null]
  if (report === undefined) throw new Error(`the calls of ${order.subject} ended with ${code ?? signal}`)
  return report
}

function sum(numbers: Iterable<number>): number {
  let all = 0
  for (const one of numbers) all += one
  return all
}
