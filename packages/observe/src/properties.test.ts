import { background, isCanceled } from '@kit/context'
import type { Context } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import { createMetrics } from '@kit/metrics'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { observe } from './observe.ts'
import { readingsOf } from './testing/readings.ts'
import { withMetrics } from './with-metrics.ts'

let clock: ReturnType<typeof manualClock>
beforeEach(() => {
  clock = manualClock()
})
afterEach(() => clock[Symbol.dispose]())

/** A call, how it goes about it, and the calls that it makes itself. */
interface Program {
  readonly kind: 'sync' | 'async' | 'generator' | 'asyncGenerator' | 'thenable' | 'callback'
  readonly ends: 'ok' | 'throws' | 'cancels'
  /** After how many steps a generator is abandoned; more than it has: it is not. */
  readonly steps: number
  readonly inner: readonly Program[]
}

const { program } = fc.letrec<{ program: Program }>((tie) => ({
  program: fc.record({
    kind: fc.constantFrom('sync', 'async', 'generator', 'asyncGenerator', 'thenable', 'callback'),
    ends: fc.constantFrom('ok', 'throws', 'cancels'),
    steps: fc.integer({ min: 0, max: 4 }),
    inner: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constant([]),
      fc.array(tie('program'), { maxLength: 3 }),
    ),
  }),
}))

const canceled = background.withCancel()
canceled.cancel('not wanted any more')

function finish(ends: Program['ends']): string {
  if (ends === 'throws') throw new TypeError('no')
  if (ends === 'cancels') canceled.throwIfDone()
  return 'done'
}

/** What a program should have been counted as. Generators that were never begun are not counted. */
function expected(programs: readonly Program[], counts: Record<string, number>, begun = true): typeof counts {
  for (const { kind, ends, steps, inner } of programs) {
    const isGenerator = kind === 'generator' || kind === 'asyncGenerator'
    const isBegun = begun && (!isGenerator || steps > 0)
    if (!isBegun) continue
    // It yields twice, then does its work: who takes fewer steps abandons it.
    const isAbandoned = isGenerator && steps < 3
    const outcome = isAbandoned || ends === 'ok' ? 'ok' : ends === 'throws' ? 'error' : 'canceled'
    counts[outcome] = (counts[outcome] ?? 0) + 1
    if (!isAbandoned) expected(inner, counts)
  }
  return counts
}

type Wrapped = ReturnType<typeof wrapped>

function wrapped(wrap: <F extends (...args: never[]) => unknown>(fn: F, callback?: number) => F) {
  const run = async (programs: readonly Program[]): Promise<void> => {
    for (const one of programs) await call(one)
  }
  const functions = {
    sync: wrap((_ctx: Context, one: Program): string => {
      clock.advance(1)
      return finish(one.ends)
    }),
    async: wrap(async (_ctx: Context, one: Program): Promise<string> => {
      await run(one.inner)
      return finish(one.ends)
    }),
    generator: wrap(function* (_ctx: Context, one: Program): Generator<number, string> {
      yield 1
      yield 2
      return finish(one.ends)
    }),
    asyncGenerator: wrap(async function* (_ctx: Context, one: Program): AsyncGenerator<number, string> {
      yield 1
      yield 2
      await run(one.inner)
      return finish(one.ends)
    }),
    thenable: wrap((_ctx: Context, one: Program) => ({
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) =>
        void run(one.inner)
          .then(() => finish(one.ends))
          .then(resolve, reject),
    })),
    callback: wrap((_ctx: Context, one: Program, done: (error: unknown, value?: string) => void): void => {
      void run(one.inner)
        .then(() => finish(one.ends))
        .then((value) => done(null, value), done)
    }, 2),
  }
  const call = async (one: Program): Promise<void> => {
    try {
      if (one.kind === 'sync') functions.sync(background, one)
      else if (one.kind === 'callback') {
        await new Promise<void>((resolve) => functions.callback(background, one, () => resolve()))
      } else if (one.kind === 'generator' || one.kind === 'asyncGenerator') {
        const generator = functions[one.kind](background, one)
        let step = 0
        while (step < one.steps && (await generator.next()).done !== true) step += 1
        await generator.return('abandoned')
      } else await functions[one.kind](background, one)
    } catch (error) {
      if (!(error instanceof TypeError) && !isCanceled(error)) throw error
    }
  }
  return { run }
}

const ways: [string, (metrics: ReturnType<typeof createMetrics>) => Wrapped, boolean][] = [
  [
    'withMetrics',
    (metrics) =>
      wrapped((fn, callback) =>
        withMetrics('f', fn, callback === undefined ? { metrics } : { metrics, callback }),
      ),
    false,
  ],
  [
    'observe',
    (metrics) =>
      wrapped((fn, callback) =>
        observe('f', fn, {
          metrics,
          log: false,
          timeoutMs: 1e9,
          labels: () => ({ kind: 'x' }),
          ...(callback === undefined ? {} : { callback }),
        }),
      ),
    true,
  ],
]

it.each(ways)(
  '%s: whatever is called, calls are the sum of outcomes, and none stays active',
  async (_name, make) => {
    await fc.assert(
      fc.asyncProperty(fc.array(program, { maxLength: 5 }), async (programs) => {
        const metrics = createMetrics()
        await make(metrics).run(programs)
        const { calls, timed, errors, active } = readingsOf(metrics, 'f')
        const wanted = expected(withoutSyncInner(programs), {})
        expect(calls).toEqual(wanted)
        expect(timed).toEqual(wanted)
        expect(errors).toEqual(wanted['error'] === undefined ? {} : { TypeError: wanted['error'] })
        expect(active).toBe(0)
      }),
      { numRuns: 200 },
    )
  },
)

/** Synchronous functions and generators of this test call nothing themselves. */
function withoutSyncInner(programs: readonly Program[]): Program[] {
  return programs.map((one) => ({
    ...one,
    inner: one.kind === 'sync' || one.kind === 'generator' ? [] : withoutSyncInner(one.inner),
  }))
}
