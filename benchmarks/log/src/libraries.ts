/*
 * The libraries, set up to do the same: JSON lines with a time, a level and a message, from `info` on, each written when
 * the call returns. Each is imported only in the process that measures it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import type { Logger as KitLogger } from '@kit/log'
import type { Logger as LogTapeLogger, withContext as enterContext } from '@logtape/logtape'
import type { Logger as PinoLogger } from 'pino'
import type { Logger as WinstonLogger } from 'winston'
import { nullDevice } from './output.ts'
import type { Output } from './output.ts'

/** One library, with its own kind of logger. */
export interface Library<Log> {
  readonly name: string
  /** A logger at `info`. With `ambient`, lines get the fields that `within` gives. */
  create(to: Output, ambient?: boolean): Promise<Log>
  /** A logger for a part of the program. */
  named(log: Log, name: string): Log
  child(log: Log, fields: object): Log
  debug(log: Log, message: string): void
  info(log: Log, message: string): void
  infoWith(log: Log, fields: object, message: string): void
  error(log: Log, error: Error): void
  /** Sets the level of a logger and of those that were made from it. */
  setLevel(log: Log, level: 'debug' | 'info'): void
  /** Runs `fn` where every line has these fields. */
  within(fields: object, fn: () => void): void
}

/** A library whose kind of logger does not matter. */
export type SomeLibrary = <R>(use: <Log>(library: Library<Log>) => R) => R

const kitLibrary: Library<KitLogger> = {
  name: 'kit',
  async create(to) {
    const { background, run } = await import('@kit/context')
    const { createLogger, withFields } = await import('@kit/log')
    runWithFields = (fields, fn) => run(withFields(background, fields), fn)
    const destination = to === 'null device' ? nullDevice() : to
    return createLogger({ format: 'json', level: 'info', destination })
  },
  named: (log, name) => log.named(name),
  child: (log, fields) => log.child(fields),
  debug: (log, message) => log.debug(message),
  info: (log, message) => log.info(message),
  infoWith: (log, fields, message) => log.info(fields, message),
  error: (log, error) => log.error(error),
  setLevel(log, level) {
    log.levels.set('', level)
  },
  within: (fields, fn) => runWithFields(fields, fn),
}
let runWithFields: (fields: object, fn: () => void) => void

const storage = new AsyncLocalStorage<object>()

const pinoLibrary: Library<PinoLogger> = {
  name: 'pino',
  async create(to, ambient = false) {
    const { pino } = await import('pino')
    const options = { level: 'info', base: null, ...(ambient && { mixin: () => storage.getStore() ?? {} }) }
    return pino(options, to === 'null device' ? pino.destination({ fd: nullDevice(), sync: true }) : to)
  },
  named: (log, name) => log.child({ logger: name }),
  child: (log, fields) => log.child(fields),
  debug: (log, message) => log.debug(message),
  info: (log, message) => log.info(message),
  infoWith: (log, fields, message) => log.info(fields, message),
  error: (log, error) => log.error(error),
  setLevel(log, level) {
    log.level = level
  },
  within: (fields, fn) => storage.run(fields, fn),
}

const winstonLibrary: Library<WinstonLogger> = {
  name: 'winston',
  async create(to, ambient = false) {
    const { createLogger, format, transports } = await import('winston')
    const fd = nullDevice()
    const stream = new Writable({
      decodeStrings: false,
      write(line: string, _encoding, done) {
        if (to === 'null device') writeSync(fd, line)
        else to.write(line)
        done()
      },
    })
    const addFields = format((info) => Object.assign(info, storage.getStore()))
    return createLogger({
      level: 'info',
      format: format.combine(
        ...(ambient ? [addFields()] : []),
        format.errors({ stack: true }),
        format.timestamp(),
        format.json(),
      ),
      transports: [new transports.Stream({ stream })],
    })
  },
  named: (log, name) => log.child({ logger: name }),
  child: (log, fields) => log.child(fields),
  debug: (log, message) => void log.debug(message),
  info: (log, message) => void log.info(message),
  infoWith: (log, fields, message) => void log.info(message, fields),
  error: (log, error) => void log.error(error),
  setLevel(log, level) {
    log.level = level
  },
  within: (fields, fn) => storage.run(fields, fn),
}

