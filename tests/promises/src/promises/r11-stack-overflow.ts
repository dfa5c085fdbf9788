/** R11: a stack overflow below kit's functions is an error like any other, on every line of Node. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Overflows } from '../children/overflow.ts'
import type { PublishedPromise, Trial } from '../promise.ts'

const script = fileURLToPath(new URL('../children/overflow.js', import.meta.url))
/** Small, so that a stack is full soon, and large enough for Express. */
const stackKiB = 256

export const promise: PublishedPromise = {
  id: 'R11',
  says: 'A stack that overflows below a context, a measured function, a log line or a request handler can be caught, ends no process, and leaves counts and ambient context as they were. Node 20 needs its release 20.20 for that, earlier ones end by themselves.',
  tiers: ['change', 'nightly'],
  speaksOf: ['packages/context/src', 'packages/observe/src', 'packages/http/src/observer.ts'],
  async run(trial) {
    const lines = nodes(trial)
    const times = trial.pick({ change: 10, nightly: 300, release: 300 })
    const found: Overflows[] = []
    let ended = 0
    for (const [i, node] of lines.entries()) {
      trial.progress(i, lines.length, 'lines of Node')
      const one = await overflows(node, times)
      if (one === undefined) ended += 1
      else found.push(one)
      // What one line shows, the others need not show again.
      if (one === undefined || isWrong(one)) break
    }
    const sum = (of: keyof Overflows): number => found.reduce((all, one) => all + one[of], 0)
    trial.figure({ what: 'lines of Node', value: lines.length, unit: 'lines' })
    trial.figure({ what: 'overflows', value: sum('tried'), unit: 'overflows' })
    trial.figure({ what: 'processes that one ended', value: ended, unit: 'processes', exactly: 0 })
    trial.figure({
      what: 'not given to the caller as RangeError',
      value: sum('notCaught'),
      unit: 'overflows',
      exactly: 0,
    })
    trial.figure({
      what: 'after which another context was ambient',
      value: sum('ambientLeft'),
      unit: 'overflows',
      exactly: 0,
    })
    trial.figure({ what: 'calls that were not counted', value: sum('callsLost'), unit: 'calls', exactly: 0 })
    trial.figure({
      what: 'ended calls that count as under way',
      value: sum('callsUnderWay'),
      unit: 'calls',
      exactly: 0,
    })
    trial.figure({
      what: 'requests that were answered otherwise than with 500, or 200 after it',
      value: sum('badAnswers'),
      unit: 'requests',
      exactly: 0,
    })
  },
  plants: [
    {
      bug: 'a call whose end finds the stack full is forgotten',
      file: 'observe/dist/wrap.js',
      // Indented as it is where the function is none that can be constructed.
      find: '                    meter.owedErrors += 1;',
      replace: '',
    },
    {
      bug: 'a promise is watched and another one is given out',
      file: 'observe/dist/settle.js',
      find: 'return followed;',
      replace: 'return promise;',
    },
    {
      bug: 'the ambient context is set and not taken back',
      file: 'context/dist/ambient.js',
      find: 'return state.storage.run(ctx, fn);',
      replace: 'state.storage.enterWith(ctx); return fn();',
    },
  ],
}

/** This Node and those that the matrix of the unit tests has; of Node 20 only from 20.20. */
function nodes({ checkout }: Trial): string[] {
  const installed = ['22', '24', '26']
    .map((line) => join(checkout, `tests/matrix/node_modules/node${line}/bin/node`))
    .filter((path) => existsSync(path))
  return [process.execPath, ...installed]
}

function isWrong({ tried: _tried, ...wrongs }: Overflows): boolean {
  return Object.values(wrongs).some((count) => count > 0)
}

/** Undefined if the process ended by itself. */
async function overflows(node: string, times: number): Promise<Overflows | undefined> {
  const text = await new Promise<string>((resolve) => {
    const args = [`--stack-size=${stackKiB}`, script, String(times)]
    // Node itself complains at length of each promise that it could not follow on a full stack.
    execFile(node, args, { maxBuffer: 2 ** 30 }, (error, stdout) => resolve(error === null ? stdout : ''))
  })
  return text === '' ? undefined : (JSON.parse(text) as Overflows)
}
