/*
 * Who derived a context and never cancelled it. In production nothing is tracked and a derivation pays one check;
 * `@kit/context/testing` and `@kit/context/development` install a tracker, which costs a stack trace a derivation.
 */
import { clock } from './clock.ts'
import type { Context } from './context.ts'
import { atStackDepth } from './stack-depth.ts'
import { state } from './state.ts'

/** A context that can be cancelled and has not ended, and where it comes from. */
export interface LiveContext {
  /** The derivation, without values: `background.withCancel.withTimeout(500ms)`. */
  readonly name: string
  /** Where it was derived: lines that begin with `at`, the caller of the derivation first. */
  readonly stack: string
  /** How long ago it was derived, in ms. */
  readonly ageMs: number
  /** Its effective deadline on the `performance.now()` clock, if any. */
  readonly deadline: number | undefined
  /** Whether it holds a timer or a place with its parent: somebody reads its signal, or waits for its end. */
  readonly watched: boolean
}

/** What the tracker sees of what a context ends with, its scope; internal. */
export interface Tracked {
  readonly outer: Tracked | undefined
  readonly deadline: number | undefined
  readonly watched: boolean
  /** Whether it has ended, as far as can be said without looking at what is outside of it. */
  readonly endedItself: boolean
  settle(): unknown
  toString(): string
}

/** Told of every derivation; internal. */
export interface Tracker {
  /** `by` is the method that the user called: the stack begins at its caller. */
  derived(ctx: Context, scope: Tracked, by: (...args: never[]) => unknown): void
  /** What has not ended, oldest first. */
  live(): LiveContext[]
  /** Has `report` called for each context that was dropped without having ended. Returns what takes that back. */
  onLost(report: (lost: LiveContext) => void): () => void
}

/** The tracker of the process, installed by the first call; internal. */
export function tracker(): Tracker {
  return (state.tracker ??= new StackTracker())
}

/** Deep enough to leave the frames of a framework behind. */
const framesKept = 20

class StackTracker implements Tracker {
  readonly #records = new Set<Derivation>()
  readonly #reports = new Set<(lost: LiveContext) => void>()
  readonly #dropped = new FinalizationRegistry<Derivation>((record) => this.#drop(record))
  /** The size at which records of contexts that have ended are looked for. */
  #sweepAt = 1024

  derived(ctx: Context, scope: Tracked, by: (...args: never[]) => unknown): void {
    const record = new Derivation(scope, by)
    this.#records.add(record)
    this.#dropped.register(ctx, record)
    if (this.#records.size >= this.#sweepAt) {
      this.#sweep()
      this.#sweepAt = Math.max(1024, this.#records.size * 2)
    }
  }

  live(): LiveContext[] {
    this.#sweep()
    return Array.from(this.#records, (record) => record.describe())
  }

  onLost(report: (lost: LiveContext) => void): () => void {
    this.#reports.add(report)
    return () => void this.#reports.delete(report)
  }

  /** Looks at each scope once, however deep the tree is: what is outside of it was mostly looked at before. */
  #sweep(): void {
    const known = new Map<Tracked, boolean>()
    for (const record of this.#records) if (hasEnded(record.scope, known)) this.#records.delete(record)
  }

  /** Nobody can cancel it any more. What is watched stays alive all the same, and is still to be seen in `live`. */
  #drop(record: Derivation): void {
    if (record.ended || !record.scope.watched) this.#records.delete(record)
    if (record.ended) return
    const lost = record.describe()
    for (const report of this.#reports) report(lost)
  }
}

function hasEnded(of: Tracked, known: Map<Tracked, boolean>): boolean {
  const asked: Tracked[] = []
  let ended = false
  for (let scope: Tracked | undefined = of; scope !== undefined && !ended; scope = scope.outer) {
    const before = known.get(scope)
    if (before === false) break
    asked.push(scope)
    ended = before ?? scope.endedItself
  }
  for (const scope of asked) known.set(scope, ended)
  return ended
}

/** One derivation. It keeps the scope and not the context: whether somebody still has that is what matters. */
class Derivation {
  readonly scope: Tracked
  readonly #bornAt: number = clock.now()
  readonly #site: { stack?: string } = {}

  constructor(scope: Tracked, by: (...args: never[]) => unknown) {
    this.scope = scope
    atStackDepth(framesKept, () => Error.captureStackTrace(this.#site, by))
  }

  get ended(): boolean {
    return this.scope.settle() !== undefined
  }

  describe(): LiveContext {
    let name = String(this.scope)
    for (let scope = this.scope.outer; scope !== undefined; scope = scope.outer)
      name = `${String(scope)}.${name}`
    const stack = (this.#site.stack ?? '')
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .join('\n')
    const { deadline, watched } = this.scope
    return { name, stack, ageMs: clock.now() - this.#bornAt, deadline, watched }
  }
}
