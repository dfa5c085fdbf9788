/*
 * How a context was made, in as little room as it takes: a name, or the bare milliseconds of a `withTimeout`, which is
 * what most contexts with a deadline are made by. An object only where there is more to keep.
 */

/** How a context was made; internal. A number is the milliseconds that `withTimeout` was given. */
export type Origin = string | number | DetailedOrigin

/** What does not fit into a word; internal. */
export class DetailedOrigin {
  readonly name: string
  /** The milliseconds in parentheses after the name, if any. */
  readonly ms: number | undefined
  /** The cause given with the deadline. */
  readonly cause: unknown

  constructor(name: string, ms: number | undefined, cause: unknown) {
    this.name = name
    this.ms = ms
    this.cause = cause
  }
}

/** The method that made it, or the name of a root; internal. */
export function nameOf(origin: Origin): string {
  if (typeof origin === 'number') return 'withTimeout'
  return typeof origin === 'string' ? origin : origin.name
}

/** The cause given with the deadline; internal. */
export function causeOf(origin: Origin | undefined): unknown {
  return typeof origin === 'object' ? origin.cause : undefined
}

/** For people: `withTimeout(500ms)`, `withDeadline(in 500ms)` as seen when it was derived; internal. */
export function describeOrigin(origin: Origin): string {
  const name = nameOf(origin)
  const ms = typeof origin === 'object' ? origin.ms : origin
  if (typeof ms !== 'number') return name
  const duration = `${Math.round(ms * 1000) / 1000}ms`
  return `${name}(${name === 'withDeadline' ? `in ${duration}` : duration})`
}