const logTapeLibrary: Library<LogTapeLogger> = {
  name: 'LogTape',
  async create(to) {
    const logTape = await import('@logtape/logtape')
    withContext = logTape.withContext
    configureLogTape = (lowestLevel) => {
      const toLine = logTape.getJsonLinesFormatter({ properties: 'flatten' })
      const fd = nullDevice()
      logTape.configureSync({
        reset: true,
        contextLocalStorage: storage as AsyncLocalStorage<Record<string, unknown>>,
        sinks: {
          out: (record) => {
            if (to === 'null device') writeSync(fd, toLine(record))
            else to.write(toLine(record))
          },
        },
        loggers: [
          { category: 'app', sinks: ['out'], lowestLevel },
          { category: ['logtape', 'meta'], sinks: ['out'], lowestLevel: 'error' },
        ],
      })
    }
    configureLogTape('info')
    return logTape.getLogger('app')
  },
  named: (log, name) => log.getChild(name),
  child: (log, fields) => log.with({ ...fields }),
  debug: (log, message) => log.debug(message),
  info: (log, message) => log.info(message),
  infoWith: (log, fields, message) => log.info(message, fields as Record<string, unknown>),
  error: (log, error) => log.error(error),
  setLevel: (_log, level) => configureLogTape(level),
  within: (fields, fn) => withContext(fields as Record<string, unknown>, fn),
}
let withContext: typeof enterContext
let configureLogTape: (lowestLevel: 'debug' | 'info') => void

/** What is left of a logger when all is taken away that makes it one: no level, no escapes, no trust to lose. */
class HandLogger {
  readonly #write: (line: string) => void
  readonly #fields: string

  constructor(write: (line: string) => void, fields: string) {
    this.#write = write
    this.#fields = fields
  }

  with(fields: object): HandLogger {
    return new HandLogger(this.#write, this.#fields + textOf(fields))
  }

  /** A call below the level: nothing. */
  debug(..._args: unknown[]): void {}

  info(message: string, fields = ''): void {
    const context = texts.getStore() ?? ''
    const time = Date.now()
    this.#write(`{"level":"info","time":${time}${context}${this.#fields}${fields},"msg":"${message}"}\n`)
  }
}

/** The text of the context's fields. */
const texts = new AsyncLocalStorage<string>()

function textOf(fields: object): string {
  let text = ''
  for (const key in fields) {
    const value: unknown = Reflect.get(fields, key)
    if (typeof value === 'string') text += `,"${key}":"${value}"`
    else text += `,"${key}":${typeof value === 'number' ? value : JSON.stringify(value)}`
  }
  return text
}

const handLibrary: Library<HandLogger> = {
  name: 'by hand (floor)',
  create(to) {
    const fd = nullDevice()
    const write =
      to === 'null device'
        ? (line: string) => void writeSync(fd, line)
        : (line: string) => void to.write(line)
    return Promise.resolve(new HandLogger(write, ''))
  },
  named: (log, name) => log.with({ logger: name }),
  child: (log, fields) => log.with(fields),
  debug: (log, message) => log.debug(message),
  info: (log, message) => log.info(message),
  infoWith: (log, fields, message) => log.info(message, textOf(fields)),
  error: (log, { name: type, message, stack }) =>
    log.info(message, textOf({ err: { type, message, stack } })),
  setLevel() {},
  within: (fields, fn) => texts.run(textOf(fields), fn),
}

/** Kit. */
export const kit: SomeLibrary = (use) => use(kitLibrary)
/** The rivals, the fastest first. */
export const rivals: readonly SomeLibrary[] = [
  (use) => use(pinoLibrary),
  (use) => use(winstonLibrary),
  (use) => use(logTapeLibrary),
]
/** All. */
export const libraries: readonly SomeLibrary[] = [kit, ...rivals]
/** What the work takes without a logger: the same texts joined by hand, and an empty method for a call below the level. */
export const floor: SomeLibrary = (use) => use(handLibrary)
