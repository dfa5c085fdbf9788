/*
 * Who watches a context: callbacks and linked children, in one intrusive list, and what exists only for their sake.
 * Adding and removing are O(1) however many there are; an EventTarget walks all its listeners on each.
 */
import type { Timer } from './clock.ts'
import type { Context } from './context.ts'
import type { Ending } from './ending.ts'
import type { CanceledError, DeadlineExceededError } from './errors.ts'
import { state } from './state.ts'

/** What an observer does when the context ends; internal. */
export type Callback = (err: CanceledError | DeadlineExceededError) => void

/**
 * What an observer is; internal. A `child` is a context that ends with its parent. A `callback` is the user's, and runs
 * soon after the end. A `release` belongs to the end itself: it runs while the tree is marked and calls no user code. An
 * `abort` aborts the signal of the context: at once where the end may run user code, else with the callbacks.
 */
export type Role = 'child' | 'callback' | 'release' | 'abort'

/** One entry of a `Watch`; internal. */
export class Observer<Child> {
  /** Undefined for a child, and for a callback that ran or was stopped. */
  callback: Callback | undefined
  readonly child: Child | undefined
  /** The ambient context to run the callback in. */
  readonly ambient: Context | undefined
  readonly role: Role
  /** How the observed context ended; set when the callback is due. */
  ending: Ending | undefined = undefined
  watch: Watch<Child> | undefined = undefined
  previous: Observer<Child> | undefined = undefined
  next: Observer<Child> | undefined = undefined

  constructor(
    role: Role,
    callback: Callback | undefined,
    child: Child | undefined,
    ambient: Context | undefined,
  ) {
    this.role = role
    this.callback = callback
    this.child = child
    this.ambient = ambient
  }
}

/** All that watches one context, and what the watching needs; internal. Exists while there is an observer or a signal. */
export class Watch<Child> {
  first: Observer<Child> | undefined = undefined
  last: Observer<Child> | undefined = undefined
  /** The entry of the observed context in the list of its parent; undefined under a context that never ends. */
  link: Observer<Child> | undefined = undefined
  /** Fires at the deadline that the observed context owns, if an observer waits for that one. */
  timer: Timer | undefined = undefined
  /** Of the signal, which outlasts the end. */
  controller: AbortController | undefined = undefined

  add(observer: Observer<Child>): void {
    observer.watch = this
    observer.previous = this.last
    if (this.last === undefined) this.first = observer
    else this.last.next = observer
    this.last = observer
  }

  remove(observer: Observer<Child>): void {
    const { previous, next } = observer
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    observer.watch = observer.previous = observer.next = undefined
  }

  /** Removes the first observer and returns it. */
  take(): Observer<Child> | undefined {
    const { first } = this
    if (first !== undefined) this.remove(first)
    return first
  }
}

/** Runs due callbacks in order in a microtask, each in its own ambient context and each on its own; internal. */
export function runSoon(observers: readonly Observer<unknown>[]): void {
  queueMicrotask(() => {
    for (const observer of observers) run(observer)
  })
}

function run(observer: Observer<unknown>): void {
  const { callback, ending, ambient } = observer
  if (callback === undefined || ending === undefined) return
  observer.callback = undefined
  try {
    if (state.storage.getStore() === ambient) callback(ending.error)
    else state.storage.run(ambient, callback, ending.error)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
