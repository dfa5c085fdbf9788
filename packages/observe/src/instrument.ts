/**
 * `instrument(object)`: every method of an object or a class, observed. Methods are replaced where they are, one by one; the
 * object stays the object, so `#private` members work and nothing is looked at that a getter would have to compute.
 */

import { EventEmitter } from 'node:events'
import { Duplex, Readable, Stream, Transform, Writable } from 'node:stream'
import { isClass } from './disguise.ts'
import { ObserveError } from './errors.ts'
import { observePreset } from './observe.ts'
import { resolveOptions } from './options.ts'
import type { AnyFunction, ObserveOptions, Preset, Resolved } from './options.ts'
import { wrap } from './wrap.ts'

/** Options of {@link instrument}: its own, and those of `observe` for every method. */
export interface InstrumentOptions extends ObserveOptions {
  /** Begins the names: 'orders' for `orders.find`; '' for the methods' own. Default: the name of the class, if there is one. */
  prefix?: string | undefined
  /** Which methods; default: all. A name that is no method throws. */
  only?: readonly string[] | undefined
  /** Which methods not. */
  skip?: readonly string[] | undefined
}

const preset: Preset = { ...observePreset, of: 'instrument', log: false }
const own = ['prefix', 'only', 'skip']

/**
 * Observes every method of `target`, which is returned: an object, a class (its instances' methods) or a prototype. Methods
 * that an object inherits are replaced on the object alone. The constructor, symbols, getters, setters, fields that are
 * no functions, and classes are left alone; what is observed already stays as it is. Metrics and spans are on, lines are
 * not unless a `log` is given. Calls of `#private` methods are not seen, nor those of `super` methods of the same name.
 *
 * @throws ObserveError `KIT_NOT_INSTRUMENTABLE` for what is no object, a method that cannot be replaced, and a name in
 *   `only` or `skip` that is no method; `KIT_OBSERVE_OPTION_UNKNOWN`, `KIT_OBSERVE_OPTION_INVALID`.
 */
export function instrument<T extends object>(target: T, options?: InstrumentOptions): T {
  return instrumentAs('instrument', target, options)
}

/** As {@link instrument}, with the name of the function that was called for messages; internal. */
export function instrumentAs<T extends object>(
  of: string,
  target: T,
  options: InstrumentOptions | undefined,
): T {
  const resolved = resolveOptions({ ...preset, of }, options, own)
  const { prefix, only, skip = [] } = checkOwn(of, options)
  const home = homeOf(of, target)
  const methods = methodsOf(home)
  for (const name of [...(only ?? []), ...skip]) {
    if (!methods.has(name)) throw refusal(of, `there is no method ${JSON.stringify(name)}`)
  }
  const begin = prefix ?? classNameOf(home)
  const replaced = [...methods]
    .filter(([name]) => only?.includes(name) !== false && !skip.includes(name))
    .map(([name, descriptor]) => replacement(of, home, name, descriptor, begin, resolved))
  // All or none: a mistake is found before the first is replaced.
  for (const [name, descriptor] of replaced) Reflect.defineProperty(home, name, descriptor)
  return target
}

function replacement(
  of: string,
  home: object,
  name: string,
  descriptor: PropertyDescriptor,
  prefix: string,
  options: Resolved,
): [string, PropertyDescriptor] {
  const present = Reflect.getOwnPropertyDescriptor(home, name)
  const isFixed =
    present === undefined ? !Reflect.isExtensible(home) : !present.configurable && !present.writable
  if (isFixed)
    throw refusal(of, `the method ${JSON.stringify(name)} cannot be replaced: the object is frozen or sealed`)
  const full = prefix === '' ? name : `${prefix}.${name}`
  return [name, { ...descriptor, value: wrap(of, full, descriptor.value as AnyFunction, options) }]
}

/** The object whose properties are replaced. */
function homeOf(of: string, target: unknown): object {
  if (typeof target === 'function' && isClass(target)) return target.prototype as object
  if (typeof target === 'object' && target !== null && Reflect.getPrototypeOf(Object(target)) !== undefined)
    return target
  throw refusal(of, 'it needs an object or a class')
}

/** The methods of an object: its own and, unless it is a prototype itself, those that it inherits from classes. */
function methodsOf(home: object): Map<string, PropertyDescriptor> {
  const methods = new Map<string, PropertyDescriptor>()
  const seen = new Set<PropertyKey>(['constructor'])
  for (
    let link: object | null = home;
    link !== null && !isPlatform(link);
    link = Reflect.getPrototypeOf(link)
  ) {
    for (const key of Reflect.ownKeys(link)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(link, key)
      const value: unknown = descriptor?.value
      // What an object has of its own hides what it inherits, be it a method or not.
      if (!seen.has(key) && typeof key === 'string' && typeof value === 'function' && !isClass(value)) {
        methods.set(key, descriptor as PropertyDescriptor)
      }
      seen.add(key)
    }
    if (isPrototype(link) && link === home) break
  }
  return methods
}

/** What people derive from that Node has written in JavaScript, so that it does not look like the engine's. */
const nodes: ReadonlySet<unknown> = new Set(
  [EventEmitter, EventTarget, Stream, Readable, Writable, Duplex, Transform].map(
    ({ prototype }) => prototype,
  ),
)

/** Whether methods there are the platform's: of plain objects, arrays, maps, functions, emitters and streams. */
function isPlatform(link: object): boolean {
  if (nodes.has(link)) return true
  const constructor: unknown = Reflect.getOwnPropertyDescriptor(link, 'constructor')?.value
  return (
    typeof constructor === 'function' &&
    /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(constructor))
  )
}

function isPrototype(link: object): boolean {
  const constructor: unknown = Reflect.getOwnPropertyDescriptor(link, 'constructor')?.value
  return (
    typeof constructor === 'function' &&
    Reflect.getOwnPropertyDescriptor(constructor, 'prototype')?.value === link
  )
}

function classNameOf(home: object): string {
  for (
    let link: object | null = home;
    link !== null && !isPlatform(link);
    link = Reflect.getPrototypeOf(link)
  ) {
    const constructor: unknown = Reflect.getOwnPropertyDescriptor(link, 'constructor')?.value
    if (typeof constructor === 'function') return constructor.name
  }
  return ''
}

function checkOwn(of: string, options: InstrumentOptions = {}): InstrumentOptions {
  const { prefix, only, skip } = options
  const invalid = (what: string): ObserveError =>
    new ObserveError('KIT_OBSERVE_OPTION_INVALID', `${of}: ${what}.`)
  if (prefix !== undefined && typeof prefix !== 'string') throw invalid('prefix is a string')
  for (const [name, list] of Object.entries({ only, skip })) {
    if (list === undefined) continue
    if (!Array.isArray(list) || list.some((one) => typeof one !== 'string')) {
      throw invalid(`${name} is a list of names of methods`)
    }
  }
  return options
}

function refusal(of: string, what: string): ObserveError {
  return new ObserveError('KIT_NOT_INSTRUMENTABLE', `${of}: ${what}.`)
}
