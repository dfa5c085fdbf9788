/*
 * An emitter whose listeners run in one context. Listeners see the emitter's ambient context, and that of a pooled
 * socket or a parser is anybody's.
 */
import type { EventEmitter } from 'node:events'
import { bind } from './ambient.ts'
import type { Context } from './context.ts'

type Listener = ((...args: unknown[]) => void) & { listener?: Listener }
type Method = (this: EventEmitter, event: string | symbol, listener: Listener) => EventEmitter

const bound = Symbol('kit.boundEmitter')
/** Listeners that run in the context of their emitter already. */
const wrappers = new WeakSet<Listener>()

/**
 * Has the listeners that are added from now on run in `ctx`; the first context that an emitter is given stays. One that
 * is frozen keeps its methods, and its listeners run as they did.
 */
export function bindEmitter<E extends EventEmitter>(emitter: E, ctx: Context): E {
  if (bound in emitter || !Object.isExtensible(emitter)) return emitter
  Object.defineProperty(emitter, bound, { value: true })
  for (const name of ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const) {
    replace(emitter, name, (method) => {
      return function (event, listener) {
        // `once` adds through `on`: what it adds has been wrapped.
        if (typeof listener !== 'function' || isWrapped(listener)) {
          return Reflect.apply(method, this, [event, listener])
        }
        const wrapped: Listener = bind(listener, ctx)
        wrapped.listener = listener
        wrappers.add(wrapped)
        return Reflect.apply(method, this, [event, wrapped])
      }
    })
  }
  for (const name of ['off', 'removeListener'] as const) {
    replace(emitter, name, (method) => {
      return function (event, listener) {
        // Node finds what was wrapped once; what `once` wrapped as well is found here.
        const added = typeof listener === 'function' ? (this.rawListeners(event) as Listener[]) : []
        const twice = added.findLast((one) => one.listener?.listener === listener)
        return Reflect.apply(method, this, [event, twice?.listener ?? listener])
      }
    })
  }
  return emitter
}

function isWrapped(listener: Listener): boolean {
  return wrappers.has(listener) || (listener.listener !== undefined && wrappers.has(listener.listener))
}

function replace(emitter: EventEmitter, name: keyof EventEmitter, wrap: (method: Method) => Method): void {
  const value = wrap(emitter[name] as unknown as Method)
  Object.defineProperty(emitter, name, { value, writable: true, configurable: true, enumerable: false })
}
