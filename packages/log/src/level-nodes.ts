// The nodes of a level tree: one for each dotted logger name, shared by every logger of that name, so that a
// change reaches all of them at once and none has to be found. A node keeps the number that its loggers
// compare with (`gate`); a change recomputes the gates below it and costs the loggers nothing.
//
// A setting counts for its logger and, unless something nearer is set, for the loggers below. Between two
// settings that could count for a logger the nearer wins: its own name beats any glob, a longer glob beats
// a shorter one, and 'db.pool' beats 'db.*' for 'db.pool.conn'.

import type { Timer } from '@kit/context'
import { LogError } from './errors.ts'
import { INFO, levelName } from './level.ts'
import { formatTarget, parseTarget } from './level-spec.ts'
import type { LevelState } from './levels.ts'
import { stats } from './stats.ts'

/** One logger name. Its `gate` is all that a disabled log call reads. */
export interface LevelNode {
  readonly name: string
  /** The level: lines below it are written for exceptions only. */
  readonly level: number
  /** The level, or what the exceptions want if that is lower: lines below it are never written. */
  readonly gate: number
}

/**
 * How many names a tree keeps. Names come from code, so this is never reached in earnest; it bounds what
 * names made from input could cost.
 */
export const MAX_NAMES = 4096

/** What is set for one target: a node itself, or the descendants of a node. */
export class Setting {
  level: number | undefined = undefined
  startup: number | undefined = undefined
  temporary: Temporary | undefined = undefined
}

/** A setting that ends by itself. */
export interface Temporary {
  readonly revertTo: number | undefined
  readonly expiresAt: number
  readonly timer: Timer
}

/** One logger name, with its settings and its place in the tree. */
export class Node implements LevelNode {
  readonly name: string
  readonly parent: Node | undefined
  readonly children: Node[] = []
  readonly own: Setting = new Setting()
  below: Setting | undefined = undefined
  level: number = INFO
  gate: number = INFO

  constructor(name: string, parent: Node | undefined) {
    this.name = name
    this.parent = parent
  }
}

/** A setting, and whose it is. */
export interface Target {
  readonly node: Node
  readonly setting: Setting
  readonly below: boolean
}

/** The names that a tree keeps. */
export class Names {
  readonly root: Node = new Node('', undefined)
  /** The lowest level that an exception wants; gates are never above it. */
  floor: number
  readonly #nodes = new Map<string, Node>([['', this.root]])

  constructor(floor: number) {
    this.floor = floor
    this.root.own.level = INFO
    this.root.own.startup = INFO
  }

  /** The node of a valid name; the nearest existing ancestor's when the tree is full (counted). */
  node(name: string): Node {
    return this.#nodes.get(name) ?? this.#create(name) ?? this.#fold(name)
  }

  find(name: string): Node | undefined {
    return this.#nodes.get(name)
  }

  /** The target of a setting, created if need be. Throws a `LogError` with code `KIT_LOG_TOO_MANY_NAMES`. */
  target(name: string, isBelow: boolean): Target {
    const node = this.#nodes.get(name) ?? this.#create(name)
    if (node === undefined) throw tooMany()
    if (!isBelow) return { node, setting: node.own, below: false }
    node.below ??= new Setting()
    return { node, setting: node.below, below: true }
  }

  existing(name: string): Target[] {
    const target = parseTarget(name)
    const node = this.#nodes.get(target.name)
    if (node === undefined || (target.below && node.below === undefined)) return []
    return [this.target(target.name, target.below)]
  }

  targets(): Target[] {
    const targets: Target[] = []
    for (const node of this.#nodes.values()) {
      targets.push({ node, setting: node.own, below: false })
      if (node.below !== undefined) targets.push({ node, setting: node.below, below: true })
    }
    return targets
  }

  /** Throws a `LogError` with code `KIT_LOG_TOO_MANY_NAMES` unless all of these names fit at once. */
  checkRoom(names: readonly string[]): void {
    const missing = new Set<string>()
    for (const name of names) {
      for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
        if (this.#nodes.has(name.slice(0, end))) break
        missing.add(name.slice(0, end))
      }
    }
    if (this.#nodes.size + missing.size > MAX_NAMES) throw tooMany()
  }

  nearest(name: string): Node {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const node = this.#nodes.get(name.slice(0, end))
      if (node !== undefined) return node
    }
    return this.root
  }

  /** Recomputes the levels and gates of a node and of all nodes under it. Costs one visit a node. */
  refresh(node: Node): void {
    node.level = node.own.level ?? (node.parent === undefined ? INFO : below(node.parent))
    node.gate = Math.min(node.level, this.floor)
    for (const child of node.children) this.refresh(child)
  }

  /** Adds a name and the names above it, or nothing when they do not all fit. */
  #create(name: string): Node | undefined {
    let node = this.nearest(name)
    const missing = name.slice(node.name === '' ? 0 : node.name.length + 1).split('.')
    if (this.#nodes.size + missing.length > MAX_NAMES) return undefined
    for (const segment of missing) {
      const child = new Node(node.name === '' ? segment : `${node.name}.${segment}`, node)
      node.children.push(child)
      this.#nodes.set(child.name, child)
      this.refresh(child)
      node = child
    }
    return node
  }

  #fold(name: string): Node {
    stats.foldedNames += 1
    return this.nearest(name)
  }
}

/** The level that the children of a node have when nothing is set for them. */
export function below(node: Node): number {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
    const level = at.below?.level ?? at.own.level
    if (level !== undefined) return level
  }
  return INFO
}

/** The level in force for a target. */
export function levelOf(target: Target): number {
  return target.below ? below(target.node) : target.node.level
}

/** The text that names a target. */
export function nameOf(target: Target): string {
  return formatTarget(target.node.name, target.below)
}

/** A target as the public sees it. */
export function stateOf(level: number, setting: Setting | undefined): LevelState {
  const configured = setting?.level
  return {
    level: levelName(level),
    configured: configured === undefined ? undefined : levelName(configured),
    ...(setting?.temporary === undefined ? undefined : { expiresAt: setting.temporary.expiresAt }),
  }
}

function tooMany(): LogError {
  return new LogError(
    'KIT_LOG_TOO_MANY_NAMES',
    `The level tree already keeps ${MAX_NAMES} names. Configure a glob such as 'db.*' instead of single names.`,
  )
}
