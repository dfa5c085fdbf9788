// The last changes of a level tree, for the question that follows each of them: who did that, and until when?

import { clock } from '@kit/context'
import type { Change } from './levels.ts'
import type { Override, OverrideEnd, OverrideState } from './override.ts'

/** One entry of the audit. */
export type AuditRecord = LevelAudit | OverrideAudit

/** A level that changed. */
export interface LevelAudit extends Change {
  readonly kind: 'level'
  /** When, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** An override that began or ended. */
export interface OverrideAudit extends OverrideState {
  readonly kind: 'override'
  /** When, in milliseconds since the Unix epoch. */
  readonly at: number
  /** What happened to it. */
  readonly state: 'begun' | OverrideEnd
  /** Lines that it has let through. */
  readonly lines: number
  /** Who ended it, where somebody did. */
  readonly endedBy?: string
  /** The tree's revision after this. */
  readonly revision: number
}

/** How many entries are kept. */
export const MAX_AUDIT = 256

/** A ring of the last entries. */
export class AuditTrail {
  readonly #records: AuditRecord[] = []

  add(record: AuditRecord): void {
    this.#records.push(record)
    if (this.#records.length > MAX_AUDIT) this.#records.shift()
  }

  /** Newest first. */
  list(): readonly AuditRecord[] {
    return this.#records.toReversed()
  }
}

/** The entry of an override that began or ended now. */
export function overrideAudit(
  override: Override,
  state: OverrideAudit['state'],
  revision: number,
  endedBy: string | undefined,
): OverrideAudit {
  const { id, when, level, expiresAt, sample, max, lines, reason, by } = override
  return {
    kind: 'override',
    at: clock.wallTime(),
    state,
    id,
    when,
    level,
    expiresAt,
    sample,
    max,
    lines,
    ...(reason === undefined ? undefined : { reason }),
    ...(by === undefined ? undefined : { by }),
    ...(endedBy === undefined ? undefined : { endedBy }),
    revision,
  }
}

/** The line that tells of an entry: its fields and its message. */
export function auditLine(record: AuditRecord): readonly [fields: object, message: string] {
  if (record.kind === 'level') {
    const { name: target, before, after, configured, expiresAt, reason, by, revision } = record
    return [{ target, before, after, configured, expiresAt, reason, by, revision }, 'log level changed']
  }
  const {
    id: override,
    when,
    level: lets,
    expiresAt,
    sample,
    max,
    lines,
    reason,
    by,
    endedBy,
    revision,
  } = record
  if (record.state === 'begun') {
    return [{ override, when, lets, expiresAt, sample, max, reason, by, revision }, 'log override begun']
  }
  return [{ override, lets, lines, reason, by, endedBy, revision }, `log override ${record.state}`]
}
