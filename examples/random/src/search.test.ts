import { background, isDeadlineExceeded } from '@kit/context'
import type { ManualClock } from '@kit/context/testing'
import { manualClock } from '@kit/context/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readArgs } from './args.ts'
import { DeadlockError } from './deadlock.ts'
import { untilEnd } from './hold.ts'
import { seededRandom, wholeNumber } from './random.ts'
import type { Found, Outcome, Plan, Tally } from './search.ts'
import { emptyTally, search } from './search.ts'

let clock: ManualClock
let tally: Tally
beforeEach(() => {
  clock = manualClock()
  tally = emptyTally()
})
afterEach(() => clock[Symbol.dispose]())

const never = new Promise<never>(() => {})

function planOf(...args: string[]): Plan {
  return readArgs(args).plan
}

/** All that promises have to do is done. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets the workers have one turn after the other, each `ms` long, until the search is over. */
async function play(searching: Promise<Outcome>, ms = 0): Promise<Outcome> {
  const state = { over: false }
  const over = (): void => {
    state.over = true
  }
  searching.then(over, over)
  while (!state.over) {
    clock.advance(ms)
    await turn()
  }
  return searching
}

/** What the event loop's running empty is under a clock that stands still: no timer is left that could fire. */
async function emptied(): Promise<never> {
  do await turn()
  while (clock.pendingTimers > 0)
  throw new DeadlockError('all workers are asleep - deadlock!')
}

/** Who finds it if all take turns in the order in which they started: the same without any concurrency. */
function expected(plan: Plan): Found | undefined {
  const seeds = seededRandom(plan.seed)
  const generators = Array.from({ length: plan.workers }, () => seededRandom(seeds() * 2 ** 32))
  for (let draws = 1; draws <= plan.draws; draws += 1) {
    const index = generators.findIndex((random) => wholeNumber(random, plan.range) === plan.find)
    if (index !== -1) return { worker: index + 1, draws }
  }
  return undefined
}

it.each([1, 2, 3])('ten thousand workers find it, and 9,999 are cancelled and end: seed %i', async (seed) => {
  const plan = planOf('--seed', String(seed))
  const answer = expected(plan)
  const { found, error } = await play(search(background, plan, tally, never))
  expect({ found, error }).toEqual({ found: answer, error: undefined })
  expect(tally).toEqual({
    started: 10_000,
    // Nobody draws any more once it is found.
    draws: ((answer?.draws ?? 0) - 1) * 10_000 + (answer?.worker ?? 0),
    asleep: 0,
    stopped: 9_999,
    ended: 10_000,
  })
  expect(clock.pendingTimers).toBe(0)
})

it('finds the same number by the same worker with the same seed, whatever a turn lasts', async () => {
  const plan = planOf('--workers', '100', '--range', '1000', '--seed', '42')
  const first = await play(search(background, plan, tally, never))
  const second = await play(search(background, plan, emptyTally(), never), 7)
  expect(first.found).toEqual(expected(plan))
  expect(second.found).toEqual(first.found)
})

it('counts those who gave up before somebody found it as cancelled too', async () => {
  // Worker 902 finds it with its fifth and last draw; the 901 before it have gone to sleep by then.
  const plan = planOf('--draws', '5')
  expect(expected(plan)).toEqual({ worker: 902, draws: 5 })
  await play(search(background, plan, tally, never))
  expect(tally).toMatchObject({ asleep: 901, stopped: 9_999, ended: 10_000 })
})

it('finds nothing with ten workers: all are asleep when nothing is left that could happen', async () => {
  const plan = planOf('--workers', '10')
  expect(expected(plan)).toBeUndefined()
  const { found, error } = await play(search(background, plan, tally, emptied()))
  expect(found).toBeUndefined()
  expect(error).toBeInstanceOf(DeadlockError)
  expect(tally).toEqual({ started: 10, draws: 1000, asleep: 10, stopped: 10, ended: 10 })
})

it('ten thousand that fall asleep are a deadlock too', async () => {
  const plan = planOf('--draws', '1')
  const { error } = await play(search(background, plan, tally, emptied()))
  expect(error).toBeInstanceOf(DeadlockError)
  expect(tally).toEqual({ started: 10_000, draws: 10_000, asleep: 10_000, stopped: 10_000, ended: 10_000 })
})

it.each([
  ['deadline', (ms: number) => background.withDeadline(new Date(Date.UTC(2020, 0, 1) + ms))],
  ['timeout', (ms: number) => background.withTimeout(ms)],
])('a %s ends it at that instant, and not before', async (_, derive) => {
  const ctx = derive(5000)
  const plan = planOf('--workers', '10')
  let outcome: Outcome | undefined
  const searching = search(ctx, plan, tally, untilEnd(ctx)).then((one) => (outcome = one))
  while (tally.asleep < 10) {
    clock.advance(0)
    await turn()
  }
  clock.advance(4999)
  await turn()
  expect([outcome, tally.ended]).toEqual([undefined, 0])
  clock.advance(1)
  const { found, error, toldMs } = await searching
  expect([found, isDeadlineExceeded(error), error === ctx.err, toldMs]).toEqual([undefined, true, true, 5000])
  expect(tally).toMatchObject({ asleep: 10, stopped: 10, ended: 10 })
  expect(clock.pendingTimers).toBe(0)
})

it('a deadline reaches ten thousand who are still at it', async () => {
  const ctx = background.withTimeout(20)
  const plan = planOf('--range', '4294967296', '--find', '5')
  const { error } = await play(search(ctx, plan, tally, untilEnd(ctx)), 10)
  expect(error).toBe(ctx.err)
  expect(tally).toMatchObject({ started: 10_000, asleep: 0, stopped: 10_000, ended: 10_000 })
})

it('nobody starts after the deadline, and that is no failure of theirs', async () => {
  const ctx = background.withTimeout(0)
  const { error } = await play(search(ctx, planOf(), tally, untilEnd(ctx)))
  expect(error).toBe(ctx.err)
  expect(tally).toEqual(emptyTally())
})

it('a cancellation from outside ends it with that cause', async () => {
  const ctx = background.withCancel()
  const searching = search(ctx, planOf(), tally, never)
  clock.advance(0)
  ctx.cancel('SIGINT')
  const { found, error } = await searching
  expect([found, error === ctx.err, (error as Error).cause]).toEqual([undefined, true, 'SIGINT'])
  expect(tally).toMatchObject({ started: 10_000, stopped: 10_000, ended: 10_000 })
})

it('a worker that fails fails the search, instead of leaving it without an answer', async () => {
  const broken: Tally = Object.defineProperty(emptyTally(), 'draws', {
    set: () => {
      throw new Error('a fault of the worker')
    },
  })
  await expect(play(search(background, planOf('--workers', '10'), broken, never))).rejects.toThrow(
    'a fault of the worker',
  )
  expect(broken).toMatchObject({ started: 10, ended: 10 })
  expect(clock.pendingTimers).toBe(0)
})
