import * as fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import type { CancelContext, Context } from './index.ts'
import { background, isCanceled } from './index.ts'
import { state } from './state.ts'

/*
 * The tree of contexts against a naive model that does everything at the moment it happens: every node has its timer,
 * every ending is copied to all descendants at once. The contexts do nothing until they are asked, and get the same
 * answers, whoever looks when, however late the timers fire.
 */

afterEach(() => {
  state.clock = undefined
})

type Step =
  | { do: 'derive'; from: number; how: 'cancel' | 'timeout' | 'free'; ms: number }
  | { do: 'cancel' | 'look' | 'observe' | 'stop' | 'signal'; at: number }
  | { do: 'pass'; ms: number }
  | { do: 'fire' }

const index = fc.nat(1000)
const ms = fc.integer({ min: -3, max: 30 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('derive' as const),
        from: index,
        how: fc.constantFrom('cancel', 'timeout', 'timeout', 'free'),
        ms,
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('cancel', 'look', 'observe', 'observe', 'stop', 'signal'),
        at: index,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fire' as const) }) },
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
)

function at<T>(items: readonly T[], i: number): T {
  const item = items[i]
  if (item === undefined) throw new RangeError(`no item ${i}`)
  return item
}

function cancelable(ctx: Context): ctx is CancelContext {
  return ctx !== background && !String(ctx).endsWith('withoutCancel')
}

interface ModelNode {
  readonly children: ModelNode[]
  /** Its own deadline, if it is the earliest up the tree. */
  own: number | undefined
  deadline: number | undefined
  /** What it ended with: a name made by whoever ended it. */
  ended: string | undefined
}

class Model {
  now = 0
  readonly nodes: ModelNode[] = [{ children: [], own: undefined, deadline: undefined, ended: undefined }]

  derive(from: number, how: 'cancel' | 'timeout' | 'free', after: number): void {
    const parent = at(this.nodes, from)
    const node: ModelNode = { children: [], own: undefined, deadline: undefined, ended: undefined }
    const id = this.nodes.push(node) - 1
    if (how === 'free') return
    parent.children.push(node)
    node.deadline = parent.deadline
    node.ended = parent.ended
    if (
      how === 'timeout' &&
      node.ended === undefined &&
      !(node.deadline !== undefined && node.deadline <= this.now + after)
    ) {
      node.own = node.deadline = this.now + after
      if (after <= 0) this.end(node, `deadline ${id}`)
    }
  }

  end(node: ModelNode, by: string): void {
    if (node.ended !== undefined) return
    node.ended = by
    for (const child of node.children) this.end(child, by)
  }

  pass(duration: number): void {
    this.now += duration
    const due = this.nodes
      .map((node, id) => ({ node, id }))
      .filter(({ node }) => node.own !== undefined && node.own <= this.now)
      .toSorted((a, b) => (a.node.own ?? 0) - (b.node.own ?? 0) || a.id - b.id)
    for (const { node, id } of due) this.end(node, `deadline ${id}`)
  }
}

/** A clock whose timers fire only when they are told to, as with a blocked event loop. */
class BlockedClock implements Clock {
  time = 0
  readonly timers = new Set<{ due: number; fn: () => void }>()

  now(): number {
    return this.time
  }

  wallTime(): number {
    return this.time
  }

  setTimer(afterMs: number, fn: () => void): { cancel(): void } {
    const timer = { due: this.time + Math.max(0, afterMs), fn }
    this.timers.add(timer)
    return { cancel: () => this.timers.delete(timer) }
  }

  fire(): void {
    for (const timer of this.timers) {
      if (timer.due > this.time || !this.timers.delete(timer)) continue
      timer.fn()
    }
  }
}

it('answers as if everything had happened at once [I20 I21]', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (todo) => {
      const clock = new BlockedClock()
      state.clock = clock
      const model = new Model()
      const contexts: Context[] = [background]
      const watchers: { node: number; runs: number; stop: () => boolean; stopped: boolean }[] = []
      const looks: [unknown, unknown][] = []
      const pick = (n: number): number => n % contexts.length
      for (const step of todo) {
        switch (step.do) {
          case 'derive': {
            const from = pick(step.from)
            const parent = at(contexts, from)
            const id = contexts.length
            model.derive(from, step.how, step.ms)
            if (step.how === 'free') contexts.push(parent.withoutCancel())
            else if (step.how === 'cancel') contexts.push(parent.withCancel())
            else contexts.push(parent.withTimeout(step.ms, `deadline ${id}`))
            break
          }
          case 'cancel': {
            const id = pick(step.at)
            const ctx = at(contexts, id)
            if (!cancelable(ctx)) break
            model.end(at(model.nodes, id), `cancel ${id}`)
            // The cancellation of what nobody watches does not look at the clock by itself.
            void ctx.err
            ctx.cancel(`cancel ${id}`)
            break
          }
          case 'look':
            looks.push([at(contexts, pick(step.at)).cause, at(model.nodes, pick(step.at)).ended])
            break
          case 'observe': {
            const node = pick(step.at)
            const watcher = { node, runs: 0, stop: () => false, stopped: false }
            watcher.stop = at(contexts, node).afterFunc(() => watcher.runs++)
            watchers.push(watcher)
            break
          }
          case 'stop': {
            const watcher = watchers[step.at % Math.max(1, watchers.length)]
            if (watcher !== undefined) watcher.stopped = watcher.stop() || watcher.stopped
            break
          }
          case 'signal':
            void contexts[pick(step.at)]?.signal
            break
          case 'pass':
            clock.time += step.ms
            model.pass(step.ms)
            break
          case 'fire':
            clock.fire()
            await Promise.resolve()
            break
        }
      }
      clock.fire()
      for (const [id, ctx] of contexts.entries()) {
        const { ended, deadline } = at(model.nodes, id)
        expect(ctx.cause).toBe(ended)
        const source = ended === undefined ? ctx : at(contexts, Number(ended.split(' ')[1]))
        expect(ctx.err).toBe(source.err)
        expect(isCanceled(ctx.err)).toBe(ended?.startsWith('cancel') === true)
        expect(ctx.deadline === deadline || ended !== undefined).toBe(true)
        expect(ctx.signal.aborted).toBe(ended !== undefined)
      }
      for (const [seen, expected] of looks) expect(seen).toBe(expected)
      for (let i = 0; i < 5; i++) await Promise.resolve()
      for (const { node, runs, stopped } of watchers) {
        expect(runs).toBe(!stopped && at(model.nodes, node).ended !== undefined ? 1 : 0)
      }
      for (const ctx of contexts) if (cancelable(ctx)) ctx.cancel()
      expect(clock.timers.size).toBe(0)
    }),
    { numRuns: 300 },
  )
})

it('adds and removes 100,000 observers in linear time [I17]', async () => {
  const count = 100_000
  const ctx = background.withCancel()
  let runs = 0
  const stops = Array.from({ length: count }, () => ctx.afterFunc(() => runs++))
  const children = Array.from({ length: count }, () => ctx.withCancel())
  for (const child of children) child.afterFunc(() => {})
  // A walk of the list on each removal would be 10^9 steps here, and the time-out of the test.
  let stopped = 0
  for (let i = 1; i < count; i += 2) if (at(stops, (i * 7919) % count)()) stopped++
  for (const child of children) child.cancel()
  ctx.cancel()
  for (let i = 0; i < 5; i++) await Promise.resolve()
  expect([stopped, runs]).toEqual([count / 2, count / 2])
})
