/** All regular expressions that the packages bring: those in their text, found by a parser, and those made when they are loaded. */

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'acorn'

export interface FoundRegex {
  readonly source: string
  readonly flags: string
  /** The built file, or the package, that it was found in. */
  readonly where: string
}

/** Regular expressions as they stand in the built files below `packages`, each once. */
export function writtenRegexes(packages: string): FoundRegex[] {
  const found = new Map<string, FoundRegex>()
  for (const name of readdirSync(packages)) {
    const dist = join(packages, name, 'dist')
    for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.js')) continue
      const text = readFileSync(join(dist, file), 'utf8')
      for (const { pattern, flags } of literals(
        parse(text, { ecmaVersion: 'latest', sourceType: 'module' }),
      )) {
        found.set(`${flags}/${pattern}`, { source: pattern, flags, where: `${name}/dist/${file}` })
      }
    }
  }
  return [...found.values()]
}

/** The regular expressions that `load` makes with the constructor, from text that no parser of JavaScript sees. */
export async function madeRegexes(where: string, load: () => Promise<unknown>): Promise<FoundRegex[]> {
  const found: FoundRegex[] = []
  const before = globalThis.RegExp
  const note = (made: RegExp): RegExp => {
    found.push({ source: made.source, flags: made.flags, where })
    return made
  }
  globalThis.RegExp = new Proxy(before, {
    construct: (target, args, newTarget) => note(Reflect.construct(target, args, newTarget) as RegExp),
    apply: (target, self, args) => note(Reflect.apply(target, self, args) as RegExp),
  })
  try {
    await load()
  } finally {
    globalThis.RegExp = before
  }
  return found
}

/** All literals below a node of the syntax tree, whatever kinds of nodes there are. */
function literals(node: unknown): { pattern: string; flags: string }[] {
  if (typeof node !== 'object' || node === null) return []
  const { type, regex } = node as { type?: string; regex?: { pattern: string; flags: string } }
  const below = Object.values(node).flatMap(literals)
  return type === 'Literal' && regex !== undefined ? [regex, ...below] : below
}
