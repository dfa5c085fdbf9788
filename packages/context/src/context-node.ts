/*
 * The one class behind every context: a place in the derivation, the values and the scope it ends with. All rules of
 * ending are in `scope.ts`.
 */
import { clock } from './clock.ts'
import type { CancelContext, Context } from './context.ts'
import type { CanceledError, DeadlineExceededError } from './errors.ts'
import { ContextError, errorOfReason } from './errors.ts'
import type { Key } from './key.ts'
import { assertKey, Binding, without } from './key.ts'
import type { Callback } from './observer.ts'
import { Observer, runSoon } from './observer.ts'
import { Scope } from './scope.ts'
import { state } from './state.ts'

/** Marks the contexts of every copy of this package. */
const brand = Symbol.for('@kit/context@1.context')

/**
 * Under this key stands an OpenTelemetry context that is none of ours; it answers for all of OpenTelemetry's keys that
 * were not set after it. Internal; see `opentelemetry.ts`.
 */
export const foreignKey: unique symbol = Symbol.for('@kit/context@1.foreign') as never

/** Lets console.log show the derivation. */
const inspect = Symbol.for('nodejs.util.inspect.custom')

/** Whether the value is a context, of whichever copy of this package; internal. */
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

/** An OpenTelemetry context that is none of ours, and the context that stands for it; internal. */
export interface Foreign {
  readonly context: { getValue(key: symbol): unknown }
  node: Context | undefined
}

type AnyFunction = (...args: never[]) => unknown

/** A context; internal. Fields are private, so that a context that is logged or serialised by mistake is `{}`. */
export class ContextNode implements CancelContext {
  readonly #parent: ContextNode | undefined
  readonly #bindings: Binding | undefined
  /** Its own, or the parent's for a context that only adds a value. */
  readonly #scope: Scope

  static {
    Object.defineProperty(this.prototype, brand, { value: true })
    Object.defineProperty(this.prototype, inspect, {
      value(this: ContextNode) {
        return this.toString()
      },
    })
  }

  constructor(parent: ContextNode | undefined, bindings: Binding | undefined, scope: Scope) {
    this.#parent = parent
    this.#bindings = bindings
    this.#scope = scope
  }

  /** Whether it is one of this copy of the package. */
  static is(value: object): value is ContextNode {
    return #scope in value
  }

  get err(): CanceledError | DeadlineExceededError | undefined {
    const ending = this.#scope.settle()
    return ending === undefined ? undefined : ending.error
  }

  get cause(): unknown {
    const ending = this.#scope.settle()
    return ending === undefined ? undefined : ending.cause
  }

  get deadline(): number | undefined {
    return this.#scope.deadline
  }

  get remaining(): number {
    const { deadline } = this.#scope
    return deadline === undefined ? Infinity : Math.max(0, deadline - clock.now())
  }

  get signal(): AbortSignal {
    return this.#scope.signal
  }

  /** The cause that the effective deadline of a context was given; not known of a context of another copy. */
  static deadlineCause(ctx: Context): unknown {
    return ContextNode.is(ctx) ? ctx.#scope.deadlineCause : undefined
  }

  throwIfDone(): void {
    const { err } = this
    if (err !== undefined) throw err
  }

