/*
 * The values of OpenTelemetry among those of a context: its keys are symbols. A whole context of OpenTelemetry's own, which
 * is none of ours, stands under a key of ours.
 */
import type { Context } from './context.ts'
import { Binding, without } from './key.ts'

/**
 * Under this key stands an OpenTelemetry context that is none of ours; it answers for all of OpenTelemetry's keys that
 * were not set after it. Internal; see `opentelemetry.ts`.
 */
export const foreignKey: unique symbol = Symbol.for('@kit/context@1.foreign') as never

/** An OpenTelemetry context that is none of ours, and the context that stands for it; internal. */
export interface Foreign {
  readonly context: { getValue(key: symbol): unknown }
  node: Context | undefined
}

/** The value of a key of OpenTelemetry's; internal. Absent: undefined. */
export function foreignValue(bindings: Binding | undefined, key: symbol): unknown {
  for (let binding = bindings; binding !== undefined; binding = binding.next) {
    if (binding.key === key) return binding.value
    if (binding.key === foreignKey) return (binding.value as Foreign).context.getValue(key)
  }
  return undefined
}

/** The bindings with a value of OpenTelemetry's more and without what it shadows; internal. */
export function withForeign(bindings: Binding | undefined, key: symbol, value: unknown): Binding {
  const shadowed = (other: Binding): boolean =>
    other.key === key || (key === foreignKey && typeof other.key === 'symbol')
  return new Binding(key, value, without(bindings, shadowed))
}
