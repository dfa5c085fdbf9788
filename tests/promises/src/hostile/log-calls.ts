/** All that loggers offer while a service runs. Each line arrives or is counted as dropped, and each marker in one is counted. */

import { background, createKey } from '@kit/context'
import {
  annotate,
  createLogger,
  eventFields,
  logStats,
  setUser,
  withEvent,
  withFields,
  withRequest,
} from '@kit/log'
import type { Logger } from '@kit/log'
import { never, refusing } from './subject.ts'
import type { Call, Given, Subject } from './subject.ts'

const methods = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
const key = createKey<unknown>('hostile')
/** What stands in the place of a value that could not be read. */
const unreadable = '[unreadable]'
/** The line that tells of lost ones, once the destination is well again. */
const notice = /\b\d+ lines dropped\b/

/** The subject. */
export function logCalls(): Subject {
  const lines: string[] = []
  const failing: { next: { readonly error: unknown } | undefined } = { next: undefined }
  const destination = {
    write(line: string): void {
      if (failing.next !== undefined) throw failing.next.error
      lines.push(line)
    },
  }
  const json = createLogger({ level: 'trace', format: 'json', destination })
  const text = createLogger({ level: 'trace', format: 'text', destination })
  /** Its lines are the kit's own: of levels that change, and of recordings. */
  const quiet = createLogger({ level: 'silent', destination: { write: () => true } })
  let logged = 0
  let before = logStats()
  let listeners = 0
  const missing: string[] = []

  const line = (log: (given: Given, log: Logger, method: (typeof methods)[number]) => void): Call =>
    never((given) => {
      logged += 1
      log(given, given.dice < 0.7 ? json : text, methods[Math.floor(given.dice * 600) % 6]!)
    })

  return {
    calls: {
      'log(message, ...args)': line(({ text: message, values: [first, second, third] }, log, method) =>
        log[method](message, first.value, second.value, third.value),
      ),
      'log(format, ...args)': line(({ values: [first, second, third] }, log, method) =>
        log[method]('%s %d %i %f %j %o %O %%', first.value, second.value, third.value, first.value),
      ),
      'log(anything)': line(({ values: [first] }, log, method) => log[method](first.value as never)),
      'log(anything, anything, …)': line(({ values: [first, second, third] }, log, method) =>
        log[method](first.value as never, second.value as never, third.value),
      ),
      'log(fields, message)': line(({ values: [first, second, third], text: name }, log, method) =>
        log[method]({ a: first.value, [name]: second.value, err: third.value }, name),
      ),
      'log(error, message)': line(({ values: [first], text: message }, log, method) =>
        log[method](new Error(message, { cause: first.value }), message),
      ),
      'child(fields)': line(({ values: [first, second] }, log, method) => {
        const child = log.child(first.value as never)
        child.child({ a: second.value })[method]('of a child')
      }),
      'withContext(ctx)': line(({ values: [first] }, log, method) =>
        log.withContext(first.value as never)[method]('of a context'),
      ),
      withFields: line(({ values: [first, second] }, log, method) => {
        const ctx = withFields(background, first.value as never)
        log.withContext(withFields(ctx, { a: second.value }))[method]('with fields')
      }),
      'withRequest and setUser': line(({ values: [first, second] }, log, method) => {
        const ctx = withRequest(background, first.value as never)
        setUser(ctx, second.value as never)
        log.withContext(ctx)[method]('of a request')
      }),
      annotate: line(({ values: [first, second] }, log, method) => {
        const ctx = withEvent(background.withValue(key, first.value))
        annotate(ctx, first.value as never)
        annotate(ctx, { b: second.value })
        log.withContext(ctx)[method](eventFields(ctx) ?? {}, 'an event')
      }),
      'a method without its logger': line(({ values: [first], text: message }, log, method) => {
        const alone = log[method]
        alone(message, first.value)
      }),
      'a method of something else': line(({ values: [first], text: message }, log, method) =>
        Reflect.apply(log[method], first.value, [message]),
      ),
      'a destination that throws': line(({ values: [first], text: message }, log, method) => {
        failing.next = { error: first.value }
        log[method](message)
        failing.next = undefined
      }),
      'log of a level that is off': never(({ values: [first, second] }) =>
        quiet.info(first.value as never, second.value as never),
      ),
      isLevelEnabled: never(({ values: [first] }) => json.isLevelEnabled(first.value as never)),
      named: refusing(['KIT_LOG_BAD_NAME'], ({ values: [first] }) => json.named(first.value as never)),
      'levels.get and has': refusing(['KIT_LOG_BAD_NAME'], ({ values: [first] }) => {
        quiet.levels.get(first.value as never)
        quiet.levels.has(first.value as never)
      }),
      'levels.set': refusing(
        [
          'KIT_LOG_BAD_LEVEL',
          'KIT_LOG_BAD_NAME',
          'KIT_LOG_BAD_TTL',
          'KIT_LOG_TOO_MANY_NAMES',
          'KIT_LOG_BAD_OPTION',
        ],
        ({ values: [first, second, third], dice }) => {
          if (dice < 0.3) quiet.levels.set(first.value as never, second.value as never)
          else if (dice < 0.6) quiet.levels.set('', 'silent', { ttlMs: third.value as never })
          else quiet.levels.set('', 'silent', { reason: first.value as never, by: second.value as never })
        },
      ),
      'levels.onChange of a listener that throws it': never(({ values: [first], dice }) => {
        const stop = quiet.levels.onChange(() => {
          listeners += 1
          throw first.value
        })
        quiet.levels.set('busy', dice < 0.5 ? 'silent' : 'fatal')
        quiet.levels.reset('busy')
        stop()
      }),
      'levels.endOverride and audit': never(({ values: [first] }) => {
        quiet.levels.endOverride(first.value as never)
        quiet.levels.list()
        quiet.levels.audit()
      }),
      'an override whose condition throws it': never(({ values: [first, second] }) => {
        using override = quiet.levels.override({
          when: () => {
            throw first.value
          },
          level: 'info',
          max: 1,
        })
        const { failedOverrides } = logStats()
        quiet.withContext(second.value as never).info('below its level')
        quiet.info('below its level')
        if (logStats().failedOverrides === failedOverrides) missing.push('a condition that threw')
        override.end()
      }),
      record: never(({ values: [first, second] }) => {
        const recording = quiet.record(background)
        quiet.withContext(recording.ctx).info(first.value as never, second.value as never)
        recording.dump(first.value as never)
        recording.discard()
      }),
      'flush(timeout)': never(({ values: [first], dice }) =>
        dice < 0.1 ? json.flush(first.value as never) : undefined,
      ),
    },
    audit() {
      const stats = logStats()
      const dropped = stats.droppedLines - before.droppedLines
      const arrived = lines.filter((one) => !notice.test(one)).length
      if (arrived + dropped !== logged) {
        missing.push(`of ${logged} lines ${arrived} arrived and ${dropped} were counted as dropped`)
      }
      const marked = lines.reduce((sum, one) => sum + one.split(unreadable).length - 1, 0)
      const fields = stats.droppedFields - before.droppedFields
      if (fields < marked) missing.push(`of ${marked} values that could not be read ${fields} are counted`)
      const failed = stats.failedListeners - before.failedListeners
      if (failed !== listeners) missing.push(`of ${listeners} listeners that threw ${failed} are counted`)
      lines.length = 0
      logged = 0
      listeners = 0
      before = logStats()
      return missing.splice(0)
    },
    async close() {
      await json.flush(10)
    },
  }
}
