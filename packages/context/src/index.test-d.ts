import type { IncomingMessage } from 'node:http'
import { expectTypeOf } from 'vitest'
import type { CancelContext, CanceledError, Context, DeadlineExceededError, Key } from './index.ts'
import { background, bind, createKey, group, notify, race, run } from './index.ts'
import { extractDeadline, injectDeadline } from './wire.ts'

const count = createKey('count', 0)
const user = createKey<string>('user')
declare const ctx: Context
declare const own: CancelContext
declare const ended: Context

expectTypeOf(count).toEqualTypeOf<Key<number>>()
expectTypeOf(user).toEqualTypeOf<Key<string | undefined>>()
expectTypeOf(ctx.value(count)).toEqualTypeOf<number>()
expectTypeOf(ctx.value(user)).toEqualTypeOf<string | undefined>()
expectTypeOf(ctx.withValue(user, undefined)).toEqualTypeOf<Context>()
// @ts-expect-error a value of another type
ctx.withValue(count, 'one')
// @ts-expect-error a key of a narrower type is not one of a wider type
const wider: Key<number | string> = count
// @ts-expect-error a key of a wider type is not one of a narrower type
const narrower: Key<string> = user

expectTypeOf(ctx.err).toEqualTypeOf<CanceledError | DeadlineExceededError | undefined>()
expectTypeOf(ctx.cause).toEqualTypeOf<unknown>()
expectTypeOf(ctx.withCancel()).toEqualTypeOf<CancelContext>()
expectTypeOf(own).toExtend<Context>()
expectTypeOf(own).toExtend<Disposable>()
// @ts-expect-error a callee cannot cancel
ctx.cancel()
// @ts-expect-error a value adds no cancellation
own.withValue(count, 1).cancel()
// @ts-expect-error nor does taking it away
own.withoutCancel().cancel()
// @ts-expect-error the state is read-only
ctx.err = undefined
// @ts-expect-error a duration is a number
ctx.withTimeout('5s')
ctx.withDeadline(new Date())
ctx.withDeadline(5)
// @ts-expect-error no strings for times
ctx.withDeadline('2026-01-01')

if (ended.err?.code === 'KIT_DEADLINE_EXCEEDED') expectTypeOf(ended.err.timeout).toEqualTypeOf<true>()
if (ended.err?.name === 'AbortError') expectTypeOf(ended.err.code).toEqualTypeOf<'KIT_CANCELED'>()

expectTypeOf(run(ctx, () => 1)).toEqualTypeOf<number>()
expectTypeOf(run(ctx, async () => 'x')).toEqualTypeOf<Promise<string>>()
const add = (a: number, b: number): number => a + b
expectTypeOf(bind(add)).toEqualTypeOf<typeof add>()
expectTypeOf(race(ctx, Promise.resolve(1))).toEqualTypeOf<Promise<number>>()
expectTypeOf(notify(background, 'SIGTERM')).toEqualTypeOf<CancelContext>()
// @ts-expect-error no such signal
notify(background, 'SIGNOPE')

const g = group(ctx, { limit: 2 })
g.go(async (inner) => expectTypeOf(inner).toEqualTypeOf<Context>())
expectTypeOf(g.tryGo(() => {})).toEqualTypeOf<boolean>()
expectTypeOf(g).toExtend<AsyncDisposable>()
// @ts-expect-error the work must not have begun
g.go(Promise.resolve())

injectDeadline(ctx, new Headers())
injectDeadline(ctx, { accept: '*/*' })
// @ts-expect-error an unknown header
injectDeadline(ctx, {}, { header: 'x-timeout' })
expectTypeOf(extractDeadline({ 'grpc-timeout': '1S' })).toEqualTypeOf<number | undefined>()
declare const request: IncomingMessage
expectTypeOf(extractDeadline(request.headers)).toEqualTypeOf<number | undefined>()

void wider
void narrower
