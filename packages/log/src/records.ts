// Records: what lines say, as data, for those who want it beside the written line. A record is made of what the line
// was made of, so redaction and limits are the same by construction; nested values are read back from the JSON that
// they became under these rules. A logger without receivers makes none.

import { clock } from '@kit/context'
import type { Context } from '@kit/context'
import type { FieldValue } from './encode/fields.ts'
import { LogError } from './errors.ts'
import { levelName } from './level.ts'
import type { Level } from './level.ts'
import { property } from './property.ts'
import { stats } from './stats.ts'

/** What one written line says. Shared by all receivers: do not change it. */
export interface LineRecord {
  /** The line's level; never `silent`. */
  readonly level: Level
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number
  /** The dotted name of the logger, '' for the root. */
  readonly logger: string
  /** The message as it is in the line, but for its escapes. */
  readonly message: string | undefined
  /**
   * The fields as they are in the line: redacted, cut at the limits, with the names that they have there. Plain data,
   * without prototype at the top. Made when it is first asked for.
   */
  readonly fields: Readonly<Record<string, unknown>>
  /** The names of the fields that are errors; these are objects with `type`, `message`, `stack` and so on. */
  readonly errors: readonly string[]
  /** The context that the line was logged under. */
  readonly ctx: Context
}

/** Somebody who wants the records of lines. */
export interface RecordReceiver {
  /** Takes a record, right after its line was written. What it throws is counted in `logStats().failedRecords`. */
  receive(record: LineRecord): void
  /** Resolves when all records are where they should be. Called by `Logger.flush`, which waits no longer than that. */
  flush?(timeoutMs: number): Promise<void>
}

/** What a record is made of. */
export interface RecordParts extends Omit<LineRecord, 'level' | 'fields' | 'errors'> {
  readonly level: number
  readonly fields: ValueSource
}

/** What gives the values of fields, the oldest first: a `FieldSet`, mostly. */
export interface ValueSource {
  values(): readonly FieldValue[]
}

/** The receivers of one `createLogger`. */
export class Receivers {
  readonly #receivers: readonly RecordReceiver[]
  #isDelivering = false

  constructor(receivers: readonly RecordReceiver[]) {
    this.#receivers = receivers
  }

  /**
   * Gives a record to all receivers. Never throws. The lines that a receiver logs meanwhile are written, but their
   * records are counted instead of delivered: there would be no end.
   */
  deliver(parts: RecordParts): void {
    if (this.#isDelivering) {
      stats.failedRecords += this.#receivers.length
      return
    }
    this.#isDelivering = true
    const record = new WrittenRecord(parts)
    for (const receiver of this.#receivers) {
      try {
        receiver.receive(record)
      } catch {
        stats.failedRecords += 1
      }
    }
    this.#isDelivering = false
  }

  /** Resolves when all receivers are done, at the latest after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(timeoutMs, resolve, { ref: true })
      void this.#flushAll(timeoutMs, () => {
        timer.cancel()
        resolve()
      })
    })
  }

  async #flushAll(timeoutMs: number, done: () => void): Promise<void> {
    await Promise.all(this.#receivers.map((receiver) => flushOne(receiver, timeoutMs)))
    done()
  }
}

/** Checks the option. Throws `LogError`. */
export function resolveReceivers(
  option: RecordReceiver | readonly RecordReceiver[] | undefined,
): Receivers | undefined {
  if (option === undefined) return undefined
  const receivers: readonly unknown[] = Array.isArray(option) ? [...option] : [option]
  if (!receivers.every(isReceiver)) {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'records is an object with a method receive(record), such as openTelemetryLogs() gives, or a list of such objects.',
    )
  }
  return receivers.length === 0 ? undefined : new Receivers(receivers)
}

function isReceiver(value: unknown): value is RecordReceiver {
  return typeof value === 'object' && value !== null && typeof property(value, 'receive') === 'function'
}

async function flushOne(receiver: RecordReceiver, timeoutMs: number): Promise<void> {
  try {
    await receiver.flush?.(timeoutMs)
  } catch {
    stats.failedRecords += 1
  }
}

class WrittenRecord implements LineRecord {
  readonly level: Level
  readonly timeMs: number
  readonly logger: string
  readonly message: string | undefined
  readonly ctx: Context
  readonly #set: ValueSource
  #fields: Readonly<Record<string, unknown>> | undefined = undefined

  constructor({ level, timeMs, logger, message, fields, ctx }: RecordParts) {
    this.level = levelName(level)
    this.timeMs = timeMs
    this.logger = logger
    this.message = message
    this.ctx = ctx
    this.#set = fields
  }

  get fields(): Readonly<Record<string, unknown>> {
    if (this.#fields !== undefined) return this.#fields
    const fields: Record<string, unknown> = Object.create(null)
    for (const { name, json } of this.#set.values()) fields[name] = valueOf(json)
    this.#fields = fields
    return fields
  }

  get errors(): readonly string[] {
    return this.#set.values().flatMap(({ name, isError }) => (isError ? name : []))
  }
}

/** The value of a JSON text of ours. Most are strings without escapes. */
function valueOf(json: string): unknown {
  return json.startsWith('"') && !json.includes('\\') ? json.slice(1, -1) : JSON.parse(json)
}
