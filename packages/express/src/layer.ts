/**
 * What the layers of Express' routers tell about their paths. Three generations keep it differently: Express 4
 * as one regular expression and its keys, router 2.0 to 2.2 as matching functions only, router 2.3 as `rawPath`
 * beside them. All that is read here is only read: a layer serves other requests at the same time.
 */

/** One path that a layer was declared with. */
export interface PathPattern {
  /** As declared: `/orgs/:org`. Empty for a mount at the root. */
  readonly template: string
  /** The beginning of `path` that it matches, or undefined. */
  match(path: string): string | undefined
}

/** What a path may be declared as. */
export type DeclaredPath = string | RegExp | readonly DeclaredPath[]

/** A layer of any generation; what its generation lacks is undefined. */
export interface Layer {
  readonly name?: string
  readonly handle?: unknown
  readonly route?: { readonly path: DeclaredPath } | undefined
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean }
  /** Express 4 from the start; router 2.0 to 2.2 after a match. */
  readonly keys?: readonly (string | { readonly name: string | number })[]
  /** Router 2. */
  readonly matchers?: readonly ((path: string) => { readonly path: string } | false)[]
  readonly slash?: boolean
  /** Router 2.0 to 2.2, after a match: the prefix that matched. */
  readonly path?: string
  /** Router 2.3. */
  readonly rawPath?: DeclaredPath
}

/** The layers of the router or application that a layer leads to, if it leads to one. */
export function subRouter(layer: Layer): readonly Layer[] | undefined {
  if (typeof layer.handle !== 'function') return undefined
  const target = layer.handle as {
    stack?: unknown
    _router?: { stack?: unknown }
    router?: { stack?: unknown }
  }
  if (Array.isArray(target.stack)) return target.stack as Layer[]
  if (!('set' in target)) return undefined // not an application: its other properties are not ours to read
  const stack = (target._router ?? target.router)?.stack
  return Array.isArray(stack) ? (stack as Layer[]) : undefined
}

/** `app.use(path, otherApp)` hides the application in a closure of this name. */
export function isAppMount(layer: Layer): boolean {
  return layer.name === 'mounted_app'
}

/** The paths that a layer was declared with: one, but for an array of them. */
export function patternsOf(layer: Layer): readonly PathPattern[] {
  if (layer.slash === true || layer.regexp?.fast_slash === true) return [{ template: '', match: () => '' }]
  const matchers = matchersOf(layer)
  const templates = templatesOf(layer)
  if (templates.length !== matchers.length) {
    return templates.map((template) => ({ template, match: (path) => firstMatch(matchers, path) }))
  }
  return templates.map((template, index) => ({
    template,
    match: (path) => firstMatch(matchers.slice(index, index + 1), path),
  }))
}

type Matcher = (path: string) => string | undefined

function matchersOf({ regexp, matchers = [] }: Layer): Matcher[] {
  if (regexp === undefined) {
    return matchers.map((match) => (path) => {
      const found = match(path)
      return found === false ? undefined : found.path
    })
  }
  const alternatives = alternativesOf(regexp)
  if (alternatives.length === 1) return [(path) => regexp.exec(path)?.[0]]
  return alternatives.map((source) => {
    const alternative = new RegExp(source, regexp.flags)
    return (path) => alternative.exec(path)?.[0]
  })
}

function firstMatch(matchers: readonly Matcher[], path: string): string | undefined {
  for (const match of matchers) {
    try {
      const found = match(path)
      if (found !== undefined) return found
    } catch {
      // A parameter that cannot be decoded matches nothing.
    }
  }
  return undefined
}

function templatesOf(layer: Layer): string[] {
  const declared = layer.route === undefined ? layer.rawPath : layer.route.path
  if (declared !== undefined) {
    return alternativesIn(declared)
  }
  if (layer.regexp !== undefined) return fromRegExp(layer.regexp, layer.keys ?? [])
  // Router 2.0 to 2.2 keep no pattern. Without parameters the prefix that matched is the pattern, but for its case.
  return [layer.keys?.length === 0 && layer.path !== undefined ? layer.path.toLowerCase() : '/*']
}

/** The paths in a declaration, in the order of their matchers. */
export function alternativesIn(path: DeclaredPath): string[] {
  return typeof path === 'string' || path instanceof RegExp ? [String(path)] : path.flatMap(alternativesIn)
}

/** How path-to-regexp 0.1 ends the expression that it makes of a mount path. */
const endOfMount = /\\\/\?\(\?=\\\/\|\$\)$/

/** path-to-regexp 0.1 joins the expressions for an array of paths into one; each begins with `^`. */
function alternativesOf(regexp: RegExp): string[] {
  return regexp.source.split(/\|(?=\^)/)
}

/**
 * Express 4 keeps of a mount path only the expression that path-to-regexp 0.1 made of it, so it is read back:
 * escapes are undone, and each capturing group becomes the name of its key. An expression of the user's own is
 * shown as it is.
 */
function fromRegExp(regexp: RegExp, keys: NonNullable<Layer['keys']>): string[] {
  const alternatives = alternativesOf(regexp)
  if (!alternatives.every((source) => endOfMount.test(source))) return [String(regexp)]
  let key = 0
  return alternatives.map((alternative) => {
    const source = alternative.replace(endOfMount, '')
    let template = ''
    for (let at = 1; at < source.length; at += 1) {
      const char = source[at] ?? ''
      if (char === '\\') {
        at += 1
        template += source[at] ?? ''
      } else if (source.startsWith('(?:', at)) {
        at += 2
      } else if (char === '(') {
        at = closingParenthesis(source, at)
        const name = keyName(keys[key])
        key += 1
        template += name === undefined ? '*' : `:${name}`
      } else if (char !== ')') {
        template += char
      }
    }
    return template
  })
}

/** Nameless groups, such as `*`, have a number for a name. */
function keyName(key: string | { readonly name: string | number } | undefined): string | undefined {
  const name = typeof key === 'object' ? key.name : key
  return typeof name === 'string' ? name : undefined
}

function closingParenthesis(source: string, open: number): number {
  let depth = 0
  for (let at = open; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1
    else if (source[at] === '(') depth += 1
    else if (source[at] === ')') {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return source.length
}
