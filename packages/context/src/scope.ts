/*
 * What can end: the deadlines and cancellations behind contexts, as a tree of scopes. A context either has a scope of
 * its own or shares that of its parent. An ending is pushed only down to observed scopes, which are linked from
 * their parents; all others find it by looking up the tree when asked. Both ways give the same answer, because the
 * ending that came first by time wins, whenever it is found out.
 */
import { clock, setTimerAt } from './clock.ts'
import { Ending } from './ending.ts'
import type { CanceledError, DeadlineExceededError } from './errors.ts'
import { deadlineExceededError } from './errors.ts'
import { Observer, ObserverList, runSoon } from './observer.ts'
import { pollers } from './poll.ts'

/** In place of the ending of what nobody watched and somebody cancelled without a cause, until one is asked for. */
const unasked = new Ending(-Infinity, undefined, undefined)

/** One scope; internal. A root, which has none outside of it, never ends. */
export class Scope {
  /** The method that made it, and the milliseconds in parentheses after it, if any. */
  readonly name: string
  readonly detail: number | undefined
  /** The next scope up the tree; undefined for a root. */
  readonly outer: Scope | undefined
  /** The effective deadline, and the scope that it was set on. */
  deadline: number | undefined
  #owner: Scope | undefined
  /** The cause given with the deadline. */
  #deadlineCause: unknown = undefined
  /** Whether a scope below set a deadline, which has to be compared with the time of an ending here. */
  #timed = false
  #ending: Ending | undefined = undefined
  /** Who watches; undefined while nobody does. A scope is linked from its parent exactly while it is watched. */
  #observers: ObserverList<Scope> | undefined = undefined
  #controller: AbortController | undefined = undefined

  constructor(name: string, detail: number | undefined, outer: Scope | undefined) {
    this.name = name
    this.detail = detail
    this.outer = outer
    this.deadline = outer === undefined ? undefined : outer.deadline
    this.#owner = outer === undefined ? undefined : outer.#owner
  }

  /** The cause that the effective deadline was given. */
  get deadlineCause(): unknown {
    return this.#owner === undefined ? undefined : this.#owner.#deadlineCause
  }

  /** Whether anything is held until the scope ends: observers of its own, or of a scope below. */
  get watched(): boolean {
    return this.#observers !== undefined
  }

