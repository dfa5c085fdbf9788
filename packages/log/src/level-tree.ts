// The level tree: one node for each dotted logger name, shared by every logger of that name, so that a
// change reaches all of them at once and none has to be found. A node keeps the number that its loggers
// compare with (`gate`); a change recomputes the gates below it and costs the loggers nothing.
//
// A setting counts for its logger and, unless something nearer is set, for the loggers below. Between two
// settings that could count for a logger the nearer wins: its own name beats any glob, a longer glob beats
// a shorter one, and 'db.pool' beats 'db.*' for 'db.pool.conn'.

import { clock } from '@kit/context'
import type { Timer } from '@kit/context'
import { checkOptionNames, LogError } from './errors.ts'
import { INFO, levelName, requireLevel } from './level.ts'
import { formatTarget, parseTarget } from './level-spec.ts'
import type { LevelSpecEntry } from './level-spec.ts'
import type { Change, LevelState, LevelTree, NamedLevelState, SetLevelOptions } from './levels.ts'
import { stats } from './stats.ts'

/** One logger name. Its `gate` is all that a disabled log call reads. */
export interface LevelNode {
  readonly name: string
  readonly gate: number
}

/** A level tree with the part that only loggers use. */
export interface LoggerLevels extends LevelTree {
  readonly root: LevelNode
  /** The node of a valid dotted name; the nearest existing ancestor's when the tree is full (counted). */
  node(name: string): LevelNode
}

/**
 * How many names a tree keeps. Names come from code, so this is never reached in earnest; it bounds what
 * names made from input could cost.
 */
export const MAX_NAMES = 4096

/** Builds the tree that a spec describes. `audit` is called once for every later change. */
export function createLevels(spec: readonly LevelSpecEntry[], audit: (change: Change) => void): LoggerLevels {
  return new Tree(spec, audit)
}

/** What is set for one target: a node itself, or the descendants of a node. */
class Setting {
  level: number | undefined = undefined
  startup: number | undefined = undefined
  temporary: Temporary | undefined = undefined
}

interface Temporary {
  readonly revertTo: number | undefined
  readonly expiresAt: number
  readonly timer: Timer
}

class Node implements LevelNode {
  readonly name: string
  readonly parent: Node | undefined
  readonly children: Node[] = []
  readonly own: Setting = new Setting()
  below: Setting | undefined = undefined
  gate = INFO

  constructor(name: string, parent: Node | undefined) {
    this.name = name
    this.parent = parent
  }
}

interface Target {
  readonly node: Node
  readonly setting: Setting
  readonly below: boolean
}

class Tree implements LoggerLevels {
  readonly root: Node = new Node('', undefined)
  revision = 0
  readonly #nodes = new Map<string, Node>([['', this.root]])
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #audit: (change: Change) => void

  constructor(spec: readonly LevelSpecEntry[], audit: (change: Change) => void) {
    this.#audit = audit
    this.root.own.level = INFO
    this.root.own.startup = INFO
    for (const { target, level } of spec) {
      const { setting } = this.#target(target.name, target.below)
      setting.level = level
      setting.startup = level
    }
    refresh(this.root)
  }

  node(name: string): Node {
    return this.#nodes.get(name) ?? this.#create(name) ?? this.#fold(name)
  }

