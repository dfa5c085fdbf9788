/** The repository as its tests see it: packages with manifests, references and sources. */

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** The part of a package.json that is looked at. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly type?: string
  readonly license?: string
  readonly engines?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** One published package. */
export interface Package {
  /** The folder under packages/, and the name after `@kit/`. */
  readonly short: string
  readonly folder: string
  readonly manifest: Manifest
}

/** Every package under packages/. */
export function packages(): Package[] {
  return readdirSync(join(root, 'packages')).map((short) => {
    const folder = join(root, 'packages', short)
    return { short, folder, manifest: readJson(join(folder, 'package.json')) as Manifest }
  })
}

/** Every TypeScript source below a folder, tests and what only they use left out. */
export function sources(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|test-d|bench|fixture)\.ts$/.test(file))
    .map((file) => join(folder, file))
}

/** What a source imports, by specifier. */
export function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
}

/** Reads a JSON file. */
export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
