/** R9: a wall clock that jumps or stands still moves no deadline and spoils no duration. */

import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { background } from '@kit/context'
import type { ManualClock } from '@kit/context/testing'
import { manualClock } from '@kit/context/testing'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { withMetrics } from '@kit/observe'
import fc from 'fast-check'
import type { ClockFaults } from '../children/clock-faults.ts'
import type { PublishedPromise, Trial } from '../promise.ts'

const script = fileURLToPath(new URL('../children/clock-faults.js', import.meta.url))
const hourMs = 3_600_000

export const promise: PublishedPromise = {
  id: 'R9',
  says: 'A wall clock that jumps or stands still moves no deadline and no time to live, makes no duration negative or longer than what passed, and stamps nothing for StatsD.',
  tiers: ['change', 'nightly'],
  needs: ['faketime'],
  // Its figures say how late something was.
  alone: true,
  speaksOf: [
    'packages/context/src/clock.ts',
    'packages/context/src/context-node.ts',
    'packages/log/src/level-tree.ts',
    'packages/log/src/override.ts',
    'packages/metrics/src/expiry.ts',
    'packages/metrics/src/sinks/statsd',
    'packages/observe/src/meter.ts',
    'packages/http/src/observer.ts',
  ],
  async run(trial) {
    const service = await withFakedClock(trial)
    trial.figure({ what: 'jumps of a real service', value: service.jumps, unit: 'jumps', atLeast: 20 })
    trial.figure({ what: 'ends that were awaited', value: service.ends, unit: 'ends', atLeast: 12 })
    trial.figure({ what: 'the earliest end, too early by', value: service.early, unit: 'ms', atMost: 0 })
    // A jump that counted would be an hour.
    trial.figure({ what: 'the latest end, too late by', value: service.late, unit: 'ms', atMost: 1_000 })
    trial.figure({ what: 'the least mean duration', value: service.shortest, unit: 'ms', atLeast: 0 })
    trial.figure({ what: 'durations beyond what passed', value: service.excess, unit: 'ms', atMost: 0 })
    trial.figure({ what: 'StatsD lines', value: service.statsdLines, unit: 'lines', atLeast: 10 })
    trial.figure({
      what: 'StatsD lines with a time',
      value: service.statsdTimes,
      unit: 'lines',
      exactly: 0,
    })
    const runs = trial.pick({ change: 500, nightly: 50_000, release: 50_000 })
    const wrong = await withInjectedClock(trial, runs)
    trial.figure({ what: 'histories on an injected clock', value: runs, unit: 'histories' })
    trial.figure({ what: 'moments of them with something wrong', value: wrong, unit: 'moments', exactly: 0 })
  },
  plants: [
    {
      bug: 'time is measured by the wall clock',
      file: 'context/dist/clock.js',
      find: 'platform.now() :',
      replace: 'Date.now() :',
    },
    {
      bug: 'the age of a series is taken from the wall clock',
      file: 'metrics/dist/expiry.js',
      find: 'const now = clock.now();',
      replace: 'const now = clock.wallTime();',
    },
    {
      bug: 'the end of a temporary level is watched on the wall clock',
      file: 'log/dist/level-tree.js',
      find: 'timer: clock.setTimer(ttlMs,',
      replace: 'timer: clock.setTimer(ttlMs + clock.wallTime() - Date.UTC(2020, 0, 1),',
    },
  ],
}

async function withFakedClock(trial: Trial): Promise<ClockFaults> {
  const library = execFileSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
  const file = join(trial.folder, 'clock')
  const forMs = trial.pick({ change: 2_000, nightly: 60_000, release: 60_000 })
  const { stdout } = await promisify(execFile)(process.execPath, [script, file, String(forMs)], {
    env: {
      ...process.env,
      LD_PRELOAD: library.trim(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      // What the operating system promises, it keeps: the monotonic clock does not jump.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    timeout: forMs + 20_000,
  })
  return JSON.parse(stdout) as ClockFaults
}

/** What may happen next on an injected clock: time passes, or the wall clock is set to another time than it should have. */
type Step = { readonly passMs: number } | { readonly wallMs: number }

const steps = fc.array(
  fc.oneof(
    fc.record({ passMs: fc.integer({ min: 0, max: 5_000 }) }),
    fc.record({ wallMs: fc.constantFrom(-hourMs, hourMs, 0, 1, -1, 1e15, -1e12) }),
  ),
  { minLength: 1, maxLength: 20 },
)

/** Histories of such steps. Returns how many moments in them had something wrong. */
async function withInjectedClock(trial: Trial, runs: number): Promise<number> {
  let wrong = 0
  const histories = fc.sample(fc.tuple(steps, fc.integer({ min: 1, max: 20_000 })), {
    numRuns: runs,
    seed: trial.seed,
  })
  for (const [i, [history, ttlMs]] of histories.entries()) {
    trial.progress(i, runs, 'histories')
    wrong += await wrongMoments(history, ttlMs)
  }
  return wrong
}

async function wrongMoments(history: readonly Step[], ttlMs: number): Promise<number> {
  const clock = manualClock()
  const metrics = createMetrics()
  const log = createLogger({ destination: { write: () => true } })
  metrics.counter('mortal', { labels: ['at'], ttlMs }).inc({ at: 'now' })
  log.levels.set('', 'debug', { ttlMs })
  using timed = background.withTimeout(ttlMs)
  using dated = background.withDeadline(new Date(clock.wallTime() + ttlMs))
  let finish = (): void => {}
  const call = withMetrics('call', () => new Promise<void>((resolve) => (finish = resolve)), { metrics })()
  let passedMs = 0
  let wrong = 0
  for (const step of history) {
    passedMs += apply(clock, step)
    const isOver = passedMs >= ttlMs
    const series = metrics.snapshot().metrics.find(({ name }) => name === 'mortal')?.series.length
    if ((timed.err !== undefined) !== isOver) wrong += 1
    if ((dated.err !== undefined) !== isOver) wrong += 1
    if (timed.remaining !== Math.max(0, ttlMs - passedMs)) wrong += 1
    if ((log.levels.get().level === 'info') !== isOver) wrong += 1
    // It is looked after every quarter of its time, or every 10 ms, and is young when it is first looked at.
    if (series === 0 && !isOver) wrong += 1
    if (series !== 0 && passedMs >= ttlMs * 1.5 + 20) wrong += 1
  }
  finish()
  await call
  const durations = metrics.snapshot().metrics.find(({ name }) => name === 'function.duration')?.series[0]
  const measured = durations !== undefined && 'sum' in durations ? durations.sum * 1_000 : Number.NaN
  if (!(Math.abs(measured - passedMs) < 0.001)) wrong += 1
  await metrics.shutdown()
  clock[Symbol.dispose]()
  return wrong
}

/** How much time the step lets pass. */
function apply(clock: ManualClock, step: Step): number {
  if ('passMs' in step) {
    clock.advance(step.passMs)
    return step.passMs
  }
  clock.setWallTime(clock.wallTime() + step.wallMs)
  return 0
}