  get(name = ''): LevelState {
    const target = parseTarget(name)
    const node = this.#nodes.get(target.name)
    if (node === undefined)
      return { level: levelName(below(this.#nearest(target.name))), configured: undefined }
    const setting = target.below ? node.below : node.own
    return state(target.below ? below(node) : node.gate, setting)
  }

  has(name: string): boolean {
    const target = parseTarget(name)
    const node = this.#nodes.get(target.name)
    return node !== undefined && (!target.below || node.below !== undefined)
  }

  set(name: string, level: string | null, options: SetLevelOptions = {}): Change {
    checkOptionNames('levels.set', options, ['ttlMs', 'reason', 'by'])
    const parsed = parseTarget(name)
    const number = level === null ? undefined : requireLevel(level)
    const { ttlMs } = options
    if (ttlMs !== undefined && !(ttlMs > 0 && Number.isFinite(ttlMs))) {
      throw new LogError(
        'KIT_LOG_BAD_TTL',
        `ttlMs is a positive number of milliseconds, not ${String(ttlMs)}.`,
      )
    }
    const target = this.#target(parsed.name, parsed.below)
    const { setting } = target
    const previous = setting.temporary
    previous?.timer.cancel()
    setting.temporary = undefined
    if (ttlMs !== undefined) {
      setting.temporary = {
        revertTo: previous === undefined ? setting.level : previous.revertTo,
        expiresAt: clock.wallTime() + ttlMs,
        timer: clock.setTimer(ttlMs, () => this.#expire(target, options.by)),
      }
    }
    return this.#apply(target, number ?? this.#inherited(target), options.reason, options.by)
  }

  reset(name?: string): readonly Change[] {
    const changes: Change[] = []
    for (const target of name === undefined ? this.#targets() : this.#existing(name)) {
      const { setting } = target
      if (setting.level === setting.startup && setting.temporary === undefined) continue
      setting.temporary?.timer.cancel()
      setting.temporary = undefined
      changes.push(this.#apply(target, setting.startup, 'reset', undefined))
    }
    return changes
  }

  list(): readonly NamedLevelState[] {
    const states: NamedLevelState[] = []
    for (const { node, setting, below: isBelow } of this.#targets()) {
      if (isBelow && setting.level === undefined) continue
      states.push({
        name: formatTarget(node.name, isBelow),
        ...state(isBelow ? below(node) : node.gate, setting),
      })
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

  #apply(
    target: Target,
    level: number | undefined,
    reason: string | undefined,
    by: string | undefined,
  ): Change {
    const { node, setting } = target
    const before = target.below ? below(node) : node.gate
    setting.level = level
    refresh(node)
    this.revision += 1
    const change: Change = Object.freeze({
      name: formatTarget(node.name, target.below),
      before: levelName(before),
      after: levelName(target.below ? below(node) : node.gate),
      configured: level === undefined ? undefined : levelName(level),
      ...(setting.temporary === undefined ? undefined : { expiresAt: setting.temporary.expiresAt }),
      ...(reason === undefined ? undefined : { reason }),
      ...(by === undefined ? undefined : { by }),
      revision: this.revision,
    })
    this.#audit(change)
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
    this.#apply(target, revertTo, 'expired', by)
  }

  /** What a removed setting leaves: nothing, but the root has nobody to inherit from. */
  #inherited(target: Target): number | undefined {
    return target.node === this.root && !target.below ? target.setting.startup : undefined
  }

  #target(name: string, isBelow: boolean): Target {
    const node = this.#nodes.get(name) ?? this.#create(name)
    if (node === undefined) {
      throw new LogError(
        'KIT_LOG_TOO_MANY_NAMES',
        `The level tree already keeps ${MAX_NAMES} names. Configure a glob such as 'db.*' instead of single names.`,
      )
    }
    if (!isBelow) return { node, setting: node.own, below: false }
    node.below ??= new Setting()
    return { node, setting: node.below, below: true }
  }

  #existing(name: string): Target[] {
    return this.has(name) ? [this.#target(parseTarget(name).name, parseTarget(name).below)] : []
  }

  #targets(): Target[] {
    const targets: Target[] = []
    for (const node of this.#nodes.values()) {
      targets.push({ node, setting: node.own, below: false })
      if (node.below !== undefined) targets.push({ node, setting: node.below, below: true })
    }
    return targets
  }

  /** Adds a name and the names above it, or nothing when they do not all fit. */
  #create(name: string): Node | undefined {
    let node = this.#nearest(name)
    const missing = name.slice(node.name === '' ? 0 : node.name.length + 1).split('.')
    if (this.#nodes.size + missing.length > MAX_NAMES) return undefined
    for (const segment of missing) {
      const child = new Node(node.name === '' ? segment : `${node.name}.${segment}`, node)
      child.gate = below(node)
      node.children.push(child)
      this.#nodes.set(child.name, child)
      node = child
    }
    return node
  }

  #fold(name: string): Node {
    stats.foldedNames += 1
    return this.#nearest(name)
  }

  #nearest(name: string): Node {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const node = this.#nodes.get(name.slice(0, end))
      if (node !== undefined) return node
    }
    return this.root
  }
}

/** The level that the children of a node have when nothing is set for them. */
function below(node: Node): number {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
    const level = at.below?.level ?? at.own.level
    if (level !== undefined) return level
  }
  return INFO
}

/** Recomputes the gates of a node and of all nodes under it. Costs one visit a node. */
function refresh(node: Node): void {
  node.gate = node.own.level ?? (node.parent === undefined ? INFO : below(node.parent))
  for (const child of node.children) refresh(child)
}

function state(level: number, setting: Setting | undefined): LevelState {
  const configured = setting?.level
  return {
    level: levelName(level),
    configured: configured === undefined ? undefined : levelName(configured),
    ...(setting?.temporary === undefined ? undefined : { expiresAt: setting.temporary.expiresAt }),
  }
}
