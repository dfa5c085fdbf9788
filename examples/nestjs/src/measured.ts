/** Methods that are measured. Nest finds guards, roles and routes by the identity of a method; it stays what it was to it. */

import { withMetrics } from '@kit/observe'

type Method = (...args: never[]) => unknown

/** Counts and times a method, by `name`. May stand above or below Nest's own decorators. */
export function Measured(name: string): MethodDecorator {
  return (_target, _key, descriptor) => {
    const method = descriptor as { value?: Method }
    if (method.value !== undefined) method.value = withMetrics(name, method.value)
  }
}
