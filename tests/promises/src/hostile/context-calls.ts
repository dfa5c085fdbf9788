/** All that contexts offer while a service runs. A mistake in deriving one is told at once, by its code; all else throws nothing. */

import {
  background,
  bind,
  createKey,
  current,
  group,
  isCanceled,
  isContext,
  isDeadlineExceeded,
  race,
  run,
  sleep,
  values,
  withValues,
} from '@kit/context'
import type { Context } from '@kit/context'
import { extractDeadline, injectDeadline } from '@kit/context/wire'
import { headerText, never, refusing } from './subject.ts'
import type { Subject } from './subject.ts'

const key = createKey<unknown>('hostile')
const deadlineHeaders = [
  'grpc-timeout',
  'connect-timeout-ms',
  'x-request-timeout-ms',
  'request-timeout',
] as const

/** The subject. */
export function contextCalls(): Subject {
  const missing: string[] = []
  const looked = (ctx: Context): void => {
    void [ctx.err, ctx.cause, ctx.deadline, ctx.remaining, ctx.toString(), ctx.signal.aborted, ctx.value(key)]
  }
  return {
    calls: {
      'cancel(cause)': never(({ values: [first] }) => {
        using ctx = background.withCancel()
        using child = ctx.withValue(key, first.value).withCancel()
        child.afterFunc(() => {})
        ctx.cancel(first.value)
        looked(child)
        if ((first.value ?? undefined) !== undefined && !Object.is(child.cause, first.value)) {
          missing.push(`the cause ${first.what}`)
        }
      }),
      withTimeout: refusing(['KIT_INVALID_TIMEOUT'], ({ values: [first, second] }) => {
        using ctx = background.withTimeout(first.value as never, second.value)
        looked(ctx)
      }),
      withDeadline: refusing(['KIT_INVALID_DEADLINE'], ({ values: [first, second] }) => {
        using ctx = background.withDeadline(first.value as never, second.value)
        looked(ctx)
      }),
      withSignal: refusing(['KIT_INVALID_SIGNAL'], ({ values: [first] }) => {
        using ctx = background.withSignal(first.value as never)
        looked(ctx)
      }),
      'withSignal of a signal that is aborted with it': never(({ values: [first] }) => {
        const controller = new AbortController()
        using ctx = background.withSignal(controller.signal)
        controller.abort(first.value)
        looked(ctx)
      }),
      'withValue(key)': refusing(['KIT_INVALID_KEY'], ({ values: [first, second] }) =>
        looked(background.withValue(first.value as never, second.value as never)),
      ),
      'withValue(value)': never(({ values: [first] }) => {
        const ctx = background.withValue(key, first.value)
        looked(ctx.withoutCancel())
        if (!Object.is(ctx.value(key), first.value)) missing.push(`the value ${first.what}`)
      }),
      'value(key)': refusing(['KIT_INVALID_KEY'], ({ values: [first] }) =>
        background.value(first.value as never),
      ),
      'values and withValues': refusing(
        ['KIT_INVALID_KEY', 'KIT_INVALID_CONTEXT'],
        ({ values: [first, second] }) =>
          withValues(first.value as never, values(key, second.value, first.value as never)),
      ),
      afterFunc: refusing(['KIT_INVALID_CALLBACK'], ({ values: [first], dice }) => {
        using ctx = background.withCancel()
        // What is a function would run and may throw, which is its own affair: the kit reports it as uncaught.
        const stop = ctx.afterFunc(first.value as never)
        stop()
        ctx.cancel(dice)
      }),
      'run(ctx)': refusing(['KIT_INVALID_CONTEXT'], ({ values: [first] }) =>
        run(first.value as never, current),
      ),
      'bind(fn)': refusing(['KIT_INVALID_CALLBACK', 'KIT_INVALID_CONTEXT'], ({ values: [first, second] }) =>
        bind(first.value as never, second.value as never),
      ),
      isContext: never(({ values: [first] }) => isContext(first.value)),
      'isCanceled and isDeadlineExceeded': never(({ values: [first] }) => {
        isCanceled(first.value)
        isDeadlineExceeded(first.value)
      }),
      sleep: refusing(
        ['KIT_INVALID_TIMEOUT', 'KIT_INVALID_CONTEXT', 'KIT_CANCELED'],
        ({ values: [first, second], dice }) => {
          if (dice < 0.5) return sleep(first.value as never, 1)
          using ctx = background.withCancel()
          const slept = sleep(ctx, second.value as never)
          ctx.cancel(first.value)
          return slept
        },
      ),
      'race of what it settles with': never(async ({ values: [first], dice }) => {
        using ctx = background.withCancel()
        const promise = dice < 0.5 ? Promise.resolve([first.value]) : Promise.reject(first.value)
        const result = await race(ctx, promise).then(
          ([value]) => ({ value }),
          (value: unknown) => ({ value }),
        )
        if (!Object.is(result.value, first.value)) missing.push(`the result ${first.what} of a race`)
      }),
      'race of an ended context': never(({ values: [first, second] }) => {
        using ctx = background.withCancel()
        ctx.cancel(second.value)
        return race(ctx, Promise.reject(first.value)).then(
          () => missing.push('the end of a context'),
          () => {},
        )
      }),
      'group of functions that throw it': never(async ({ values: [first], dice }) => {
        const work = group(background, { limit: 2 })
        for (let i = 0; i < 3; i++) {
          work.go(() => {
            if (dice < 0.5) throw first.value
            return Promise.reject(first.value)
          })
        }
        const failure = await work.wait().then(
          () => ({}),
          (error: unknown) => ({ error }),
        )
        if (!('error' in failure) || !Object.is(failure.error, first.value)) {
          missing.push(`the failure ${first.what} of a group`)
        }
      }),
      'group.go(fn)': refusing(['KIT_INVALID_CALLBACK'], ({ values: [first] }) => {
        if (typeof first.value === 'function') return
        group(background).go(first.value as never)
      }),
      'extractDeadline(headers)': never(({ values: [first] }) => extractDeadline(first.value as never)),
      'extractDeadline of texts': never(({ text, dice }) => {
        const header = deadlineHeaders[Math.floor(dice * deadlineHeaders.length)]!
        let malformed = 0
        const found = extractDeadline({ [header]: text }, { onMalformed: () => (malformed += 1) })
        if ((found === undefined) !== (malformed === 1)) missing.push(`${header}: ${text}`)
      }),
      'extractDeadline of hostile values': never(({ values: [first, second, third] }) => {
        let malformed = 0
        const headers = {
          'grpc-timeout': first.value,
          'connect-timeout-ms': second.value,
          'request-timeout': '1',
        }
        const found = extractDeadline(headers as never, {
          onMalformed: () => {
            malformed += 1
            throw third.value
          },
        })
        if (malformed < [first, second].filter(({ value }) => isNoHeader(value)).length) {
          missing.push(`${first.what} or ${second.what} as a header`)
        }
        if (found === undefined) missing.push('a deadline beside malformed ones')
      }),
      'extractDeadline of Headers': never(({ text }) =>
        extractDeadline(new Headers({ 'grpc-timeout': headerText(text) })),
      ),
      'injectDeadline(ctx, headers, options)': refusing(
        ['KIT_INVALID_OPTION', 'KIT_INVALID_CONTEXT', 'KIT_DEADLINE_EXCEEDED', 'KIT_CANCELED'],
        ({ values: [first, second], dice }) => {
          using ctx = background.withTimeout(dice * 10_000)
          if (dice < 0.5) injectDeadline(first.value as never, {})
          else injectDeadline(ctx, {}, { header: first.value as never, minimumMs: second.value as never })
        },
      ),
    },
    audit: () => missing.splice(0),
    close() {},
  }
}

/** What can be no value of a header. Arrays can; numbers are left to the unit tests. */
function isNoHeader(value: unknown): boolean {
  return typeof value === 'symbol' || typeof value === 'function' || typeof value === 'bigint'
}