  /** Whether it was ended, or a deadline of its own has passed; without a look up the tree. */
  get endedItself(): boolean {
    if (this.#ending !== undefined) return true
    return this.#owner === this && this.deadline !== undefined && this.deadline <= clock.now()
  }

  /** The one AbortSignal of the scope; aborted already if the scope has ended. */
  get signal(): AbortSignal {
    const now = this.deadline === undefined ? 0 : clock.now()
    const ending = this.settle(now)
    let controller = this.#controller
    if (controller === undefined) {
      const created = (controller = this.#controller = new AbortController())
      const abort = (err: Error): void => created.abort(err)
      // Without an ambient context: the first reader must not stay reachable for as long as the signal is.
      if (ending === undefined)
        Scope.observe(this, new Observer<Scope>('abort', abort, undefined, undefined), now)
    }
    if (ending !== undefined && !controller.signal.aborted) controller.abort(ending.error)
    return controller.signal
  }

  /**
   * How this scope has ended as of now, if it has. `time` is now, where the caller knows it. Finding out that a deadline
   * has passed runs no code of others at once, since it may be the reading of a property, unless `abortNow` says so.
   */
  settle(time?: number, abortNow = false): Ending | undefined {
    if (pollers.size > 0) for (const poll of pollers) poll()
    if (this.#ending !== undefined) return this.#asked()
    const ended = this.#observers === undefined ? this.#endedAbove() : undefined
    let ending = ended === undefined ? undefined : ended.#asked()
    const { deadline } = this
    const owner = this.#owner
    if (deadline !== undefined && owner !== undefined && (ending === undefined || deadline <= ending.at)) {
      const now = time ?? clock.now()
      if (ending !== undefined || deadline <= now) ending = owner.#expire(now, abortNow)
    }
    this.#ending ??= ending
    return ending
  }

  /**
   * Ends the scope unless it has ended; with `error` itself where the cause came with an error of ours. Whether a
   * deadline had passed before is asked of the clock only if somebody watches or set a deadline below: the usual end of
   * a context that nobody watched costs no reading.
   */
  cancel(cause: unknown, error: CanceledError | DeadlineExceededError | undefined, abortNow: boolean): void {
    if (this.#ending !== undefined) return
    const watched = this.#observers !== undefined
    const plain = !watched && !this.#timed && cause === undefined && error === undefined && pollers.size === 0
    if (plain && this.#endedAbove() === undefined) {
      this.#ending = unasked // the usual end: nobody has to be told, and most never ask
      return
    }
    const now = this.#timed || (watched && this.deadline !== undefined) ? clock.now() : -Infinity
    if (this.settle(now, abortNow) === undefined) this.#end(new Ending(now, cause, error), abortNow)
  }

  /** Gives a new scope its own deadline, unless one above is not later. */
  setDeadline(at: number, now: number, cause: unknown): void {
    if (this.deadline !== undefined && this.deadline <= at) return
    const { outer } = this
    if (at > now) {
      for (let scope = outer; scope !== undefined && !scope.#timed; scope = scope.outer) scope.#timed = true
    } else if (outer?.settle(now) !== undefined) {
      return // what had ended before passes its ending on, as to everything below it
    }
    this.deadline = at
    this.#owner = this
    this.#deadlineCause = cause
    if (at <= now) this.#expire(now, false)
  }

  /** For people: `withTimeout(500ms)`, `withDeadline(in 500ms)` as seen when it was derived. */
  toString(): string {
    if (this.detail === undefined) return this.name
    const duration = `${Math.round(this.detail * 1000) / 1000}ms`
    return `${this.name}(${this.name === 'withDeadline' ? `in ${duration}` : duration})`
  }

  /** Adds an observer; `now` is what the clock just said, if there is a deadline. The first one links the scope, and what is not yet linked above it, into the tree. */
  static observe(observed: Scope, observer: Observer<Scope>, now: number): void {
    let scope = observed
    let entry = observer
    let { outer } = scope
    while (outer !== undefined) {
      const linked = scope.#observers
      const observers = linked ?? (scope.#observers = new ObserverList<Scope>())
      observers.add(entry)
      // Above the last scope is a root, which never ends and so keeps no list.
      if (linked !== undefined || outer.outer === undefined) break
      observers.link = entry = new Observer<Scope>('child', undefined, scope, undefined)
      scope = outer
      outer = scope.outer
    }
    if (observed.#owner !== undefined) observed.#owner.#arm(now)
  }

  /** Removes an observer. The last one unlinks the scope, and what is then unobserved above it, from the tree. */
  static unobserve(observed: Scope, observer: Observer<Scope>): void {
    let scope: Scope | undefined = observed
    let entry: Observer<Scope> | undefined = observer
    while (scope !== undefined && entry?.list !== undefined) {
      const observers: ObserverList<Scope> = entry.list
      observers.remove(entry)
      if (observers.first !== undefined) return
      observers.timer?.cancel()
      scope.#observers = undefined
      entry = observers.link
      scope = scope.outer
    }
  }

  /** The nearest scope up the tree that has ended. */
  #endedAbove(): Scope | undefined {
    let scope = this.outer
    while (scope !== undefined && scope.#ending === undefined) scope = scope.outer
    return scope
  }

  /** The ending of this scope, made now if nobody has asked for it before. */
  #asked(): Ending | undefined {
    if (this.#ending === unasked) this.#ending = new Ending(-Infinity, undefined, undefined)
    return this.#ending
  }

  /** Sets the timer of the deadline that this scope owns. */
  #arm(now: number): void {
    const observers = this.#observers
    const { deadline } = this
    if (observers === undefined || deadline === undefined || observers.timer !== undefined) return
    observers.timer = setTimerAt(deadline, now, () => this.#expire(clock.now(), true))
  }

  /** Ends the scope at the deadline it owns. */
  #expire(now: number, abortNow: boolean): Ending {
    const ending = this.#asked() ?? this.#expiry(now)
    if (this.#ending === undefined) this.#end(ending, abortNow)
    return ending
  }

  #expiry(now: number): Ending {
    const at = this.deadline ?? now
    const cause = this.#deadlineCause
    return new Ending(at, cause, deadlineExceededError(this.toString(), now - at, cause))
  }

  /**
   * Marks this scope and all that is linked below it, then has the callbacks run soon: parents first, in order. With
   * `abortNow` the signals abort before this returns, after everything was marked: who keeps a signal expects of
   * `cancel()` what `AbortController.abort()` does. What their listeners set off comes after the callbacks, which are
   * queued before.
   */
  #end(ending: Ending, abortNow: boolean): void {
    this.#ending = ending
    if (this.#observers === undefined) return
    const { link } = this.#observers
    if (link !== undefined && this.outer !== undefined) Scope.unobserve(this.outer, link)
    const due: Observer<Scope>[] = []
    const marked: Scope[] = [this]
    // The list grows while it is walked: no recursion, so no depth of a tree overflows the stack.
    for (const scope of marked) scope.#mark(marked, due, abortNow)
    if (due.length > 0) runSoon(due)
    if (abortNow) for (const scope of marked) scope.#controller?.abort(scope.#ending?.error)
  }

  /** Hands the ending of this scope to its observers and lets go of them. */
  #mark(marked: Scope[], due: Observer<Scope>[], abortNow: boolean): void {
    const observers = this.#observers
    const ending = this.#ending
    if (observers === undefined || ending === undefined) return
    this.#observers = undefined
    observers.timer?.cancel()
    for (let observer = observers.take(); observer !== undefined; observer = observers.take()) {
      const { child } = observer
      if (child !== undefined) {
        // A deadline of the child's own that passed before is what ended it, even if its timer is late.
        const first = child.#owner === child && child.deadline !== undefined && child.deadline <= ending.at
        child.#ending = first ? child.#expiry(ending.at) : ending
        marked.push(child)
      } else if (observer.role === 'release') {
        observer.callback?.(ending.error)
      } else if (observer.role === 'callback' || !abortNow) {
        observer.ending = ending
        due.push(observer)
      }
    }
  }
}
