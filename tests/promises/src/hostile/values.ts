/**
 * Values that break whoever trusts them: objects that throw when they are looked at, proxies that are revoked, depths that
 * no stack has room for, and texts that software stumbles over. Kinds have names, so that a finding can say what it took.
 */

import fc from 'fast-check'
import { naughtyStrings } from '../tools/naughty.ts'

/** A value and what it is. */
export interface Hostile {
  readonly what: string
  readonly value: unknown
}

/** Nobody's error: what a hostile value throws, so that it is known when it comes out where it should not. */
export class Poison extends Error {
  override readonly name = 'Poison'
}

function poison(): never {
  throw new Poison('a hostile value was touched')
}

/** Deeper than any stack. */
const deep = 100_000

/** Made once where it is large or costs much; nothing of the kit may change what it is given. */
const kinds: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  true: true,
  zero: 0,
  'minus zero': -0,
  NaN: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  'minus infinity': Number.NEGATIVE_INFINITY,
  'largest number': Number.MAX_VALUE,
  negative: -1.5,
  BigInt: 10n ** 40n,
  symbol: Symbol('hostile'),
  function: () => 'called',
  'throwing function': poison,
  class: Map,
  'huge text': 'x'.repeat(1_000_000),
  'huge text of escapes': '\u0001"\\'.repeat(50_000),
  'lone surrogates': '\ud800'.repeat(2_000),
  'throwing getter': Object.defineProperty({}, 'a', { enumerable: true, get: poison }),
  'throwing getters of known names': throwingOn(
    'name',
    'message',
    'stack',
    'cause',
    'code',
    'err',
    'toJSON',
    'then',
    'constructor',
    'length',
    'get',
    'set',
    'kind',
    'status',
    'headers',
  ),
  'throwing toString, valueOf and toJSON': {
    toString: poison,
    valueOf: poison,
    toJSON: poison,
    [Symbol.toPrimitive]: poison,
  },
  'throwing Symbol.toPrimitive': { [Symbol.toPrimitive]: poison },
  'throwing Symbol.toStringTag': Object.defineProperty({}, Symbol.toStringTag, { get: poison }),
  'throwing iterator': { [Symbol.iterator]: poison, [Symbol.asyncIterator]: poison },
  'toJSON that returns itself anew': endlessJson(),
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is hostile about it
  'throwing then': Object.defineProperty({}, 'then', { get: poison }),
  'then that throws': thenable(poison),
  'then that settles twice': thenable((resolve, reject) => {
    resolve(1)
    reject(new Poison('rejected as well'))
  }),
  'revoked proxy': revoked({}),
  'revoked proxy of a function': revoked(() => {}),
  'revoked proxy of an array': revoked([]),
  'revoked proxy of an error': revoked(new Error('revoked')),
  'proxy whose traps throw': new Proxy({}, allTraps()),
  'proxy of a function whose traps throw': new Proxy(() => {}, allTraps()),
  'proxy with endless keys': new Proxy(
    {},
    {
      ownKeys: () => Array.from({ length: 500 }, (_, i) => `k${i}`),
      getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
    },
  ),
  'proxy whose keys throw when they are read': new Proxy({ a: 1, b: 2 }, { get: poison }),
  'frozen error': Object.freeze(new Error('frozen')),
  'error without anything': Object.setPrototypeOf(Object.create(null), Error.prototype),
  'error of throwing getters': throwingError(),
  'error that is its own cause': selfCaused(),
  'error with a deep chain of causes': causes(5_000),
  'aggregate error of hostile ones': new AggregateError([revoked({}), throwingError(), 1n], 'aggregate'),
  'deep object': deepObject(deep),
  'deep array': deepArray(deep),
  circular: circular(),
  'wide object': Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`key ${i}`, i])),
  'sparse array': Object.assign([], { length: 2 ** 31 }),
  'without prototype': Object.assign(Object.create(null), { a: 1 }),
  'own __proto__': JSON.parse(
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  ),
  'invalid date': new Date(Number.NaN),
  'date with a throwing toISOString': Object.assign(new Date(0), { toISOString: poison, toJSON: poison }),
  'map of itself': selfMap(),
  'detached buffer': detached(),
  'typed array': new Float64Array(1_000),
  headers: new Headers({ 'x-a': 'b' }),
  'weak map': new WeakMap(),
  'boxed text': Object('text'),
  'boxed symbol': Object(Symbol('boxed')),
  generator: endless(),
  'null prototype with symbol keys': Object.assign(Object.create(null), { [Symbol('s')]: 1 }),
}

const names = Object.keys(kinds)
const known = fc.constantFrom(...names).map((what): Hostile => ({ what, value: kinds[what] }))
/** Of UTF-16, half a pair as well. */
const unit = fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff }))
const texts = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...naughtyStrings) },
  { weight: 1, arbitrary: fc.array(unit, { maxLength: 20 }).map((units) => String.fromCharCode(...units)) },
)
const text = texts.map((value): Hostile => ({ what: `text ${JSON.stringify(value.slice(0, 60))}`, value }))
const number = fc.double().map((value): Hostile => ({ what: `number ${value}`, value }))
const nested = fc.tuple(known, known, texts).map(([first, second, key]): Hostile => ({
  what: `object of ${first.what} and ${second.what}`,
  value: { a: first.value, [key]: second.value, list: [second.value, first.value] },
}))
const listed = known.map(({ what, value }): Hostile => ({ what: `array of ${what}`, value: [value, value] }))

/** Any of them. */
export const hostile: fc.Arbitrary<Hostile> = fc.oneof(
  { weight: 6, arbitrary: known },
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: number },
  { weight: 2, arbitrary: nested },
  { weight: 1, arbitrary: listed },
)

/** Texts alone. */
export const hostileTexts: fc.Arbitrary<string> = texts

function throwingOn(...keys: readonly string[]): object {
  const target = {}
  for (const key of keys) Object.defineProperty(target, key, { enumerable: true, get: poison })
  return target
}

function throwingError(): Error {
  const error = new Error('hidden')
  // The stack first: it is written when it is first asked for, out of the name and the message.
  for (const key of ['stack', 'name', 'message', 'cause', 'code']) {
    Object.defineProperty(error, key, { enumerable: true, get: poison })
  }
  return error
}

function selfCaused(): Error {
  const error = new Error('caused by itself')
  error.cause = error
  return error
}

function causes(depth: number): Error {
  let error = new Error('innermost')
  for (let i = 0; i < depth; i++) error = new Error(`wrapped ${i}`, { cause: error })
  return error
}

function endlessJson(): object {
  return { toJSON: endlessJson }
}

// oxlint-disable-next-line unicorn/no-thenable -- that is what is hostile about it
function thenable(
  then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
): object {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is hostile about it
  return { then }
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function allTraps(): ProxyHandler<object> {
  return Object.fromEntries(
    Object.getOwnPropertyNames(Reflect).map((trap) => [trap, poison]),
  ) as ProxyHandler<object>
}

function deepObject(depth: number): object {
  let value: object = {}
  for (let i = 0; i < depth; i++) value = { in: value }
  return value
}

function deepArray(depth: number): unknown[] {
  let value: unknown[] = []
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

function circular(): object {
  const value: Record<string, unknown> = {}
  value['self'] = value
  value['list'] = [value]
  return value
}

function selfMap(): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  map.set(map, map)
  return map
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(16)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

function* endless(): Generator<number> {
  for (let i = 0; ; i++) yield i
}
