/**
 * What makes a wrapper pass for the function: name, arity, own properties, prototype and metadata; and the mark by which
 * wrappers are known, so that nothing is counted or logged twice.
 */

import type { AnyFunction } from './options.ts'
import type { Method } from './watcher.ts'

/** What a wrapper does about the calls of its function. */
export interface Facets {
  readonly metrics: boolean
  readonly log: boolean
}

const anchor: unique symbol = Symbol.for('@kit/observe@1') as never
const globals = globalThis as { [anchor]?: WeakMap<object, Facets> }
/** Everything that is a wrapper already, shared by every installed copy of this package. */
const wrappers: WeakMap<object, Facets> = (globals[anchor] ??= new WeakMap())

/** What is done already about the calls of `fn`, if it is a wrapper. */
export function facetsOf(fn: object): Facets | undefined {
  return wrappers.get(fn)
}

/** Gives the wrapper everything by which others recognise the function, and remembers it as one. */
export function disguise<F extends AnyFunction>(wrapper: object, fn: F, facets: Facets): F {
  const copyOne = isClass(fn) ? statics(wrapper, fn) : copy
  for (const key of Reflect.ownKeys(fn)) {
    if (key === 'arguments' || key === 'caller') continue // V8's relics on functions of sloppy mode
    const descriptor = Reflect.getOwnPropertyDescriptor(fn, key)
    if (descriptor !== undefined) Reflect.defineProperty(wrapper, key, copyOne(descriptor, key))
  }
  Reflect.setPrototypeOf(wrapper, Reflect.getPrototypeOf(fn))
  copyMetadata(wrapper, fn)
  wrappers.set(wrapper, facets)
  return wrapper as F
}

/** The function of a method: one that can take `this` and, unlike others that can, is no constructor. */
export function methodOf({ wrapper }: { readonly wrapper: Method }): AnyFunction {
  return wrapper
}

/** Whether it must be called with `new`: of functions, only classes and the platform's constructors have such a prototype. */
export function isClass(fn: object): boolean {
  return Reflect.getOwnPropertyDescriptor(fn, 'prototype')?.writable === false
}

/** A private static member as it stands in the text of a class, minified ones too: `static*#a(){}`. */
const privateStatic = /\bstatic\b[\s*]*(?:(?:async|get|set)\b[\s*]*)?#/

function copy(descriptor: PropertyDescriptor): PropertyDescriptor {
  return descriptor
}

/**
 * Static members of a class go on living on the class: the class itself writes them there. Methods are shared, so that
 * `new this()` in one makes what the wrapper makes, except where the class has private static members: only the class
 * itself has those, so there a method that is called on the wrapper runs on the class.
 */
function statics(
  wrapper: object,
  fn: object,
): (descriptor: PropertyDescriptor, key: PropertyKey) => PropertyDescriptor {
  const hasPrivate = privateStatic.test(Function.prototype.toString.call(fn))
  return (descriptor, key) => {
    if (key === 'prototype' || key === 'name' || key === 'length') return descriptor
    const value: unknown = descriptor.value
    if (typeof value === 'function' && !isClass(value)) {
      return hasPrivate ? { ...descriptor, value: onClass(value as AnyFunction, wrapper, fn) } : descriptor
    }
    if (!hasPrivate && !('value' in descriptor)) return descriptor
    return {
      get: () => Reflect.get(fn, key),
      set: (next: unknown) => void Reflect.set(fn, key, next),
      enumerable: descriptor.enumerable === true,
      configurable: true,
    }
  }
}

function onClass(method: AnyFunction, wrapper: object, fn: object): AnyFunction {
  const moved = function (this: unknown, ...args: never[]): unknown {
    return Reflect.apply(method, this === wrapper ? fn : this, args)
  }
  Reflect.defineProperty(moved, 'name', { value: method.name, configurable: true })
  Reflect.defineProperty(moved, 'length', { value: method.length, configurable: true })
  return moved
}

/** The reflect-metadata polyfill keeps its entries by function identity: guards and routes of a framework live there. */
function copyMetadata(wrapper: object, fn: object): void {
  const reflect = Reflect as unknown as {
    getOwnMetadataKeys?: (target: object) => unknown[]
    getOwnMetadata?: (key: unknown, target: object) => unknown
    defineMetadata?: (key: unknown, value: unknown, target: object) => void
  }
  for (const key of reflect.getOwnMetadataKeys?.(fn) ?? []) {
    reflect.defineMetadata?.(key, reflect.getOwnMetadata?.(key, fn), wrapper)
  }
}
