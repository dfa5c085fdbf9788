/**
 * What a context looks like in many libraries: a map in which anybody puts anything under a name. It is here to show
 * what goes wrong with it.
 */

/** A context whose keys are strings or symbols, and whose values are unknown. */
export class UntypedContext {
  readonly #values: ReadonlyMap<string | symbol, unknown>

  constructor(values: ReadonlyMap<string | symbol, unknown> = new Map()) {
    this.#values = values
  }

  /** A context with one more value. */
  withValue(key: string | symbol, value: unknown): UntypedContext {
    return new UntypedContext(new Map(this.#values).set(key, value))
  }

  /** The value under that key, whoever put it there. */
  value(key: string | symbol): unknown {
    return this.#values.get(key)
  }
}
