import type { Context } from '@kit/context'
import { background, createKey } from '@kit/context'
import { clientAddressKey, requestIdKey, traceKey } from '@kit/http'
import type { TraceContext } from '@kit/http'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { AuthToken } from './auth-token.ts'
import { authTokenOf, withAuthToken } from './auth-token.ts'
import { localeOf, withLocale } from './locale.ts'

// What the compiler refuses is checked where the tests are type-checked; nothing in `refused` runs.

describe('a wrong type does not compile', () => {
  it('through the keys of other packages', () => {
    const refused = (ctx: Context): void => {
      // @ts-expect-error a request id is a string
      ctx.withValue(requestIdKey, 7)
      // @ts-expect-error a trace is more than its id
      ctx.withValue(traceKey, 'a'.repeat(32))
      // @ts-expect-error there may be no address
      const address: string = ctx.value(clientAddressKey)
      // @ts-expect-error a name is no key
      ctx.value('kit.http.requestId')
      // @ts-expect-error nor is a symbol
      ctx.value(Symbol.for('kit.http.requestId'))
      void address
    }
    expect(refused).toBeTypeOf('function')
    expectTypeOf(background.value(requestIdKey)).toEqualTypeOf<string | undefined>()
    expectTypeOf(background.value(traceKey)).toEqualTypeOf<TraceContext | undefined>()
  })

  it('through the accessors of the application', () => {
    const refused = (ctx: Context): void => {
      // @ts-expect-error a bare string would end up in a log
      withAuthToken(ctx, 's3cret')
      // @ts-expect-error a locale is a string
      withLocale(ctx, undefined)
      // @ts-expect-error a token cannot be read as text by accident
      const text: string = authTokenOf(ctx)
      void text
    }
    expect(refused).toBeTypeOf('function')
    expectTypeOf(authTokenOf(background)).toEqualTypeOf<AuthToken | undefined>()
    // With a default there is always a value.
    expectTypeOf(localeOf(background)).toEqualTypeOf<string>()
  })

  it('and a key with the right type does', () => {
    const limit = createKey('limit', 10)
    expect(background.withValue(limit, 20).value(limit)).toBe(20)
    expect(background.value(limit)).toBe(10)
  })
})
