// What is known of the request behind a context, for rules that pick single requests: its headers, its baggage,
// the route that it took and the user that it came from. Whoever handles requests states them; nothing is copied
// and nothing is read until a rule asks, so an idle service pays one small object a request.

import { createKey } from '@kit/context'
import type { Context, Key } from '@kit/context'
import { baggageValue } from './baggage.ts'
import { processState, stats } from './stats.ts'

/**
 * What there is to know of a request. Each part is optional; a getter may answer `route` and `user` once they are
 * known. All of it may come from attackers, and may throw: a fact that cannot be read is no fact.
 */
export interface RequestFacts {
  /** The value of a header by its name in lower case; several of one name joined by `, `. */
  header?(name: string): string | undefined
  /**
   * The value of a baggage member. Default: read from the header `baggage`, unless its lines have more than 8,192 bytes
   * together, and from no more than 64 members (W3C Baggage); requests that have more are counted in
   * `logStats().limitedBaggage`.
   */
  baggage?(name: string): string | undefined
  /** The template of the route, such as `/orders/:id`. Never the raw path. */
  readonly route?: string | undefined
  /** Who asks, as the service knows them. */
  readonly user?: string | undefined
}

/**
 * The facts of a context: its own, then those that it was derived from. Plain data without a class, since contexts
 * pass between the copies of this package in one process.
 */
export interface KnownFacts {
  readonly facts: RequestFacts
  readonly outer: KnownFacts | undefined
  /** What `setUser` said last. Absent where an older copy made it. */
  user?: string | undefined
  /** Whether the request is counted among those with too much baggage. Absent where an older copy made it. */
  isLimited?: boolean
}

/**
 * A context of a request. What `facts` does not say, the facts that `ctx` already has may: so the code that knows
 * the user can add just that. Costs two small objects.
 *
 * `levels.override` picks requests by these facts. `@kit/http` states headers and route; the user is the application's
 * to state, with `setUser`.
 */
export function withRequest(ctx: Context, facts: RequestFacts): Context {
  const key = requestKey()
  return ctx.withValue(key, { facts, outer: ctx.value(key), user: undefined, isLimited: false })
}

/**
 * Says who asks, once that is known, for the nearest request of a context: for the lines of all contexts of that request
 * from then on. `undefined` takes it back. Nothing is written into lines: for that there are `withFields` and
 * `annotate`. Returns false where there is no request, or the user is no text, and then nothing is kept. Never throws.
 */
export function setUser(ctx: Context, user: string | undefined): boolean {
  const known = requestOf(ctx)
  if (known === undefined || (user !== undefined && typeof user !== 'string')) return false
  known.user = user
  return true
}

/** The facts of a context, undefined outside of requests. */
export function requestOf(ctx: Context): KnownFacts | undefined {
  return ctx.value(requestKey())
}

/** A header of the request. */
export function headerOf(known: KnownFacts | undefined, name: string): string | undefined {
  return firstOf(known, (facts) => facts.header?.(name))
}

/** A member of the request's baggage. */
export function baggageOf(known: KnownFacts | undefined, name: string): string | undefined {
  return firstOf(known, (facts, at) => {
    if (facts.baggage !== undefined) return facts.baggage(name)
    const header = facts.header?.('baggage')
    return typeof header === 'string' ? baggageValue(header, name, () => countLimited(at)) : undefined
  })
}

/** Once a request, however many lines ask for its baggage. */
function countLimited(request: KnownFacts): void {
  if (request.isLimited === true) return
  request.isLimited = true
  stats.limitedBaggage += 1
}

/** The route of the request. */
export function routeOf(known: KnownFacts | undefined): string | undefined {
  return firstOf(known, (facts) => facts.route)
}

/** The user of the request. */
export function userOf(known: KnownFacts | undefined): string | undefined {
  return firstOf(known, (facts, at) => at.user ?? facts.user)
}

function firstOf(
  known: KnownFacts | undefined,
  read: (facts: RequestFacts, at: KnownFacts) => string | undefined,
): string | undefined {
  for (let at = known; at !== undefined; at = at.outer) {
    try {
      const value: unknown = read(at.facts, at)
      if (typeof value === 'string') return value
    } catch {
      // The next one may know.
    }
  }
  return undefined
}

/** One key for all copies of this package in the process, since contexts pass between them. */
export function requestKey(): Key<KnownFacts | undefined> {
  processState.requestKey ??= createKey<KnownFacts>('log.request')
  return processState.requestKey
}
