// A pino logger over one of ours, for libraries that insist on pino. It is an instance of pino's own making, so its
// symbols, children, serializers and bindings are what such libraries expect; but its level is the live gate of our
// logger, and what it would write goes through our logger, with its fields, its rules and its destination.

import { pino } from 'pino'
import type { Logger as PinoLogger } from 'pino'
import { levelName, SILENT, TRACE } from './level.ts'
import type { LineLevel } from './level.ts'
import type { Logger } from './logger.ts'
import { property } from './property.ts'
import { stats } from './stats.ts'

const chindings: typeof pino.symbols.chindingsSym = pino.symbols.chindingsSym
const getLevel: typeof pino.symbols.getLevelSym = pino.symbols.getLevelSym
const levelValue: typeof pino.symbols.levelValSym = pino.symbols.levelValSym
const serializers: typeof pino.symbols.serializersSym = pino.symbols.serializersSym
const write: typeof pino.symbols.writeSym = pino.symbols.writeSym

/** What is used of an instance of pino's beside its public face; the symbols are documented for this. */
interface Instance extends PinoLogger {
  readonly [chindings]: string
  readonly [levelValue]: number
  readonly [serializers]: object
  [getLevel](): string
  [write](fields: object | null | undefined, message: string | undefined, level: number): void
}

/** The logger of ours that stands for one of pino's children. */
interface Bound {
  readonly chindings: string
  readonly log: Logger
}

/** Makes the pino logger of a logger. Costs some microseconds. */
export function pinoOver(log: Logger): PinoLogger {
  const bound = new WeakMap<Instance, Bound>()
  const logOf = (instance: Instance): Logger => {
    const found = bound.get(instance)
    if (found !== undefined && found.chindings === instance[chindings]) return found.log
    const made = { chindings: instance[chindings], log: log.child(bindingsOf(instance)) }
    bound.set(instance, made)
    return made.log
  }
  const options = {
    level: 'trace',
    base: null,
    // Errors stay errors: ours are written with their causes.
    serializers: { err: (error: unknown) => error },
    hooks: {
      logMethod(this: unknown, args: unknown[], method: Function, level: number) {
        const name = lineLevel(level)
        if (!log.isLevelEnabled(name)) return
        try {
          Reflect.apply(method, this, args)
        } catch {
          // pino looks into what it is given, and hostile values throw.
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pino calls its hook on an instance
          const target = logOf(this as Instance)
          Reflect.apply(target[name], target, args)
        }
      },
    },
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pino's types name the symbols, not what they hold
  const root = pino(options, stream(log)) as unknown as Instance
  root[write] = function put(this: Instance, fields, message, level) {
    const target = logOf(this)
    const subject = serialize(this, fields)
    const args = subject === undefined ? [message] : [subject, message]
    Reflect.apply(target[lineLevel(level)], target, args)
  }
  const child = property(root, 'child') as Function
  Object.assign(root, {
    child(this: Instance, ...args: unknown[]): unknown {
      try {
        return Reflect.apply(child, this, args)
      } catch {
        // pino writes bindings at once, and values or serializers may throw.
        stats.droppedFields += 1
        return this
      }
    },
  })
  root[getLevel] = function level(this: Instance) {
    return levelName(Math.max(this[levelValue], lowestOf(log)))
  }
  root.isLevelEnabled = function isLevelEnabled(this: Instance, name) {
    const number = this.levels.values[name]
    return number !== undefined && this[levelValue] <= number && log.isLevelEnabled(lineLevel(number))
  }
  return root
}

/** Where pino believes its lines to go. It hands none here, and asks for no more than a flush. */
function stream(log: Logger): { write(line: string): void; flush(done: () => void): void } {
  return {
    write() {
      stats.droppedLines += 1
    },
    flush(done) {
      void flush(log, done)
    },
  }
}

async function flush(log: Logger, done: () => void): Promise<void> {
  await log.flush()
  done()
}

/** The level at or below a number of pino's, which may be that of a custom level. */
function lineLevel(number: number): LineLevel {
  const level = levelName(Math.min(6, Math.max(1, Math.floor(number / 10))) * 10)
  return level === 'silent' ? 'fatal' : level
}

/** The number of the lowest level that a logger writes. */
function lowestOf(log: Logger): number {
  for (let number = TRACE; number < SILENT; number += 10) {
    const level = levelName(number)
    if (level !== 'silent' && log.isLevelEnabled(level)) return number
  }
  return Infinity
}

/** What a child was made with. pino keeps it as the text that it would write, later fields over earlier ones. */
function bindingsOf(instance: Instance): object {
  try {
    return JSON.parse(`{${instance[chindings].slice(1)}}`) as object
  } catch {
    stats.droppedFields += 1
    return {}
  }
}

/** The fields, with the serializers that the library brought for them. */
function serialize(instance: Instance, fields: object | null | undefined): object | undefined {
  if (fields === null || fields === undefined) return undefined
  if (fields instanceof Error) return fields
  let changed: Record<string, unknown> | undefined
  for (const key of Object.keys(instance[serializers])) {
    if (!Object.hasOwn(fields, key)) continue
    const serializer = property(instance[serializers], key)
    if (typeof serializer !== 'function') continue
    changed ??= { ...fields }
    changed[key] = Reflect.apply(serializer, undefined, [property(fields, key)])
  }
  return changed ?? fields
}
