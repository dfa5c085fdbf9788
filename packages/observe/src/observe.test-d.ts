import type { Context } from '@kit/context'
import { expectTypeOf } from 'vitest'
import { instrument } from './instrument.ts'
import { observe } from './observe.ts'
import { observed } from './observed.ts'
import { withLog } from './with-log.ts'

// Whatever wraps, the type of the function stays.
interface Overloaded {
  (ctx: Context, a: string): string
  (ctx: Context, a: number): Promise<number>
}
declare const overloaded: Overloaded
expectTypeOf(observe('o', overloaded, { timeoutMs: 5 })).toEqualTypeOf<Overloaded>()
expectTypeOf(withLog('o', overloaded)).toEqualTypeOf<Overloaded>()

type Walk = <T>(items: readonly T[]) => AsyncGenerator<T, number, string>
declare const walk: Walk
const walked: Walk = observe('w', walk)
expectTypeOf(walked(['a'])).toEqualTypeOf<AsyncGenerator<string, number, string>>()

declare const isError: (value: unknown) => value is Error
declare const thing: unknown
const check = observe(isError)
if (check(thing)) expectTypeOf(thing).toEqualTypeOf<Error>()

declare const assertString: (value: unknown) => asserts value is string
expectTypeOf(withLog(assertString)).toEqualTypeOf<typeof assertString>()

// Handlers that are written in place keep the types that their place gives them.
type Handler = (request: { readonly url: string }, reply: (text: string) => void) => void
const handler: Handler = observe('h', (request, reply) => reply(request.url))
expectTypeOf(handler).toEqualTypeOf<Handler>()

// Options know arguments and results.
observe('l', async (id: number, _name: string) => ({ id, rows: [1] }), {
  labels: ([id, name], result) => {
    expectTypeOf(id).toEqualTypeOf<number>()
    expectTypeOf(name).toEqualTypeOf<string>()
    expectTypeOf(result).toEqualTypeOf<{ id: number; rows: number[] } | undefined>()
    return { big: id > 10 }
  },
  isFailure: ({ rows }) => rows.length === 0,
})
// @ts-expect-error a label is a string, a number or a boolean
observe('l', (id: number) => id, { labels: ([id]) => ({ id: [id] }) })
// @ts-expect-error there is no such level
observe('l', () => 1, { level: 'silent' })

// Objects and classes stay what they are.
class Repository {
  @observed
  find(id: string): string {
    return id
  }
  @observed({ slowMs: 5, log: true })
  static make(): Repository {
    return new Repository()
  }
  @observed({ name: 'repository.map' })
  map<T>(this: Repository, value: T): T[] {
    return [value]
  }
  @observed({ timeEvery: 10 })
  handler = (a: number): number => a
  // @ts-expect-error a getter is not called by anybody who could be observed
  @observed
  get size(): number {
    return 1
  }
}
expectTypeOf(instrument(Repository)).toEqualTypeOf<typeof Repository>()
expectTypeOf(instrument(new Repository(), { prefix: 'db' })).toEqualTypeOf<Repository>()
expectTypeOf(new Repository().map(1)).toEqualTypeOf<number[]>()

@observed
class Whole {
  readonly a: number = 1
}
expectTypeOf(new Whole().a).toEqualTypeOf<number>()
// @ts-expect-error nothing that has methods
instrument(5)
