// The level tree: what can be done to the levels of live loggers, each deed audited, told to listeners, and carried
// to the trees of other threads and processes where there are carriers.

import { clock } from '@kit/context'
import { AuditTrail, overrideAudit } from './audit.ts'
import type { AuditRecord, OverrideAudit } from './audit.ts'
import { Carriers } from './carriers.ts'
import { checkOptionNames } from './errors.ts'
import { Exceptions } from './exceptions.ts'
import { levelName, requireLevel } from './level.ts'
import { below, levelOf, nameOf, Names, stateOf } from './level-nodes.ts'
import type { LevelNode, Node, Target } from './level-nodes.ts'
import type { LevelCarrier, LevelOperation, Place } from './level-operation.ts'
import { formatTarget, parseTarget } from './level-spec.ts'
import type { LevelSpecEntry } from './level-spec.ts'
import type {
  Change,
  LevelSetting,
  LevelState,
  LevelTree,
  NamedLevelState,
  SetLevelOptions,
} from './levels.ts'
import { numberOf, overrideOperation, setOperation } from './operations-of.ts'
import { checkLifetime, createOverride } from './override.ts'
import type { ActiveOverride, Override, OverrideEnd, OverrideOptions } from './override.ts'
import type { DumpResult } from './recordings.ts'
import { stats } from './stats.ts'

/** A level tree with the part that only loggers use. */
export interface LoggerLevels extends LevelTree {
  readonly root: LevelNode
  readonly exceptions: Exceptions
  /** The node of a valid dotted name; the nearest existing ancestor's when the tree is full (counted). */
  node(name: string): LevelNode
}

/** Builds the tree that a spec describes. `audit` is called once for every later deed. */
export function createLevels(
  spec: readonly LevelSpecEntry[],
  audit: (record: AuditRecord) => void,
): LoggerLevels {
  return new Tree(spec, audit)
}

class Tree implements LoggerLevels {
  readonly root: Node
  readonly exceptions: Exceptions
  revision = 0
  readonly #names: Names
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #carriers = new Carriers()
  readonly #trail = new AuditTrail()
  readonly #audit: (record: AuditRecord) => void

  constructor(spec: readonly LevelSpecEntry[], audit: (record: AuditRecord) => void) {
    this.#audit = audit
    this.exceptions = new Exceptions(() => {
      this.#names.floor = this.exceptions.floor
      this.#names.refresh(this.root)
    })
    this.#names = new Names(this.exceptions.floor)
    this.root = this.#names.root
    for (const { target, level } of spec) {
      const { setting } = this.#names.target(target.name, target.below)
      setting.level = level
      setting.startup = level
    }
    this.#names.refresh(this.root)
  }

  node(name: string): Node {
    return this.#names.node(name)
  }

