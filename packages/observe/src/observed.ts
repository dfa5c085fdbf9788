/**
 * `@observed`: `observe` and `instrument` for who likes decorators. One function for those of the language and for the
 * legacy ones of TypeScript; on a method, a field that holds a function, or a class. Everything it does can be had without
 * it, since engines do not run decorators yet: they need a compiler.
 */

import { disguise, facetsOf, methodOf } from './disguise.ts'
import { ObserveError } from './errors.ts'
import { instrumentAs } from './instrument.ts'
import type { InstrumentOptions } from './instrument.ts'
import { observePreset } from './observe.ts'
import { declareInstruments } from './meter.ts'
import { resolveOptions } from './options.ts'
import type { AnyFunction, Preset, Resolved } from './options.ts'
import type { Method } from './watcher.ts'
import { wrap } from './wrap.ts'

/** A decorator of methods, of fields that hold a function, and of classes, whichever kind of decorators is compiled. */
export interface Decorator {
  /** A method, by the decorators of the language. */
  <F extends AnyFunction>(method: F, context: MethodContext): F
  /** A field. */
  (field: undefined, context: FieldContext): <F>(initial: F) => F
  /** A class: every method of its instances. */
  (type: AnyClass, context: ClassDecoratorContext): void
  /** A method, by the legacy decorators of TypeScript. */
  <F extends AnyFunction>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>
  /** A class, by these. */
  (type: AnyClass): void
}

/** {@link observed}: a decorator, and what makes one with options. */
export interface ObservedDecorator extends Decorator {
  /** `@observed({ slowMs: 50, log })`: the options of `observe` and, for a class, of `instrument`. */
  (options: ObservedOptions): Decorator
}

/** Options of {@link observed}. */
export interface ObservedOptions extends InstrumentOptions {
  /** The name of the one function, 'orders.find'. Default: names of class and method. */
  name?: string | undefined
}

type MethodContext = Pick<ClassMethodDecoratorContext, 'kind' | 'name'>
type FieldContext = Pick<ClassFieldDecoratorContext, 'kind' | 'name'>
type AnyClass = abstract new (...args: never) => unknown
type Context = ClassMethodDecoratorContext | ClassFieldDecoratorContext | ClassDecoratorContext

const preset: Preset = { ...observePreset, of: '@observed', log: false }
const forOne = ['name']

/**
 * Decorates a method, a field that holds a function, or a class: `@observed find() {}`, `@observed({ slowMs: 50 }) find() {}`,
 * `@observed class Orders {}`. Metrics and spans are on, lines are not unless a `log` is given. Names are
 * `Class.method`, where `Class` is the one that has the method. Put it above decorators that replace the method, and where
 * metadata matters, anywhere: it is kept.
 *
 * Cost: that of `observe`, and for a method some 10 ns, since its class is not known before its first call. A field is wrapped
 * anew for each instance, which takes some microseconds.
 *
 * @throws ObserveError `KIT_NOT_A_FUNCTION` on getters, setters, accessors and, with legacy decorators, fields;
 *   `KIT_OBSERVE_OPTION_UNKNOWN`, `KIT_OBSERVE_OPTION_INVALID`.
 */
export const observed: ObservedDecorator = ((...args: unknown[]): unknown => {
  const [first] = args
  if (args.length === 1 && typeof first === 'object') {
    checkOptions(first)
    return (...given: unknown[]) => decorate(given, first as ObservedOptions)
  }
  return decorate(args, {})
}) as ObservedDecorator

function decorate([first, second, third]: unknown[], options: ObservedOptions): unknown {
  if (typeof second === 'object' && second !== null) return decorateNow(first, second as Context, options)
  if (second === undefined) return void instrumentAs(preset.of, first as object, classOptions(options))
  return decorateLegacy(first as object, second as string | symbol, third as PropertyDescriptor, options)
}

/** The decorators of the language: https://github.com/tc39/proposal-decorators. */
function decorateNow(value: unknown, context: Context, options: ObservedOptions): unknown {
  const { kind } = context
  if (kind === 'class') return void instrumentAs(preset.of, value as object, classOptions(options))
  const { name, ...rest } = options
  const resolved = resolveOptions(preset, rest)
  const member = String(context.name)
  if (kind === 'method') return namedLater(value as AnyFunction, member, name, resolved)
  if (kind === 'field') {
    return function (this: unknown, initial: unknown): unknown {
      if (typeof initial !== 'function') return initial
      return wrap(
        preset.of,
        name ?? `${ownerOf(this, initial, member)}.${member}`,
        initial as AnyFunction,
        resolved,
      )
    }
  }
  throw refusal(`a ${String(kind)}`)
}

function decorateLegacy(
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  options: ObservedOptions,
): PropertyDescriptor {
  const { name, ...rest } = options
  if (typeof descriptor?.value !== 'function') throw refusal('a field, a getter or a setter')
  const type = typeof target === 'function' ? target : target.constructor
  const full = name ?? `${type.name}.${String(key)}`
  const value = wrap(preset.of, full, descriptor.value as AnyFunction, resolveOptions(preset, rest))
  return { ...descriptor, value }
}

/** A method's class is not known when it is decorated, but when it is called: the wrapper is made then. */
function namedLater(
  method: AnyFunction,
  member: string,
  name: string | undefined,
  options: Resolved,
): AnyFunction {
  if (facetsOf(method) !== undefined || name !== undefined)
    return wrap(preset.of, name ?? member, method, options)
  if (options.metrics !== undefined) declareInstruments(options.metrics) // what cannot be declared is told now
  let observing: Method | undefined
  const wrapper = methodOf({
    wrapper(this: unknown, ...args: unknown[]): unknown {
      observing ??= wrap(
        preset.of,
        `${ownerOf(this, wrapper, member)}.${member}`,
        method,
        options,
      ) as unknown as Method
      return Reflect.apply(observing, this, args)
    },
  })
  return disguise(wrapper, method, {
    metrics: options.metrics !== undefined,
    log: options.log !== undefined,
  })
}

/** The name of the class that has the member, where that can be found: of a subclass's instance, the superclass. */
function ownerOf(self: unknown, value: unknown, member: string): string {
  try {
    for (let link: unknown = self; link !== null; link = Reflect.getPrototypeOf(link as object)) {
      if (Reflect.getOwnPropertyDescriptor(link as object, member)?.value === value) return nameOfClass(link)
    }
    return nameOfClass(self)
  } catch {
    return ''
  }
}

function nameOfClass(owner: unknown): string {
  return typeof owner === 'function' ? owner.name : (owner as object).constructor.name
}

/** What a decorator is given for a class. */
function classOptions({ name, ...options }: ObservedOptions): InstrumentOptions {
  if (name === undefined) return options
  throw new ObserveError(
    'KIT_OBSERVE_OPTION_INVALID',
    '@observed: a name is for one method; a class has a prefix.',
  )
}

function checkOptions(options: unknown): void {
  resolveOptions(preset, options, [...forOne, 'prefix', 'only', 'skip'])
}

function refusal(what: string): ObserveError {
  return new ObserveError('KIT_NOT_A_FUNCTION', `@observed is for methods and classes, not for ${what}.`)
}
