/*
 * The one class behind every context: its place in the derivation, its values and how it ends. A context that only adds
 * a value ends with the one it points at; every other ends on its own. An ending is pushed only down to watched
 * contexts, which are linked from their parents; all others find it by looking up the tree when asked. Both ways give the
 * same answer, because the ending that came first by time wins, whenever it is found out.
 */
import { assertCallback, assertSignal, assertTimeout, notCancelable, timeOf } from './arguments.ts'
import { clock, setTimerAt } from './clock.ts'
import type { CancelContext, Context } from './context.ts'
import { Ending, never, timed, unasked } from './ending.ts'
import type { CanceledError, DeadlineExceededError } from './errors.ts'
import { ContextError, deadlineExceededError, errorOfReason } from './errors.ts'
import { foreignValue, withForeign } from './foreign.ts'
import type { Key } from './key.ts'
import { assertKey, Binding, namesUntil } from './key.ts'
import type { Callback } from './observer.ts'
import { Observer, runSoon, Watch } from './observer.ts'
import type { Origin } from './origin.ts'
import { causeOf, describeOrigin, DetailedOrigin, nameOf } from './origin.ts'
import { pollAll, pollers } from './poll.ts'
import { state } from './state.ts'
import type { Tracked } from './tracking.ts'

/** Marks the contexts of every copy of this package. */
const brand = Symbol.for('@kit/context@1.context')

/** Lets console.log show the derivation. */
const inspect = Symbol.for('nodejs.util.inspect.custom')

/** Whether the value is a context, of whichever copy of this package. Never throws. */
export function isContext(value: unknown): value is Context {
  return typeof value === 'object' && value !== null && (ContextNode.is(value) || isOfAnotherCopy(value))
}

/** A proxy of a context is none: it has no private fields, and fails at the first use. Neither is a revoked one. */
function isOfAnotherCopy(value: object): boolean {
  try {
    if (!(brand in value)) return false
    Reflect.get(value, 'deadline')
    return true
  } catch {
    return false
  }
}

/** Throws KIT_INVALID_CONTEXT unless the value is a context; internal. */
export function assertContext(value: unknown): asserts value is Context {
  if (isContext(value)) return
  throw new ContextError(
    'KIT_INVALID_CONTEXT',
    'a context is needed: derive one from background or current()',
  )
}

type AnyFunction = (...args: never[]) => unknown

/** What the tracker sees of contexts. */
const views = new WeakMap<object, Tracked>()

/**
 * A context; internal. Fields are private, so that a context that is logged or serialised by mistake is `{}`. Methods
 * that are private are static: those of instances cost every instance a field.
 */
export class ContextNode implements CancelContext {
  /** What it was derived from; a root is its own. */
  readonly #parent: ContextNode
  readonly #bindings: Binding | undefined
  /** The nearest context up the tree that ends on its own: this one ends with it, if not before. */
  readonly #outer: ContextNode
  /** How it was made. Undefined if it does not end on its own: then it is `#outer` that has what follows. */
  readonly #origin: Origin | undefined
  /** The effective deadline: its own as a number, or else the context up the tree that it was set on. */
  readonly #deadline: number | ContextNode | undefined
  /** Undefined while it is live; or what stands in place of an ending. */
  #ending: Ending | undefined
  /** Who watches, while somebody does: a live context is linked from its parent exactly then. Keeps the signal after it. */
  #watch: Watch<ContextNode> | undefined = undefined

  static {
    Object.defineProperty(this.prototype, brand, { value: true })
    Object.defineProperty(this.prototype, inspect, {
      value(this: ContextNode) {
        return this.toString()
      },
    })
  }

  constructor(
    parent: ContextNode | undefined,
    bindings: Binding | undefined,
    outer: ContextNode | undefined,
    origin: Origin | undefined,
    deadline: number | ContextNode | undefined,
    ending: Ending | undefined,
  ) {
    this.#parent = parent ?? this
    this.#bindings = bindings
    this.#outer = outer ?? this
    this.#origin = origin
    this.#deadline = deadline
    this.#ending = ending
  }