  get(name = ''): LevelState {
    const target = parseTarget(name)
    const node = this.#names.find(target.name)
    if (node === undefined)
      return { level: levelName(below(this.#names.nearest(target.name))), configured: undefined }
    return stateOf(target.below ? below(node) : node.level, target.below ? node.below : node.own)
  }

  has(name: string): boolean {
    return this.#names.existing(name).length > 0
  }

  set(name: string, level: string | null, options: SetLevelOptions = {}): Change {
    checkOptionNames('levels.set', options, ['ttlMs', 'reason', 'by'])
    checkSetting(name, level, options.ttlMs)
    return this.#set(name, level, options)
  }

  setAll(settings: readonly LevelSetting[]): readonly Change[] {
    for (const setting of settings) {
      checkOptionNames('levels.setAll', setting, ['name', 'level', 'ttlMs', 'reason', 'by'])
      checkSetting(setting.name, setting.level, setting.ttlMs)
    }
    this.#names.checkRoom(settings.map((setting) => parseTarget(setting.name).name))
    return settings.map((setting) => this.#set(setting.name, setting.level, setting))
  }

  reset(name?: string, by?: string): readonly Change[] {
    const changes: Change[] = []
    for (const target of name === undefined ? this.#names.targets() : this.#names.existing(name)) {
      const { setting } = target
      if (setting.level === setting.startup && setting.temporary === undefined) continue
      setting.temporary?.timer.cancel()
      setting.temporary = undefined
      changes.push(this.#change(target, setting.startup, 'reset', by))
    }
    this.#carriers.send({
      kind: 'reset',
      ...(name === undefined ? undefined : { name }),
      ...(by === undefined ? undefined : { by }),
    })
    return changes
  }

  list(): readonly NamedLevelState[] {
    const states: NamedLevelState[] = []
    for (const target of this.#names.targets()) {
      if (target.below && target.setting.level === undefined) continue
      states.push({ name: nameOf(target), ...stateOf(levelOf(target), target.setting) })
    }
    return states.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  onChange(fn: (change: Change) => void): () => void {
    // Wrapped so that the same function added twice is called twice and removed one at a time.
    const listener = (change: Change): void => fn(change)
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  override(options: OverrideOptions): Override {
    return this.#override(options)
  }

  overrides(): readonly Override[] {
    return this.exceptions.overrides()
  }

  endOverride(id: string, by?: string): boolean {
    const override = this.exceptions.override(id)
    override?.finish('ended', by)
    return override !== undefined
  }

  dumpRecordings(reason?: string, by?: string): DumpResult {
    return this.exceptions.dump({ reason, by })
  }

  audit(): readonly AuditRecord[] {
    return this.#trail.list()
  }

  carry(carrier: LevelCarrier): () => void {
    return this.#carriers.add(carrier)
  }

  apply(operation: LevelOperation, source?: LevelCarrier): void {
    this.#carriers.during(source, () => this.#perform(operation))
  }

  operations(): readonly LevelOperation[] {
    const operations: LevelOperation[] = []
    for (const { node, setting, below: isBelow } of this.#names.targets()) {
      if (setting.level === setting.startup && setting.temporary === undefined) continue
      operations.push(setOperation(formatTarget(node.name, isBelow), setting))
    }
    for (const override of this.exceptions.overrides()) {
      const operation = overrideOperation(override)
      if (operation !== undefined) operations.push(operation)
    }
    return operations
  }

  applied(): Promise<readonly Place[]> {
    return this.#carriers.applied()
  }

  #perform(operation: LevelOperation): void {
    const { by } = operation
    switch (operation.kind) {
      case 'set':
        this.#performSet(operation)
        return
      case 'reset':
        this.reset(operation.name, by)
        return
      case 'override': {
        const { id, when, level, expiresAt, sample, max, reason } = operation
        const ttlMs = expiresAt - clock.wallTime()
        if (ttlMs <= 0 || this.exceptions.override(id) !== undefined) return
        this.#override({ when, level, ttlMs, sample, max, reason, by }, { id, expiresAt })
        return
      }
      case 'end':
        this.endOverride(operation.id, by)
    }
  }

  #performSet(operation: Extract<LevelOperation, { kind: 'set' }>): void {
    const { name, level, expiresAt, revertTo, reason, by } = operation
    checkSetting(name, level, undefined)
    if (expiresAt === undefined) {
      this.#set(name, level, { reason, by })
      return
    }
    const { setting } = this.#names.target(parseTarget(name).name, parseTarget(name).below)
    const back = revertTo === undefined ? setting.startup : numberOf(revertTo)
    const ttlMs = expiresAt - clock.wallTime()
    if (ttlMs > 0) this.#set(name, level, { ttlMs, reason, by }, { revertTo: back, expiresAt })
    // It is over, and so is whatever it took the place of.
    else if (setting.temporary !== undefined || setting.level !== back) {
      this.#set(name, back === undefined ? null : levelName(back), { reason: 'expired', by })
    }
  }

  #set(
    name: string,
    level: string | null,
    options: SetLevelOptions,
    known?: { revertTo: number | undefined; expiresAt: number },
  ): Change {
    const parsed = parseTarget(name)
    const { ttlMs, reason, by } = options
    const target = this.#names.target(parsed.name, parsed.below)
    const { setting } = target
    const previous = setting.temporary
    previous?.timer.cancel()
    setting.temporary = undefined
    if (ttlMs !== undefined) {
      const revertTo = previous === undefined ? setting.level : previous.revertTo
      setting.temporary = {
        ...(known ?? { revertTo, expiresAt: clock.wallTime() + ttlMs }),
        timer: clock.setTimer(ttlMs, () => this.#expire(target, by)),
      }
    }
    const change = this.#change(target, numberOf(level) ?? this.#inherited(target), reason, by)
    this.#carriers.send({
      ...setOperation(change.name, setting),
      ...(reason === undefined ? undefined : { reason }),
      ...(by === undefined ? undefined : { by }),
    })
    return change
  }

  #override(options: OverrideOptions, known?: { id: string; expiresAt: number }): ActiveOverride {
    this.exceptions.checkRoom()
    const override = createOverride(options, (over, why, by) => this.#endOverride(over, why, by), known)
    this.exceptions.add(override)
    this.#recordOverride(override, 'begun')
    const operation = overrideOperation(override)
    if (operation !== undefined) this.#carriers.send(operation)
    return override
  }

  #endOverride(override: ActiveOverride, why: OverrideEnd, by: string | undefined): void {
    this.exceptions.remove(override)
    this.#recordOverride(override, why, by)
    // Each place sees for itself that the time or the lines are used up.
    if (why === 'ended' && override.when !== undefined) {
      this.#carriers.send({ kind: 'end', id: override.id, ...(by === undefined ? undefined : { by }) })
    }
  }

  #recordOverride(override: ActiveOverride, state: OverrideAudit['state'], endedBy?: string): void {
    this.revision += 1
    this.#record(overrideAudit(override, state, this.revision, endedBy))
  }

  #change(
    target: Target,
    level: number | undefined,
    reason: string | undefined,
    by: string | undefined,
  ): Change {
    const { node, setting } = target
    const before = levelOf(target)
    setting.level = level
    this.#names.refresh(node)
    this.revision += 1
    const change: Change = Object.freeze({
      name: nameOf(target),
      before: levelName(before),
      after: levelName(levelOf(target)),
      configured: level === undefined ? undefined : levelName(level),
      ...(setting.temporary === undefined ? undefined : { expiresAt: setting.temporary.expiresAt }),
      ...(reason === undefined ? undefined : { reason }),
      ...(by === undefined ? undefined : { by }),
      revision: this.revision,
    })
    this.#record({ kind: 'level', at: clock.wallTime(), ...change })
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch {
        stats.failedListeners += 1
      }
    }
    return change
  }

  #expire(target: Target, by: string | undefined): void {
    const revertTo = target.setting.temporary?.revertTo
    target.setting.temporary = undefined
    // Carried to nobody: each place has a timer of its own.
    this.#change(target, revertTo, 'expired', by)
  }

  /** What a removed setting leaves: nothing, but the root has nobody to inherit from. */
  #inherited(target: Target): number | undefined {
    return target.node === this.root && !target.below ? target.setting.startup : undefined
  }

  #record(record: AuditRecord): void {
    this.#trail.add(Object.freeze(record))
    this.#audit(record)
  }
}

/** Throws a `LogError` for what `set` cannot take, before anything changes. */
function checkSetting(name: string, level: string | null, ttlMs: unknown): void {
  parseTarget(name)
  if (level !== null) requireLevel(level)
  if (ttlMs !== undefined) checkLifetime(ttlMs)
}
