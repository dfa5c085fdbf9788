import { expectTypeOf } from 'vitest'
import type { Context } from '@kit/context'
import { background } from '@kit/context'
import { createLogger, defaultLogger, levelHandler, withFields } from './index.ts'
import type { Change, Level, Logger, LogErrorCode } from './index.ts'

const log = createLogger({ level: 'info,db.*=debug', format: 'auto' })

expectTypeOf(log).toEqualTypeOf<Logger>()
expectTypeOf(defaultLogger()).toEqualTypeOf<Logger>()
expectTypeOf(log.child({ a: 1 })).toEqualTypeOf<Logger>()
expectTypeOf(log.named('db')).toEqualTypeOf<Logger>()
expectTypeOf(log.withContext(background)).toEqualTypeOf<Logger>()
expectTypeOf(withFields(background, { a: 1 })).toEqualTypeOf<Context>()
expectTypeOf(log.levels.set('db', 'debug', { ttlMs: 1, reason: 'why', by: 'who' })).toEqualTypeOf<Change>()
expectTypeOf(log.levels.get().level).toEqualTypeOf<Level>()
expectTypeOf(log.flush(1)).toEqualTypeOf<Promise<void>>()
expectTypeOf<Level>().toEqualTypeOf<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'>()
expectTypeOf<'KIT_LOG_BAD_LEVEL'>().toExtend<LogErrorCode>()

log.info('message %s', 1, new Error('x'))
log.info({ a: 1 })
log.info({ a: 1 }, 'message %d', 2)
log.error(new Error('x'), 'message')
log.levels.set('db', process.env['LEVEL'] ?? 'info')
log.levels.set('db', null)
levelHandler(log.levels, { authorize: 'none' })
levelHandler(log.levels, { authorize: async (request) => request.headers.has('authorization') })

const unset = undefined as string | undefined
createLogger({ name: unset, level: unset, format: undefined, destination: unset, base: undefined })
createLogger({ redact: { keys: undefined, paths: undefined, censor: unset } })
createLogger({ redact: undefined, destination: { write: () => true, flush: undefined, isTTY: undefined } })
createLogger({ destination: process.stdout })
levelHandler(log.levels, { authorize: 'none', base: unset })
log.levels.set('db', 'debug', { ttlMs: undefined, reason: unset, by: unset })

// @ts-expect-error a message or fields come first
log.info()
// @ts-expect-error a number is no message
log.info(1)
// @ts-expect-error what follows fields is the message
log.info({ a: 1 }, { b: 2 })
// @ts-expect-error no line has the level silent
log.isLevelEnabled('silent')
// @ts-expect-error no such option
createLogger({ asynchronous: true })
// @ts-expect-error no such format
createLogger({ format: 'xml' })
// @ts-expect-error who may change levels must be said
levelHandler(log.levels, {})
// @ts-expect-error the only opt-out is 'none'
levelHandler(log.levels, { authorize: true })
// @ts-expect-error no such option
log.levels.set('db', 'debug', { ttl: 1 })
