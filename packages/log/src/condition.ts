// Conditions on requests as plain data, so that they can be posted, audited, and carried to other threads and
// processes. All parts of a condition must hold.

import type { Context } from '@kit/context'
import { LogError } from './errors.ts'
import { KeyPatterns } from './key-patterns.ts'
import { baggageOf, headerOf, requestOf, routeOf, userOf } from './request-facts.ts'
import type { KnownFacts } from './request-facts.ts'
import { defaultRedactedKeys } from './secrets.ts'

/** Which requests. At least one part, and all that are given must hold. */
export interface RequestCondition {
  /**
   * Headers by name: `true` asks that there is one, a text that it is exactly this. Short: `'name'` or `'name=text'`.
   * Not those that carry credentials, since conditions are audited.
   */
  readonly header?: Readonly<Record<string, string | true>> | string
  /** Members of the request's baggage, likewise. */
  readonly baggage?: Readonly<Record<string, string | true>> | string
  /** The route's template, or the beginning of it with `*` at the end: `/orders/*`. One of several. */
  readonly route?: string | readonly string[]
  /** The user. One of several. */
  readonly user?: string | readonly string[]
}

const PARTS = ['header', 'baggage', 'route', 'user']
const MAX_ENTRIES = 32
const MAX_LENGTH = 256

type Wanted = readonly (readonly [name: string, value: string | true])[]

/** A condition that has been checked, and what asks it. */
export interface CheckedCondition {
  readonly condition: RequestCondition
  readonly holds: (ctx: Context) => boolean
}

/**
 * Checks a condition from anywhere. Throws a `LogError` with code `KIT_LOG_BAD_CONDITION`.
 */
export function checkCondition(when: unknown): CheckedCondition {
  if (typeof when !== 'object' || when === null || Array.isArray(when)) throw bad('is an object')
  const parts: Record<string, unknown> = Object.assign(Object.create(null), when)
  for (const part of Object.keys(parts)) {
    if (!PARTS.includes(part)) throw bad(`has the parts ${PARTS.join(', ')}, not ${shown(part)}`)
  }
  const header = pairs('header', parts['header']).map(([name, value]) => [name.toLowerCase(), value] as const)
  const baggage = pairs('baggage', parts['baggage'])
  for (const [name] of [...header, ...baggage]) refuseCredentials(name)
  const routes = texts('route', parts['route'])
  const users = texts('user', parts['user'])
  const count = header.length + baggage.length + routes.length + users.length
  if (count === 0) throw bad('needs at least one part')
  if (count > MAX_ENTRIES) throw bad(`has at most ${MAX_ENTRIES} entries`)
  const condition: RequestCondition = Object.freeze({
    ...(header.length === 0 ? undefined : { header: record(header) }),
    ...(baggage.length === 0 ? undefined : { baggage: record(baggage) }),
    ...(routes.length === 0 ? undefined : { route: Object.freeze(routes) }),
    ...(users.length === 0 ? undefined : { user: Object.freeze(users) }),
  })
  return { condition, holds: (ctx) => holds(requestOf(ctx), header, baggage, routes, users) }
}

function holds(
  known: KnownFacts | undefined,
  header: Wanted,
  baggage: Wanted,
  routes: readonly string[],
  users: readonly string[],
): boolean {
  if (known === undefined) return false
  return (
    header.every(([name, value]) => isWanted(value, headerOf(known, name))) &&
    baggage.every(([name, value]) => isWanted(value, baggageOf(known, name))) &&
    (routes.length === 0 || isOnRoute(routes, routeOf(known))) &&
    (users.length === 0 || isOneOf(users, userOf(known)))
  )
}

function isWanted(wanted: string | true, value: string | undefined): boolean {
  return wanted === true ? value !== undefined : value === wanted
}

function isOneOf(wanted: readonly string[], value: string | undefined): boolean {
  return value !== undefined && wanted.includes(value)
}

function isOnRoute(wanted: readonly string[], route: string | undefined): boolean {
  return (
    route !== undefined &&
    wanted.some((one) => (one.endsWith('*') ? route.startsWith(one.slice(0, -1)) : route === one))
  )
}

function pairs(part: string, value: unknown): Wanted {
  if (value === undefined) return []
  if (typeof value === 'string') {
    const equals = value.indexOf('=')
    return equals === -1
      ? [[checkText(part, value), true]]
      : [[checkText(part, value.slice(0, equals).trim()), checkValue(part, value.slice(equals + 1).trim())]]
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`has in ${part} an object of names and values`)
  }
  return Object.entries(value).map(([name, wanted]: [string, unknown]) => [
    checkText(part, name),
    wanted === true ? true : checkValue(part, wanted),
  ])
}

function texts(part: string, value: unknown): string[] {
  if (value === undefined) return []
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map((text) => checkText(part, text))
}

function checkText(part: string, text: unknown): string {
  if (typeof text !== 'string' || text === '') throw bad(`has in ${part} texts that are not empty`)
  return checkValue(part, text)
}

function checkValue(part: string, text: unknown): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (typeof text !== 'string' || text.length > MAX_LENGTH || /[\u0000-\u001f\u007f-\u009f]/.test(text)) {
    throw bad(`has in ${part} texts of at most ${MAX_LENGTH} characters without control characters, or true`)
  }
  return text
}

const credentials = new KeyPatterns(defaultRedactedKeys)

/** A condition stands in the audit, where credentials have no place. */
function refuseCredentials(name: string): void {
  if (credentials.match(name)) throw bad(`cannot ask for ${shown(name)}, which carries credentials`)
}

function record(entries: Wanted): Readonly<Record<string, string | true>> {
  return Object.freeze(Object.assign(Object.create(null), Object.fromEntries(entries)))
}

function bad(what: string): LogError {
  return new LogError(
    'KIT_LOG_BAD_CONDITION',
    `A condition on requests ${what}. Write it like { header: { 'x-debug': '1' }, route: '/orders/*' }.`,
  )
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64))
}
