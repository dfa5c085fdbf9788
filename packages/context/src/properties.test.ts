import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CancelContext, Context } from './index.ts'
import { background, isCanceled } from './index.ts'
import type { ManualClock } from './manual-clock.ts'
import { manualClock } from './manual-clock.ts'
import { extractDeadline, injectDeadline } from './wire.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock(1000)
})
afterEach(() => {
  time[Symbol.dispose]()
})

const duration = fc.oneof(
  fc.integer({ min: -10, max: 5000 }),
  fc.double({ min: 0, max: 1e12, noNaN: true }),
  fc.constant(Infinity),
)

it('the effective deadline is the earliest of the ancestors, whatever lies between [I20]', () => {
  const link = fc.oneof(
    duration.map((ms) => ['timeout', ms] as const),
    duration.map((ms) => ['deadline', ms] as const),
    duration.map((ms) => ['date', ms] as const),
    fc.constantFrom(['cancel', 0] as const, ['pass', 7] as const),
  )
  fc.assert(
    fc.property(fc.array(link, { maxLength: 20 }), (links) => {
      let ctx: Context = background
      let earliest = Infinity
      let dead = false
      for (const [how, ms] of links) {
        if (how === 'pass') time.advance(ms)
        dead ||= earliest <= time.now()
        // What is derived from an ended context ends with it, and its own deadline says nothing any more.
        const at = how === 'timeout' ? time.now() + ms : ms === Infinity ? ms : Math.round(1000 + ms)
        if (how === 'timeout') ctx = ctx.withTimeout(ms)
        else if (how === 'deadline') ctx = ctx.withDeadline(at)
        else if (how === 'date') ctx = ms === Infinity || ms > 8e15 ? ctx : ctx.withDeadline(dateOf(at))
        else ctx = ctx.withCancel()
        if (!dead && (how === 'timeout' || how === 'deadline' || (how === 'date' && ms !== Infinity))) {
          earliest = Math.min(earliest, at)
        }
      }
      expect(ctx.deadline ?? Infinity).toBe(earliest)
      expect(ctx.remaining).toBe(Math.max(0, earliest - time.now()))
      expect(ctx.err !== undefined).toBe(earliest <= time.now())
    }),
    { numRuns: 500 },
  )
})

/** The time on the wall when the monotonic clock shows `at`. */
const dateOf = (at: number): Date => new Date(time.wallTime() + (at - time.now()))

it('a tree cancelled in whatever order ends each context once, with the first cause above it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      async (parents, order) => {
        const nodes: { ctx: CancelContext; parent: number; cause: string | undefined; runs: number }[] = []
        for (const [i, choice] of parents.entries()) {
          const parent = i === 0 ? -1 : choice % i
          const above = nodes[parent]?.ctx ?? background
          const node = { ctx: above.withCancel(), parent, cause: undefined, runs: 0 }
          nodes.push(node)
          if (choice % 3 !== 0) node.ctx.afterFunc(() => node.runs++)
          else node.runs = Number.NaN
        }
        for (const choice of order) {
          const id = choice % nodes.length
          nodes[id]?.ctx.cancel(`by ${id}`)
          // Parents come before their children, so one pass brings every cause down.
          for (const [i, node] of nodes.entries()) {
            node.cause ??= (i === id ? `by ${id}` : undefined) ?? nodes[node.parent]?.cause
          }
          for (const { ctx, cause } of nodes) {
            expect([ctx.cause, isCanceled(ctx.err)]).toEqual([cause, cause !== undefined])
          }
        }
        await Promise.resolve()
        const watched = nodes.filter(({ runs }) => !Number.isNaN(runs))
        expect(watched.map(({ runs }) => runs)).toEqual(
          watched.map(({ cause }) => (cause === undefined ? 0 : 1)),
        )
      },
    ),
    { numRuns: 200 },
  )
})

it('a deadline that travels never gains time, over any number of hops and headers [I39 I40]', () => {
  const headers = [
    'grpc-timeout',
    'connect-timeout-ms',
    'x-request-timeout-ms',
    'x-envoy-expected-rq-timeout-ms',
    'request-timeout',
  ] as const
  const hop = fc.record({
    header: fc.constantFrom(...headers),
    reserveMs: fc.integer({ min: 0, max: 50 }),
    own: duration,
    travelMs: fc.integer({ min: 0, max: 100 }),
  })
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1e7, noNaN: true }),
      fc.array(hop, { minLength: 1, maxLength: 8 }),
      (ms, hops) => {
        let ctx: Context = background.withTimeout(ms)
        const end = time.now() + ms
        for (const { header, reserveMs, own, travelMs } of hops) {
          const sent: Record<string, string> = {}
          const before = ctx.remaining
          let refused = false
          try {
            injectDeadline(ctx, sent, { header, reserveMs })
          } catch {
            refused = true
          }
          expect(refused).toBe(before - reserveMs < 5)
          if (refused) return
          const received = extractDeadline(sent) as number
          expect(received).toBeLessThanOrEqual(before - reserveMs)
          // The other side's clock starts when the header arrives, and the way took its time.
          time.advance(travelMs)
          ctx = background.withTimeout(own).withTimeout(received)
          expect(ctx.deadline).toBeLessThanOrEqual(end + hops.length * 100)
          expect(ctx.remaining).toBeLessThanOrEqual(before)
        }
      },
    ),
    { numRuns: 500 },
  )
})
