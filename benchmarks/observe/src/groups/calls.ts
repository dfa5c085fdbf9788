/* Calls of wrapped functions: what each way adds to a call. */
import type { Case } from '@kit-benchmarks/context/harness/suite.js'
import type { WrapperGroup } from '../targets.ts'
import * as ways from '../ways.ts'
import type { Subject, Way } from '../ways.ts'

const syncSubjects: readonly Subject[] = [
  (value) => value + 1,
  (value) => value + 2,
  (value) => value + 3,
  (value) => value + 4,
]

const asyncSubjects: readonly Subject[] = [
  async (value) => value + 1,
  async (value) => value + 2,
  async (value) => value + 3,
  async (value) => value + 4,
]

function caseOf(name: string, way: Way, subjects: readonly Subject[]): Case {
  return {
    name,
    async prepare() {
      const wrap = await way()
      const wrapped = subjects.map((fn, i) => wrap(`subject${i}`, fn))
      return (i) => wrapped[i & 3]!(i)
    },
  }
}

const isNumber = (result: unknown): boolean => typeof result === 'number'

const rivals: readonly [string, Way][] = [
  ['prom-client: startTimer + inc', ways.promClient],
  ['autometrics', ways.autometrics],
  ['OpenTelemetry: startActiveSpan, no SDK', ways.spansOfNobody],
  ['OpenTelemetry: startActiveSpan, SDK', ways.spansOfSdk],
]
const added: WrapperGroup['added'] = [
  { against: 'autometrics', atLeast: 20 },
  { against: 'OpenTelemetry: startActiveSpan, SDK', atLeast: 20 },
]

/** A function that returns at once. */
export const sync: WrapperGroup = {
  name: 'sync',
  title: 'call a function that adds two numbers',
  bare: 'a bare call',
  holds: isNumber,
  targets: [{ against: 'two readings of the clock', atLeast: 0.77 }],
  added,
  cases: [
    caseOf('kit: withMetrics', ways.withMetrics(1), syncSubjects),
    caseOf('a bare call', ways.bare, syncSubjects),
    caseOf('two readings of the clock', ways.twoReadings, syncSubjects),
    caseOf('kit: observe', ways.observe, syncSubjects),
    ...rivals.map(([name, way]) => caseOf(name, way, syncSubjects)),
  ],
}

/** A function that returns a promise. */
export const async: WrapperGroup = {
  name: 'async',
  title: 'await an async function that adds two numbers',
  bare: 'a bare call',
  awaits: 1,
  holds: isNumber,
  added,
  addsAtMost: 150,
  cases: [
    caseOf('kit: withMetrics', ways.withMetrics(1), asyncSubjects),
    caseOf('a bare call', ways.bare, asyncSubjects),
    caseOf('then and two readings of the clock', ways.twoReadingsOfPromise, asyncSubjects),
    caseOf('kit: observe', ways.observe, asyncSubjects),
    ...rivals.map(([name, way]) => caseOf(name, way, asyncSubjects)),
  ],
}

/** Without the clock. */
export const untimed: WrapperGroup = {
  name: 'untimed',
  title: 'call a function that adds two numbers, which is counted and not timed',
  note: 'Calls, outcomes and those under way are counted all the same. A wrapper can be no cheaper than a closure.',
  bare: 'a bare call',
  holds: isNumber,
  targets: [{ against: 'a closure', atLeast: 0.5 }],
  cases: [
    caseOf('kit: withMetrics, timeEvery 0', ways.withMetrics(0), syncSubjects),
    caseOf('a bare call', ways.bare, syncSubjects),
    caseOf('a closure', ways.closure, syncSubjects),
    caseOf('kit: withMetrics, timeEvery 16', ways.withMetrics(16), syncSubjects),
  ],
}

/** With everything on. */
export const spans: WrapperGroup = {
  name: 'spans',
  title: 'await an async function, with a span of the SDK around it',
  note: "kit's calls are counted, timed, and heard by a log besides.",
  bare: 'a bare call',
  awaits: 1,
  holds: isNumber,
  cases: [
    caseOf('kit: observe, SDK', ways.observeWithSpans, asyncSubjects),
    caseOf('a bare call', ways.bare, asyncSubjects),
    caseOf('OpenTelemetry: startActiveSpan, SDK', ways.spansOfSdk, asyncSubjects),
  ],
}
