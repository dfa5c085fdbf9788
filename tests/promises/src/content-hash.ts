/** What the code was that a figure speaks of: one short hash of the text of its sources. */

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Of the files and of all TypeScript sources below the folders, tests left out: a new test changes no figure. The same on
 * every system, whatever ends its lines. Throws an Error for a path that is not there, since nothing would ever change it.
 */
export function sourcesHash(root: string, paths: readonly string[]): string {
  return hashOf(
    root,
    paths,
    (file) => file.endsWith('.ts') && !/\.(?:test|test-d|bench|fixture)\.ts$/.test(file),
  )
}

/** Of everything that a trial executes: the built packages and the built trials. */
export function buildHash(root: string): string {
  const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/dist`)
  return hashOf(root, [...folders, 'tests/promises/dist'], (file) => file.endsWith('.js'))
}

function hashOf(root: string, paths: readonly string[], isMeant: (file: string) => boolean): string {
  const hash = createHash('sha256')
  for (const file of [...new Set(paths.flatMap((path) => filesOf(root, path, isMeant)))].toSorted()) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n')
    hash.update(`${file}\0${text.length}\0${text}`)
  }
  return hash.digest('hex').slice(0, 16)
}

function filesOf(root: string, path: string, isMeant: (file: string) => boolean): string[] {
  const found = statSync(join(root, path), { throwIfNoEntry: false })
  if (found === undefined) throw new Error(`There is no ${path}, of which a promise speaks.`)
  if (!found.isDirectory()) return [path]
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
    .filter(isMeant)
}