  /** Whether it is one of this copy of the package. */
  static is(value: object): value is ContextNode {
    return #outer in value
  }

  get err(): CanceledError | DeadlineExceededError | undefined {
    const ending = ContextNode.#settle(ContextNode.#scopeOf(this))
    return ending === undefined ? undefined : ending.error
  }

  get cause(): unknown {
    const ending = ContextNode.#settle(ContextNode.#scopeOf(this))
    return ending === undefined ? undefined : ending.cause
  }

  get deadline(): number | undefined {
    return ContextNode.#deadlineOf(ContextNode.#scopeOf(this))
  }

  get remaining(): number {
    const { deadline } = this
    return deadline === undefined ? Infinity : Math.max(0, deadline - clock.now())
  }

  /** The one AbortSignal of what ends; aborted already if it has ended. */
  get signal(): AbortSignal {
    const scope = ContextNode.#scopeOf(this)
    const now = scope.#deadline === undefined ? 0 : clock.now()
    const ending = ContextNode.#settle(scope, now)
    let controller = scope.#watch?.controller
    if (controller === undefined) {
      const created = (controller = new AbortController())
      const abort = (err: Error): void => created.abort(err)
      // Without an ambient context: the first reader must not stay reachable for as long as the signal is.
      if (ending === undefined)
        ContextNode.#observe(scope, new Observer<ContextNode>('abort', abort, undefined, undefined), now)
      const watch = (scope.#watch ??= new Watch<ContextNode>())
      watch.controller = controller
    }
    if (ending !== undefined && !controller.signal.aborted) controller.abort(ending.error)
    return controller.signal
  }

  /** The cause that the effective deadline of a context was given; not known of a context of another copy. */
  static deadlineCause(ctx: Context): unknown {
    return ContextNode.is(ctx) ? causeOf(ContextNode.#ownerOf(ContextNode.#scopeOf(ctx)).#origin) : undefined
  }

  throwIfDone(): void {
    const { err } = this
    if (err !== undefined) throw err
  }

  afterFunc(fn: Callback): () => boolean {
    assertCallback(fn)
    const scope = ContextNode.#scopeOf(this)
    const now = scope.#deadline === undefined ? 0 : clock.now()
    const ending = ContextNode.#settle(scope, now)
    const observer = new Observer<ContextNode>('callback', fn, undefined, state.storage.getStore())
    if (ending === undefined) {
      ContextNode.#observe(scope, observer, now)
    } else {
      observer.ending = ending
      runSoon([observer])
    }
    return () => {
      if (observer.callback === undefined) return false
      observer.callback = undefined
      ContextNode.#unobserve(scope, observer)
      return true
    }
  }

  value<T>(key: Key<T>): T {
    for (let binding = this.#bindings; binding !== undefined; binding = binding.next) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- withValue took the value as the key's T
      if (binding.key === key) return binding.value as T
    }
    assertKey(key)
    return key.defaultValue
  }

  withValue<T>(key: Key<T>, value: T): Context {
    assertKey(key)
    const bindings = new Binding(key, value, this.#bindings)
    const outer = this.#origin === undefined ? this.#outer : this
    return new ContextNode(this, bindings, outer, undefined, undefined, undefined)
  }

  /** A child with the values of a list before those that the parent has. */
  static withValues(parent: ContextNode, values: Binding): ContextNode {
    const bindings = parent.#bindings === undefined ? values : values.before(parent.#bindings)
    return new ContextNode(parent, bindings, ContextNode.#scopeOf(parent), undefined, undefined, undefined)
  }

  /** OpenTelemetry's way to ask for a value: a context is one of its contexts as well. Absent: undefined. */
  getValue(key: symbol): unknown {
    return foreignValue(this.#bindings, key)
  }

  /**
   * OpenTelemetry's way to set a value. What it shadows goes, and with it this place in the derivation if it was there
   * for a value of OpenTelemetry's: code that enters such contexts inside each other for ever keeps only the last.
   */
  setValue(key: symbol, value: unknown): ContextNode {
    const parent = typeof this.#bindings?.key === 'symbol' && ContextNode.#isValue(this) ? this.#parent : this
    const bindings = withForeign(this.#bindings, key, value)
    return new ContextNode(parent, bindings, ContextNode.#scopeOf(this), undefined, undefined, undefined)
  }

  /** OpenTelemetry's way to remove a value. */
  deleteValue(key: symbol): ContextNode {
    return this.setValue(key, undefined)
  }

  withCancel(): CancelContext {
    if (state.tracker !== undefined) return ContextNode.#deriveTracked(this, 'withCancel', undefined)
    const outer = this.#origin === undefined ? this.#outer : this
    const deadline = typeof outer.#deadline === 'number' ? outer : outer.#deadline
    return new ContextNode(this, this.#bindings, outer, 'withCancel', deadline, undefined)
  }

  withTimeout(ms: number, cause?: unknown): CancelContext {
    const outer = this.#origin === undefined ? this.#outer : this
    // The usual case, small so that it is inlined: nothing above has a deadline, and something beside had one before.
    if (
      typeof ms === 'number' &&
      ms > 0 &&
      ms < Infinity &&
      cause === undefined &&
      outer.#ending === timed &&
      outer.#deadline === undefined &&
      state.tracker === undefined
    ) {
      return new ContextNode(this, this.#bindings, outer, ms, clock.now() + ms, undefined)
    }
    assertTimeout(ms)
    const origin = cause === undefined ? ms : new DetailedOrigin('withTimeout', ms, cause)
    const now = ms === Infinity ? 0 : clock.now()
    return ContextNode.#deriveUntil(this, origin, now + ms, now)
  }

  withDeadline(at: Date | number, cause?: unknown): CancelContext {
    const time = timeOf(at)
    const now = clock.now()
    const deadline = at instanceof Date ? now + (time - clock.wallTime()) : time
    const origin = new DetailedOrigin('withDeadline', deadline - now, cause)
    return ContextNode.#deriveUntil(this, origin, deadline, now)
  }

  withSignal(signal: AbortSignal): CancelContext {
    assertSignal(signal)
    const child = ContextNode.#derive(this, 'withSignal', undefined)
    const scope = ContextNode.#scopeOf(child)
    const end = (): void => {
      const reason: unknown = signal.reason
      const error = errorOfReason(reason)
      ContextNode.#cancel(scope, error === undefined ? reason : error.cause, error, true)
    }
    if (signal.aborted) {
      end()
    } else if (ContextNode.#settle(scope) === undefined) {
      signal.addEventListener('abort', end, { once: true })
      // Observed from the start: the end of an ancestor has to take the listener off the signal.
      const release = (): void => {
        try {
          signal.removeEventListener('abort', end)
        } catch {
          // A signal that is not the platform's fails on its own: what ends besides it has to end.
        }
      }
      const observer = new Observer<ContextNode>('release', release, undefined, undefined)
      ContextNode.#observe(scope, observer, clock.now())
    }
    return child
  }

  withoutCancel(): Context {
    return new ContextNode(this, this.#bindings, undefined, 'withoutCancel', undefined, never)
  }

  cancel(cause?: unknown): void {
    const scope = this.#origin === undefined ? this.#outer : this
    if (scope.#ending === never || ContextNode.#isValue(this)) throw notCancelable(this)
    if (
      cause === undefined &&
      scope.#ending === undefined &&
      scope.#watch === undefined &&
      pollers.size === 0
    ) {
      let outer = scope.#outer
      while (outer.#ending === undefined || outer.#ending === timed) outer = outer.#outer
      if (outer.#ending === never) {
        scope.#ending = unasked // the usual end: nobody has to be told, and most never ask
        return
      }
    }
    ContextNode.#cancel(scope, cause, undefined, true)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }

  toString(): string {
    return ContextNode.#path(this)
  }

  /** A root: it never ends, and has no deadline and no values. */
  static root(name: string): ContextNode {
    return new ContextNode(undefined, undefined, undefined, name, undefined, never)
  }

  /** A child of a root that somebody else ends; see `endable`. */
  static endable(
    root: ContextNode,
    bindings: Binding | undefined,
    origin: Origin,
    deadline: number,
  ): Endable {
    const own = deadline === Infinity ? undefined : deadline
    const ctx = new ContextNode(root, bindings, root, origin, own, undefined)
    const now = clock.now()
    if (deadline <= now) ContextNode.#expire(ctx, now, false)
    return { ctx, end: (error) => ContextNode.#cancel(ctx, error.cause, error, false) }
  }

  /** A child that ends on its own, with a deadline of its own if it is given one. */
  static #derive(parent: ContextNode, origin: Origin, deadline: number | undefined): ContextNode {
    if (state.tracker !== undefined) return ContextNode.#deriveTracked(parent, origin, deadline)
    const outer = ContextNode.#scopeOf(parent)
    const effective = deadline ?? ContextNode.#inheritable(outer)
    return new ContextNode(parent, parent.#bindings, outer, origin, effective, undefined)
  }

  /** A child with a deadline, unless one above is not later. */
  static #deriveUntil(parent: ContextNode, origin: Origin, at: number, now: number): ContextNode {
    const outer = ContextNode.#scopeOf(parent)
    const above = ContextNode.#deadlineOf(outer)
    if (at === Infinity || (above !== undefined && above <= at)) {
      return ContextNode.#derive(parent, origin, undefined)
    }
    if (at > now) {
      for (let node = outer; node.#ending === undefined; node = node.#outer) node.#ending = timed
      return ContextNode.#derive(parent, origin, at)
    }
    // What had ended before passes its ending on, as to everything below it.
    if (ContextNode.#settle(outer, now) !== undefined) return ContextNode.#derive(parent, origin, undefined)
    const child = ContextNode.#derive(parent, origin, at)
    ContextNode.#expire(ContextNode.#scopeOf(child), now, false)
    return child
  }

  /**
   * Derives two: what watching keeps alive, and what stands before it for whoever derived it, so that it can be told
   * when nobody has that any more.
   */
  static #deriveTracked(parent: ContextNode, origin: Origin, deadline: number | undefined): ContextNode {
    const outer = ContextNode.#scopeOf(parent)
    const effective = deadline ?? ContextNode.#inheritable(outer)
    const scope = new ContextNode(outer, undefined, outer, origin, effective, undefined)
    const ctx = new ContextNode(parent, parent.#bindings, scope, undefined, undefined, undefined)
    state.tracker?.derived(ctx, ContextNode.#view(scope), Reflect.get(parent, nameOf(origin)) as AnyFunction)
    return ctx
  }

  /** What the tracker sees of a context that ends on its own; always the same. */
  static #view(node: ContextNode): Tracked {
    const known = views.get(node)
    if (known !== undefined) return known
    const view: Tracked = {
      get outer() {
        return node.#ending === never ? undefined : ContextNode.#view(node.#outer)
      },
      get deadline() {
        return ContextNode.#deadlineOf(node)
      },
      get watched() {
        return node.#watch?.first !== undefined
      },
      get endedItself() {
        if (isEnding(node.#ending)) return true
        return typeof node.#deadline === 'number' && node.#deadline <= clock.now()
      },
      settle: () => ContextNode.#settle(node),
      toString: () => ContextNode.#describe(node),
    }
    views.set(node, view)
    return view
  }

  /** What a context ends with: itself, or what it shares the end of. Written out where a call costs too much. */
  static #scopeOf(node: ContextNode): ContextNode {
    return node.#origin === undefined ? node.#outer : node
  }

  /** Whether it does nothing but add a value to its parent. */
  static #isValue(node: ContextNode): boolean {
    return node.#origin === undefined && ContextNode.#scopeOf(node.#parent) === node.#outer
  }

  static #path(of: ContextNode): string {
    let text = ContextNode.#describe(of)
    for (let node = of; node.#parent !== node; node = node.#parent)
      text = `${ContextNode.#describe(node.#parent)}.${text}`
    return text
  }

  static #describe(node: ContextNode): string {
    if (ContextNode.#isValue(node)) {
      const names = namesUntil(node.#bindings, node.#parent.#bindings)
      return `withValue${names.length > 1 ? 's' : ''}(${names.join(', ')})`
    }
    return describeOrigin(ContextNode.#scopeOf(node).#origin ?? '')
  }

  /** What the effective deadline of a context was set on; the context itself if there is none. */
  static #ownerOf(node: ContextNode): ContextNode {
    return typeof node.#deadline === 'object' ? node.#deadline : node
  }

  /** The effective deadline. */
  static #deadlineOf(node: ContextNode): number | undefined {
    const deadline = ContextNode.#ownerOf(node).#deadline
    return typeof deadline === 'number' ? deadline : undefined
  }

  /** The effective deadline as its children have it. */
  static #inheritable(node: ContextNode): ContextNode | undefined {
    return typeof node.#deadline === 'number' ? node : node.#deadline
  }

  /** The ending of what was ended, made now if nobody has asked for it before. */
  static #asked(node: ContextNode): Ending | undefined {
    const known = node.#ending
    if (known === unasked) return (node.#ending = new Ending(-Infinity, undefined, undefined))
    return isEnding(known) ? known : undefined
  }

  /**
   * How a context has ended as of now, if it has. `time` is now, where the caller knows it. Finding out that a deadline
   * has passed runs no code of others at once, since it may be the reading of a property, unless `abortNow` says so.
   */
  static #settle(node: ContextNode, time?: number, abortNow = false): Ending | undefined {
    if (pollers.size > 0) pollAll()
    if (node.#ending !== undefined && node.#ending !== timed) return ContextNode.#asked(node)
    let ending: Ending | undefined
    if (node.#watch === undefined) {
      let outer = node.#outer
      while (outer.#ending === undefined || outer.#ending === timed) outer = outer.#outer
      if (outer.#ending !== never) ending = ContextNode.#asked(outer)
      if (ending === undefined && node.#deadline === undefined) return undefined
    }
    const owner = ContextNode.#ownerOf(node)
    const deadline = owner.#deadline
    if (typeof deadline === 'number' && (ending === undefined || deadline <= ending.at)) {
      const now = time ?? clock.now()
      if (ending !== undefined || deadline <= now) ending = ContextNode.#expire(owner, now, abortNow)
    }
    if (ending !== undefined && !isEnding(node.#ending)) node.#ending = ending
    return ending
  }

  /**
   * Ends a context unless it has ended; with `error` itself where the cause came with an error of ours. Whether a
   * deadline had passed before is asked of the clock only if somebody watches or set a deadline below: the usual end of
   * a context that nobody watched costs no reading.
   */
  static #cancel(
    node: ContextNode,
    cause: unknown,
    error: CanceledError | DeadlineExceededError | undefined,
    abortNow: boolean,
  ): void {
    if (isEnding(node.#ending)) return
    const timely = node.#ending === timed || (node.#watch !== undefined && node.#deadline !== undefined)
    const now = timely ? clock.now() : -Infinity
    if (ContextNode.#settle(node, now, abortNow) !== undefined) return
    ContextNode.#end(node, new Ending(now, cause, error), abortNow)
  }

  /**
   * Adds an observer; `now` is what the clock just said, if there is a deadline. The first one links the context, and
   * what is not yet linked above it, into the tree.
   */
  static #observe(observed: ContextNode, observer: Observer<ContextNode>, now: number): void {
    let node = observed
    let entry = observer
    // A root never ends and so keeps no observers.
    while (node.#ending !== never) {
      const linked = node.#watch
      const watch = linked ?? (node.#watch = new Watch<ContextNode>())
      watch.add(entry)
      const outer = node.#outer
      if (linked !== undefined || outer.#ending === never) break
      watch.link = entry = new Observer<ContextNode>('child', undefined, node, undefined)
      node = outer
    }
    ContextNode.#arm(ContextNode.#ownerOf(observed), now)
  }

  /** Removes an observer. The last one unlinks the context, and what is then unobserved above it, from the tree. */
  static #unobserve(observed: ContextNode, observer: Observer<ContextNode>): void {
    let node = observed
    let entry: Observer<ContextNode> | undefined = observer
    while (entry?.watch !== undefined) {
      const watch: Watch<ContextNode> = entry.watch
      watch.remove(entry)
      if (watch.first !== undefined) return
      watch.timer?.cancel()
      if (watch.controller === undefined) node.#watch = undefined
      entry = watch.link
      node = node.#outer
    }
  }

  /** Sets the timer of the deadline that a context owns. */
  static #arm(owner: ContextNode, now: number): void {
    const watch = owner.#watch
    const deadline = owner.#deadline
    if (watch === undefined || typeof deadline !== 'number' || watch.timer !== undefined) return
    watch.timer = setTimerAt(deadline, now, () => ContextNode.#expire(owner, clock.now(), true))
  }

  /** Ends a context at the deadline it owns. */
  static #expire(owner: ContextNode, now: number, abortNow: boolean): Ending {
    const known = ContextNode.#asked(owner)
    if (known !== undefined) return known
    const ending = ContextNode.#expiry(owner, now)
    ContextNode.#end(owner, ending, abortNow)
    return ending
  }

  static #expiry(owner: ContextNode, now: number): Ending {
    const at = ContextNode.#deadlineOf(owner) ?? now
    const cause = causeOf(owner.#origin)
    return new Ending(at, cause, deadlineExceededError(ContextNode.#describe(owner), now - at, cause))
  }

  /**
   * Marks a context and all that is linked below it, then has the callbacks run soon: parents first, in order. With
   * `abortNow` the signals abort before this returns, after everything was marked: who keeps a signal expects of
   * `cancel()` what `AbortController.abort()` does. What their listeners set off comes after the callbacks, which are
   * queued before.
   */
  static #end(top: ContextNode, ending: Ending, abortNow: boolean): void {
    top.#ending = ending
    const link = top.#watch?.link
    if (link !== undefined) ContextNode.#unobserve(top.#outer, link)
    if (top.#watch === undefined) return
    const due: Observer<ContextNode>[] = []
    const marked: ContextNode[] = [top]
    // The list grows while it is walked: no recursion, so no depth of a tree overflows the stack.
    for (const node of marked) ContextNode.#mark(node, marked, due, abortNow)
    if (due.length > 0) runSoon(due)
    if (!abortNow) return
    for (const node of marked) node.#watch?.controller?.abort(ContextNode.#asked(node)?.error)
  }

  /** Hands the ending of a context to its observers and lets go of them. */
  static #mark(
    node: ContextNode,
    marked: ContextNode[],
    due: Observer<ContextNode>[],
    abortNow: boolean,
  ): void {
    const watch = node.#watch
    const ending = node.#ending
    if (watch === undefined || ending === undefined) return
    if (watch.controller === undefined) node.#watch = undefined
    watch.timer?.cancel()
    watch.timer = watch.link = undefined
    for (let observer = watch.take(); observer !== undefined; observer = watch.take()) {
      const { child } = observer
      if (child !== undefined) {
        // A deadline of the child's own that passed before is what ended it, even if its timer is late.
        const first = typeof child.#deadline === 'number' && child.#deadline <= ending.at
        child.#ending = first ? ContextNode.#expiry(child, ending.at) : ending
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

/** Whether it is an ending, and nothing in place of none. */
function isEnding(ending: Ending | undefined): ending is Ending {
  return ending !== undefined && ending !== timed && ending !== never
}

const root = ContextNode.root('background')

/** The root of all contexts: never ends, has no deadline and no values. */
export const background: Context = root

/** Like `background`, for where it is not clear yet which context to use. */
export const todo: Context = ContextNode.root('todo')

/** A context that somebody else ends, and how; internal. */
export interface Endable {
  readonly ctx: CancelContext
  readonly end: (error: CanceledError | DeadlineExceededError) => void
}

/** A context under a root that somebody else ends, with an error made there; internal. */
export function endable(
  name: string,
  deadline: number,
  deadlineCause: unknown,
  values: readonly (readonly [Key<unknown>, unknown])[],
): Endable {
  const ms = deadline === Infinity ? undefined : deadline - clock.now()
  let bindings: Binding | undefined
  for (const [key, value] of values) bindings = new Binding(key, value, bindings)
  return ContextNode.endable(root, bindings, new DetailedOrigin(name, ms, deadlineCause), deadline)
}
