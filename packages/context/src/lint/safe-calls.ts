/*
 * Calls that do not throw, so that the ordinary things people do between deriving a context and the `try` that
 * protects it are not held against them: reading a clock, logging, making a collection, listening to its signal,
 * deriving one more context.
 */
import type { Node } from './syntax.ts'
import { child, disposeKey, keyOf, nameOf, unwrap } from './syntax.ts'

const receivers: ReadonlySet<string | undefined> = new Set([
  'console',
  'Date',
  'log',
  'logger',
  'Math',
  'performance',
  'Promise',
])
const functions: ReadonlySet<string | undefined> = new Set([
  'Boolean',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'current',
  'notify',
  'Number',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'String',
  'Symbol',
])
const constructors: ReadonlySet<string | undefined> = new Set([
  'AbortController',
  'AggregateError',
  'Date',
  'Error',
  'Map',
  'Promise',
  'RangeError',
  'Set',
  'TypeError',
  'WeakMap',
  'WeakSet',
])
const methods: ReadonlySet<string | undefined> = new Set([
  'addEventListener',
  'afterFunc',
  'cancel',
  'removeEventListener',
  'withCancel',
  'withDeadline',
  'withoutCancel',
  'withSignal',
  'withTimeout',
  'withValue',
  disposeKey,
])

/** Whether a call or a `new` does not throw, unless it is used against its contract. */
export function neverThrows(call: Node): boolean {
  const callee = unwrap(child(call, 'callee') ?? call)
  if (call.type === 'NewExpression') return constructors.has(nameOf(callee))
  if (callee.type !== 'MemberExpression') return functions.has(nameOf(callee))
  const receiver = child(callee, 'object')
  return methods.has(keyOf(callee)) || (receiver !== undefined && receivers.has(nameOf(unwrap(receiver))))
}