  afterFunc(fn: Callback): () => boolean {
    if (typeof fn !== 'function') {
      throw new ContextError(
        'KIT_INVALID_CALLBACK',
        'afterFunc needs a function to run when the context ends',
      )
    }
    const scope = this.#scope
    const now = scope.deadline === undefined ? 0 : clock.now()
    const ending = scope.settle(now)
    const observer = new Observer<Scope>('callback', fn, undefined, state.storage.getStore())
    if (ending === undefined) {
      Scope.observe(scope, observer, now)
    } else {
      observer.ending = ending
      runSoon([observer])
    }
    return () => {
      if (observer.callback === undefined) return false
      observer.callback = undefined
      Scope.unobserve(scope, observer)
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
    return new ContextNode(this, new Binding(key, value, this.#bindings), this.#scope)
  }

  /** OpenTelemetry's way to ask for a value: a context is one of its contexts as well. Absent: undefined. */
  getValue(key: symbol): unknown {
    for (let binding = this.#bindings; binding !== undefined; binding = binding.next) {
      if (binding.key === key) return binding.value
      if (binding.key === foreignKey) return (binding.value as Foreign).context.getValue(key)
    }
    return undefined
  }

  /**
   * OpenTelemetry's way to set a value. What it shadows goes, and with it this place in the derivation if it was there
   * for a value of OpenTelemetry's: code that enters such contexts inside each other for ever keeps only the last.
   */
  setValue(key: symbol, value: unknown): ContextNode {
    const shadowed = (other: Binding): boolean =>
      other.key === key || (key === foreignKey && typeof other.key === 'symbol')
    const parent = typeof this.#bindings?.key === 'symbol' && this.#sharesScope() ? this.#parent : this
    return new ContextNode(parent, new Binding(key, value, without(this.#bindings, shadowed)), this.#scope)
  }

  /** OpenTelemetry's way to remove a value. */
  deleteValue(key: symbol): ContextNode {
    return this.setValue(key, undefined)
  }

  withCancel(): CancelContext {
    return this.#derive(new Scope('withCancel', undefined, this.#scope))
  }

  withTimeout(ms: number, cause?: unknown): CancelContext {
    if (typeof ms !== 'number' || Number.isNaN(ms)) {
      throw new ContextError(
        'KIT_INVALID_TIMEOUT',
        'withTimeout needs a number of milliseconds; Infinity sets none',
      )
    }
    const scope = new Scope('withTimeout', ms, this.#scope)
    if (ms !== Infinity) {
      const now = clock.now()
      scope.setDeadline(now + ms, now, cause)
    }
    return this.#derive(scope)
  }

  withDeadline(at: Date | number, cause?: unknown): CancelContext {
    const time = at instanceof Date ? at.getTime() : at
    if (typeof time !== 'number' || Number.isNaN(time)) {
      throw new ContextError(
        'KIT_INVALID_DEADLINE',
        'withDeadline needs a valid Date, or a number of milliseconds on the clock of performance.now()',
      )
    }
    const now = clock.now()
    const deadline = at instanceof Date ? now + (time - clock.wallTime()) : time
    const scope = new Scope('withDeadline', deadline - now, this.#scope)
    if (deadline !== Infinity) scope.setDeadline(deadline, now, cause)
    return this.#derive(scope)
  }

  withSignal(signal: AbortSignal): CancelContext {
    if (typeof signal?.aborted !== 'boolean' || typeof signal.removeEventListener !== 'function') {
      throw new ContextError('KIT_INVALID_SIGNAL', 'withSignal needs an AbortSignal')
    }
    const scope = new Scope('withSignal', undefined, this.#scope)
    const end = (): void => {
      const reason: unknown = signal.reason
      const error = errorOfReason(reason)
      scope.cancel(error === undefined ? reason : error.cause, error, true)
    }
    if (signal.aborted) {
      end()
    } else if (scope.settle() === undefined) {
      signal.addEventListener('abort', end, { once: true })
      // Observed from the start: the end of an ancestor has to take the listener off the signal.
      const release = (): void => {
        try {
          signal.removeEventListener('abort', end)
        } catch {
          // A signal that is not the platform's fails on its own: what ends besides it has to end.
        }
      }
      Scope.observe(scope, new Observer<Scope>('release', release, undefined, undefined), clock.now())
    }
    return this.#derive(scope)
  }

  withoutCancel(): Context {
    return new ContextNode(this, this.#bindings, new Scope('withoutCancel', undefined, undefined))
  }

  cancel(cause?: unknown): void {
    const scope = this.#scope
    if (scope.outer === undefined || this.#sharesScope()) {
      throw new ContextError(
        'KIT_NOT_CANCELABLE',
        `${this.toString()} has no cancel of its own: derive one with withCancel(), and cancel that`,
      )
    }
    scope.cancel(cause, undefined, true)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }

  toString(): string {
    let text = this.#describe()
    for (let node = this.#parent; node !== undefined; node = node.#parent)
      text = `${node.#describe()}.${text}`
    return text
  }

  /** A child that ends on its own. */
  #derive(scope: Scope): ContextNode {
    const child = new ContextNode(this, this.#bindings, scope)
    if (state.tracker !== undefined) {
      state.tracker.derived(child, scope, Reflect.get(this, scope.name) as AnyFunction)
    }
    return child
  }

  #sharesScope(): boolean {
    return this.#parent !== undefined && this.#parent.#scope === this.#scope
  }

  #describe(): string {
    return this.#sharesScope() ? `withValue(${String(this.#bindings)})` : this.#scope.toString()
  }
}

/** The root of all contexts: never ends, has no deadline and no values. */
export const background: Context = root('background')

/** Like `background`, for where it is not clear yet which context to use. */
export const todo: Context = root('todo')

function root(name: string): Context {
  return new ContextNode(undefined, undefined, new Scope(name, undefined, undefined))
}

/** A context under a root that somebody else ends, with an error made there; internal. */
export function endable(
  name: string,
  deadline: number,
  deadlineCause: unknown,
  values: readonly (readonly [Key<unknown>, unknown])[],
): { ctx: CancelContext; end: (error: CanceledError | DeadlineExceededError) => void } {
  const outer = new Scope('background', undefined, undefined)
  const now = clock.now()
  const scope = new Scope(name, deadline === Infinity ? undefined : deadline - now, outer)
  if (deadline !== Infinity) scope.setDeadline(deadline, now, deadlineCause)
  let bindings: Binding | undefined
  for (const [key, value] of values) bindings = new Binding(key, value, bindings)
  const ctx = new ContextNode(new ContextNode(undefined, undefined, outer), bindings, scope)
  return { ctx, end: (error) => scope.cancel(error.cause, error, false) }
}
