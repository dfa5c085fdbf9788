// Which values never reach a line. Two ways to say it: a key that is secret wherever it stands, and a path
// to one place. The user and password of a URL in any text are hidden without being asked for.

import { MAX_STRING } from './encode/limits.ts'
import { checkOptionNames, LogError } from './errors.ts'
import { hideSecrets, hideUserInfo } from './hide-text.ts'
import { KeyPatterns } from './key-patterns.ts'
import { defaultRedactedKeys } from './secrets.ts'

/** What to keep out of the lines. */
export interface RedactOptions {
  /**
   * Keys whose value is replaced at any depth, and in texts that spell it out (`?token=…`, `"password":"…"`).
   * Compared without case, `-`, `_`, `.` and spaces; `*` at an end stands for anything, as in `*password`. They take
   * the place of `defaultRedactedKeys`, which are then no longer redacted. To add to them:
   * `[...defaultRedactedKeys, 'iban']`; for a wider net: `commonSecrets`. `[]` switches key redaction off.
   */
  keys?: readonly string[] | undefined
  /** Places, from the top of the line: `user.ssn`, `items[0].token`, `cards[*].number`, `headers["x-id"]`; `*` is any key. */
  paths?: readonly string[] | undefined
  /** What stands in place of a value. Default `'[redacted]'`. */
  censor?: string | undefined
}

/** A step of the way down the configured paths. */
export interface PathNode {
  readonly children: Map<string, PathNode>
  any: PathNode | undefined
  /** A path ends here: what stands here is censored. */
  end: boolean
}

/** UTF-16 units of a text that are searched, so that a huge one costs what a large one does. No more is written. */
export const WINDOW_UNITS: number = 4 * MAX_STRING

/** The rules of one logger, ready for use. Loggers without options share one instance. */
export class Redactor {
  readonly censor: string
  readonly paths: readonly PathNode[] | undefined
  /** Whether any key is secret. */
  readonly hasKeys: boolean
  readonly #keys: KeyPatterns

  constructor(keys: readonly string[], paths: readonly string[], censor: string) {
    this.censor = censor
    this.#keys = new KeyPatterns(keys)
    this.hasKeys = !this.#keys.isEmpty
    this.paths = paths.length === 0 ? undefined : [buildPaths(paths)]
  }

  /** The text without the credentials of URLs in it, and without what it says to be the value of a secret key. */
  hideCredentials(text: string): string {
    const hidden = hideUserInfo(text, this.censor)
    return this.#keys.isEmpty ? hidden : hideSecrets(hidden, this.censor, this.#keys)
  }

  /** Whether the value of such a key is censored at any depth. */
  isSecretKey(key: string): boolean {
    return this.#keys.match(key)
  }
}

const defaultRedactor = new Redactor(defaultRedactedKeys, [], '[redacted]')

/** The text without what the default rules take for credentials: for what is shown elsewhere than in lines. */
export function withoutCredentials(text: string): string {
  return defaultRedactor.hideCredentials(text)
}

/** Checks the options and fills in what is missing. Throws `LogError`. */
export function resolveRedact(options: RedactOptions | undefined): Redactor {
  if (options === undefined) return defaultRedactor
  checkOptionNames('redact', options, ['keys', 'paths', 'censor'])
  const { keys = defaultRedactedKeys, paths = [], censor = '[redacted]' } = options
  if (!isStringList(keys) || !isStringList(paths) || typeof censor !== 'string') {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'redact.keys and redact.paths are lists of strings, redact.censor is a string.',
    )
  }
  return new Redactor(keys, paths, censor)
}

/** Where the paths are after one more key: the nodes that still match, or `undefined` when none does. */
export function step(nodes: readonly PathNode[], key: string): PathNode[] | undefined {
  let next: PathNode[] | undefined
  for (const node of nodes) {
    const child = node.children.get(key)
    if (child !== undefined) (next ??= []).push(child)
    if (node.any !== undefined) (next ??= []).push(node.any)
  }
  return next
}

/** Whether one of the paths ends at these nodes. */
export function isPathEnd(nodes: readonly PathNode[]): boolean {
  return nodes.some((node) => node.end)
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function buildPaths(paths: readonly string[]): PathNode {
  const root = pathNode()
  for (const path of paths) {
    let node = root
    for (const key of parsePath(path)) {
      if (key === undefined) {
        node.any ??= pathNode()
        node = node.any
      } else {
        const child = node.children.get(key) ?? pathNode()
        node.children.set(key, child)
        node = child
      }
    }
    node.end = true
  }
  return root
}

function pathNode(): PathNode {
  return { children: new Map(), any: undefined, end: false }
}

/** The keys of a path; `undefined` stands for `*`. */
function parsePath(path: string): (string | undefined)[] {
  const keys: (string | undefined)[] = []
  const part = /\.?(?:\[(?:"([^"]*)"|'([^']*)'|(\d+|\*))\]|([^.[\]]+))/y
  while (part.lastIndex < path.length) {
    const start = part.lastIndex
    const match = part.exec(path)
    const dotted = path[start] === '.'
    if (match === null || (dotted === (start === 0) && dotted)) throw badPath(path)
    const [, double, single, index, name] = match
    if (name !== undefined && start > 0 && !dotted) throw badPath(path)
    const plain = index ?? name
    keys.push(double ?? single ?? (plain === '*' ? undefined : plain))
  }
  if (keys.length === 0) throw badPath(path)
  return keys
}

function badPath(path: string): LogError {
  return new LogError(
    'KIT_LOG_BAD_OPTION',
    `${JSON.stringify(path.slice(0, 64))} is no redaction path. Write it like 'user.ssn', 'items[*].token' or 'headers["x-id"]'.`,
  )
}
