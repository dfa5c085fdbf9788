import { expectTypeOf } from 'vitest'
import { withMetrics } from './with-metrics.ts'

// A wrapped function is typed as the function itself: overloads, generics, predicates and `this` included.
interface Overloaded {
  (a: string): string
  (a: number): Promise<number>
}
declare const overloaded: Overloaded
expectTypeOf(withMetrics('o', overloaded)).toEqualTypeOf<Overloaded>()

const generic = withMetrics('g', <T>(value: T): T[] => [value])
expectTypeOf(generic('x')).toEqualTypeOf<string[]>()

const isString = withMetrics('p', (value: unknown): value is string => typeof value === 'string')
declare const unknown: unknown
if (isString(unknown)) expectTypeOf(unknown).toEqualTypeOf<string>()

const bound = withMetrics('t', function (this: { base: number }, a: number): number {
  return this.base + a
})
expectTypeOf(bound).thisParameter.toEqualTypeOf<{ base: number }>()

// @ts-expect-error a name alone wraps nothing
withMetrics('name')
// @ts-expect-error arguments keep their types
withMetrics('f', (a: number) => a)('x')
// @ts-expect-error there is no such option
withMetrics('f', () => 1, { metric: 1 })
