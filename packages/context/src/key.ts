/*
 * Keys of context values. A key is compared by identity, so two keys of one name never collide, and it carries the
 * type and the default of its value. A package keeps its key to itself and exports typed accessors.
 */
import { ContextError } from './errors.ts'

/** Identifies one value in a context. Made by `createKey`; compared by identity, never by name. */
export interface Key<in out T> {
  /** For people: shown by `Context.toString()`. */
  readonly name: string
  /** What `Context.value` returns where no context up the tree has a value of this key. */
  readonly defaultValue: T
}

/** Makes a key whose value is `defaultValue` where none was set. Throws KIT_INVALID_KEY on an empty name. */
export function createKey<T>(name: string, defaultValue: T): Key<T>
/** Makes a key whose value is undefined where none was set. Throws KIT_INVALID_KEY on an empty name. */
export function createKey<T>(name: string): Key<T | undefined>
export function createKey<T>(name: string, defaultValue?: T): Key<T | undefined> {
  if (typeof name !== 'string' || name === '') {
    throw new ContextError('KIT_INVALID_KEY', 'createKey needs a name: a string that is not empty')
  }
  return Object.freeze({ name, defaultValue })
}

/** Throws KIT_INVALID_KEY unless the value looks like a key of this package, of whichever copy; internal. */
export function assertKey(key: unknown): void {
  try {
    if (typeof key === 'object' && key !== null && 'name' in key && 'defaultValue' in key) return
  } catch {
    // A revoked proxy is no key either.
  }
  throw new ContextError('KIT_INVALID_KEY', 'the key of a context value must come from createKey()')
}

/** A key of any type; a symbol is one of OpenTelemetry's. */
type AnyKey = { readonly name: string } | symbol

/** One value of a context; bindings form a list of their own, so a lookup never visits a context without a value. */
export class Binding {
  readonly key: AnyKey
  readonly value: unknown
  readonly next: Binding | undefined

  constructor(key: AnyKey, value: unknown, next: Binding | undefined) {
    this.key = key
    this.value = value
    this.next = next
  }

  /** A copy of this list that goes on with another. */
  before(rest: Binding): Binding {
    return new Binding(this.key, this.value, this.next === undefined ? rest : this.next.before(rest))
  }
}

/** For people: the names of the keys down to `end`, the oldest first. */
export function namesUntil(bindings: Binding | undefined, end: Binding | undefined): string[] {
  const names: string[] = []
  for (let binding = bindings; binding !== end && binding !== undefined; binding = binding.next) {
    names.unshift(typeof binding.key === 'symbol' ? (binding.key.description ?? '') : binding.key.name)
  }
  return names
}

/** The bindings but those that `dropped` says; what comes after the last of them is shared. */
export function without(
  bindings: Binding | undefined,
  dropped: (binding: Binding) => boolean,
): Binding | undefined {
  const kept: Binding[] = []
  let rest = bindings
  let seen = 0
  for (let binding = bindings; binding !== undefined; binding = binding.next) {
    if (!dropped(binding)) {
      kept.push(binding)
      continue
    }
    rest = binding.next
    seen = kept.length
  }
  for (const { key, value } of kept.slice(0, seen).toReversed()) rest = new Binding(key, value, rest)
  return rest
}
