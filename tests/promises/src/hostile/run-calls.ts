/** Calls a subject many times with hostile values and notes whatever comes out that should not. */

import fc from 'fast-check'
import { codeOf, textOf } from './subject.ts'
import type { Call, Given, MakeSubject } from './subject.ts'
import { hostile, hostileTexts } from './values.ts'

/** What became of the calls. */
export interface CallsReport {
  readonly calls: number
  /** Calls that threw, or whose promise was rejected. */
  readonly thrown: number
  /** Errors that a contract says. */
  readonly refused: number
  /** Errors that came out of no call: uncaught exceptions and unhandled rejections. */
  readonly stray: number
  /** What was swallowed and counted nowhere. */
  readonly uncounted: number
  /** The first of each, in words. */
  readonly examples: readonly string[]
}

/** So many calls are audited together. */
const batchSize = 500
const mostExamples = 10
/** With so many there is something to mend, and no need to go on. */
const enough = 3
/** A promise that does not settle by then has nothing to throw. */
const patienceMs = 2_000

/** Names that are made up stay, and would make everything slower and slower: after so many calls a subject is made anew. */
const freshAfter = 5_000

/** Calls each of the subject's functions in turn, `count` calls in all. Only for a process of its own: it listens for strays. */
export async function runCalls(
  make: MakeSubject,
  count: number,
  seed: number,
  onProgress: (done: number) => void = () => {},
): Promise<CallsReport> {
  const report = { calls: 0, thrown: 0, refused: 0, stray: 0, uncounted: 0 }
  const examples: string[] = []
  const note = (example: string): void => {
    if (examples.length < mostExamples) examples.push(example)
  }
  const onStray = (error: unknown): void => {
    report.stray += 1
    note(`out of nowhere: ${textOf(error)}`)
  }
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)
  try {
    let subject = await make()
    for (let batch = 0; report.calls < count && examples.length < enough; batch++) {
      const size = Math.min(batchSize, count - report.calls)
      const calls = Object.entries(subject.calls)
      for (const given of givens(size, seed + batch)) {
        const [name, call] = calls[report.calls % calls.length]!
        report.calls += 1
        const error = await outcome(call, given)
        if (error === undefined) continue
        if (call.refuses.includes(codeOf(error.thrown))) report.refused += 1
        else {
          report.thrown += 1
          note(`${name}(${given.values.map(({ what }) => what).join(', ')}) threw ${textOf(error.thrown)}`)
        }
      }
      const missing = await subject.audit()
      report.uncounted += missing.length
      for (const what of missing) note(`not counted: ${what}`)
      onProgress(report.calls)
      if (report.calls % freshAfter !== 0 || report.calls >= count) continue
      await subject.close()
      subject = await make()
    }
    await subject.close()
    // What is left behind by a call may still fail.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('uncaughtException', onStray)
    process.off('unhandledRejection', onStray)
  }
  return { ...report, examples }
}

const given: fc.Arbitrary<Given> = fc.record({
  values: fc.tuple(hostile, hostile, hostile),
  text: hostileTexts,
  dice: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
})

function givens(count: number, seed: number): Given[] {
  return fc.sample(given, { numRuns: count, seed })
}

/** What a call threw; undefined if it did not. */
async function outcome(call: Call, one: Given): Promise<{ thrown: unknown } | undefined> {
  try {
    const result = call.run(one)
    // Not `await` for all: a hostile value that was handed back would be asked for its `then`.
    if (result instanceof Promise) await Promise.race([result, later()])
    return undefined
  } catch (thrown) {
    return { thrown }
  }
}

function later(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, patienceMs).unref()
  })
}
