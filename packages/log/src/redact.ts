// Which values never reach a line. Two ways to say it: a key that is secret wherever it stands, and a path
// to one place. The user and password of a URL in any text are hidden without being asked for. Keys are compared without case, '-' and '_', so that one entry covers `api_key`, `apiKey`
// and `X-Api-Key`'s spelling variants.

import { checkOptionNames, LogError } from './errors.ts'

/** What to keep out of the lines. */
export interface RedactOptions {
  /**
   * Keys whose value is replaced at any depth, compared without case, `-` and `_`. They take the place of
   * `defaultRedactedKeys`, which are then no longer redacted. To add to them: `[...defaultRedactedKeys, 'iban']`.
   * `[]` switches key redaction off.
   */
  keys?: readonly string[] | undefined
  /** Places, from the top of the line: `user.ssn`, `items[0].token`, `cards[*].number`, `headers["x-id"]`; `*` is any key. */
  paths?: readonly string[] | undefined
  /** What stands in place of a value. Default `'[redacted]'`. */
  censor?: string | undefined
}

/** The keys that are redacted unless `redact.keys` says otherwise: credentials of HTTP, OAuth and common clients. */
export const defaultRedactedKeys: readonly string[] = Object.freeze([
  'authorization',
  'proxyAuthorization',
  'cookie',
  'setCookie',
  'cookies',
  'rawHeaders',
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'pin',
  'cvv',
  'cvc',
  'secret',
  'clientSecret',
  'secretKey',
  'secretAccessKey',
  'token',
  'accessToken',
  'refreshToken',
  'idToken',
  'authToken',
  'sessionToken',
  'csrfToken',
  'xsrfToken',
  'bearerToken',
  'jwt',
  'apiKey',
  'xApiKey',
  'apiSecret',
  'xAuthToken',
  'xCsrfToken',
  'privateKey',
  'credentials',
  'connectionString',
])

/** A step of the way down the configured paths. */
export interface PathNode {
  readonly children: Map<string, PathNode>
  any: PathNode | undefined
  /** A path ends here: what stands here is censored. */
  end: boolean
}

/** What stands between the scheme and the host of a URL, up to the last `@`. Linear in the text. */
const USER_INFO = /:\/\/[^\s/?#"'<>\\]*@/g

/** The rules of one logger, ready for use. Loggers without options share one instance. */
export class Redactor {
  readonly censor: string
  readonly paths: readonly PathNode[] | undefined
  readonly #keys: ReadonlySet<string>

  constructor(keys: readonly string[], paths: readonly string[], censor: string) {
    this.censor = censor
    this.#keys = new Set(keys.map(normalise))
    this.paths = paths.length === 0 ? undefined : [buildPaths(paths)]
  }

  /** The text with `user:password` of each URL in it replaced, as in `postgres://user:password@host`. */
  hideCredentials(text: string): string {
    return text.includes('://') ? text.replace(USER_INFO, () => `://${this.censor}@`) : text
  }

  /** Whether the value of such a key is censored at any depth. */
  isSecretKey(key: string): boolean {
    return this.#keys.has(normalise(key))
  }
}

const defaultRedactor = new Redactor(defaultRedactedKeys, [], '[redacted]')

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

function normalise(key: string): string {
  return key.replaceAll('-', '').replaceAll('_', '').toLowerCase()
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
