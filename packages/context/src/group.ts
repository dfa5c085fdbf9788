/*
 * A group of functions that work on parts of one task: Go's errgroup. The first one that fails cancels the context of
 * all others and is what `wait` rejects with. A limit bounds how many run at a time.
 */
import { AsyncResource } from 'node:async_hooks'
import { run } from './ambient.ts'
import type { CancelContext, Context } from './context.ts'
import { ContextError, isCanceledBy } from './errors.ts'
import { assertContext } from './context-node.ts'

/** Options of `group`. */
export interface GroupOptions {
  /** How many functions may run at a time: a positive integer, or Infinity (the default). */
  limit?: number
}

/** Functions that run side by side and fail as one. */
export interface Group extends AsyncDisposable {
  /** The context of the group, which each function receives. It ends with the first failure and after `wait`. */
  readonly ctx: Context
  /**
   * Starts `fn` now, or once a place is free, first come, first served; never blocks. It gets the group's context,
   * which is also the ambient one while it runs. What waits for a place is held in memory without a bound: use
   * `tryGo` where the source must be slowed down. Once the group's context has ended nothing is started any more:
   * such a function counts as having failed with `ctx.err`. Throws KIT_INVALID_CALLBACK.
   */
  go(fn: (ctx: Context) => unknown): void
  /** Starts `fn` and returns true, or returns false if the limit is reached or the context has ended. */
  tryGo(fn: (ctx: Context) => unknown): boolean
  /** Waits for all functions, then cancels the context. Rejects with the first failure, whatever follows it. */
  wait(): Promise<void>
  /**
   * Waits for all functions. If `wait` was never called, the block was left early (disposal cannot see whether by an
   * error), so it cancels the context first, and then rejects if a function had failed with something else than
   * that cancellation.
   */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a group whose context is a child of `ctx`. Always `wait` for it, or declare it with `await using`.
 * Throws KIT_INVALID_CONTEXT, KIT_INVALID_OPTION.
 */
export function group(ctx: Context, options: GroupOptions = {}): Group {
  assertContext(ctx)
  const { limit = Infinity } = options
  if (!(limit >= 1 && (limit === Infinity || Number.isInteger(limit)))) {
    throw new ContextError(
      'KIT_INVALID_OPTION',
      'the limit of a group is a positive integer, or Infinity for none',
    )
  }
  return new LimitedGroup(ctx.withCancel(), limit)
}

interface Waiting {
  readonly fn: (ctx: Context) => unknown
  /** The async context of the caller: the function is started from where another one ends. */
  readonly resource: AsyncResource
  next: Waiting | undefined
}

class LimitedGroup implements Group {
  readonly #ctx: CancelContext
  readonly #limit: number
  #running = 0
  /** Functions that wait for a place, first come first. */
  #head: Waiting | undefined = undefined
  #tail: Waiting | undefined = undefined
  #failed = false
  #error: unknown = undefined
  /** Whether the failure is what became of a function that the end of the group cancelled. */
  #wasCanceled = false
  #waited = false
  /** Called when the last function is done. */
  #idle: (() => void)[] = []

  constructor(ctx: CancelContext, limit: number) {
    this.#ctx = ctx
    this.#limit = limit
  }

  get ctx(): Context {
    return this.#ctx
  }

  go(fn: (ctx: Context) => unknown): void {
    assertFunction(fn)
    if (this.#running < this.#limit) {
      if (this.#mayStart()) void this.#call(fn)
      return
    }
    const resource = new AsyncResource('kit.group')
    const waiting: Waiting = { fn, resource, next: undefined }
    if (this.#tail === undefined) this.#head = waiting
    else this.#tail.next = waiting
    this.#tail = waiting
  }

  tryGo(fn: (ctx: Context) => unknown): boolean {
    assertFunction(fn)
    if (this.#running >= this.#limit || this.#ctx.err !== undefined) return false
    void this.#call(fn)
    return true
  }

  async wait(): Promise<void> {
    this.#waited = true
    await this.#settled()
    this.#ctx.cancel()
    if (this.#failed) throw this.#error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const early = !this.#waited
    if (early) this.#ctx.cancel()
    await this.#settled()
    if (early && this.#failed && !this.#wasCanceled) throw this.#error
  }

  /** Whether the group is still on; what is not started any more has failed. */
  #mayStart(): boolean {
    const { err } = this.#ctx
    if (err !== undefined) this.#fail(err)
    return err === undefined
  }

  async #call(fn: (ctx: Context) => unknown): Promise<void> {
    this.#running++
    try {
      await run(this.#ctx, () => fn(this.#ctx))
    } catch (error) {
      this.#fail(error)
    }
    this.#running--
    this.#refill()
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#error = error
    const { err } = this.#ctx
    this.#wasCanceled = err !== undefined && isCanceledBy(err, error)
    this.#ctx.cancel(error)
  }

  #refill(): void {
    while (this.#head !== undefined && this.#running < this.#limit) {
      const { fn, resource, next } = this.#head
      this.#head = next
      if (next === undefined) this.#tail = undefined
      if (this.#mayStart()) void resource.runInAsyncScope(() => this.#call(fn))
    }
    if (this.#running > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  async #settled(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }
}

function assertFunction(fn: unknown): void {
  if (typeof fn === 'function') return
  throw new ContextError('KIT_INVALID_CALLBACK', 'a group runs functions: pass one that starts the work')
}
