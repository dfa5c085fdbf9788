/** A copy of the built packages with a bug in it, laid out so that the promises' own code finds the copy. */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Plant } from './promise.ts'

/**
 * Copies `packages/*` and this workspace, as they are built, to a new folder.
 *
 * @returns the root of the copy; the caller removes it.
 */
export function builtCopy(root: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'kit-'))
  // For what trials write: a trial that is ended leaves it behind.
  mkdirSync(join(copy, 'tmp'))
  for (const name of readdirSync(join(root, 'packages'))) copyPackage(root, copy, join('packages', name))
  copyPackage(root, copy, join('tests', 'promises'))
  return copy
}

/**
 * Puts `plant` into a copy.
 *
 * @returns what takes it out again, and with it what trials left in the copy.
 * @throws Error if the bug does not fit.
 */
export function plantIn(root: string, copy: string, plant: Plant): () => void {
  const file = join(copy, 'packages', plant.file)
  writeFileSync(file, withBug(root, plant))
  return () => {
    cpSync(join(root, 'packages', plant.file), file)
    rmSync(join(copy, 'tmp'), { recursive: true, force: true })
    mkdirSync(join(copy, 'tmp'))
  }
}

/**
 * The text of the file with the bug in it.
 *
 * @throws Error if the text to be replaced is not in the file exactly once: the plant is older than the code.
 */
export function withBug(root: string, plant: Plant): string {
  const parts = readFileSync(join(root, 'packages', plant.file), 'utf8').split(plant.find)
  if (parts.length !== 2) {
    throw new Error(
      `The bug "${plant.bug}" does not fit: its text is ${parts.length - 1} times in ${plant.file}.`,
    )
  }
  return parts.join(plant.replace)
}

/** The manifest and the built files; of what it depends on, the kit's own in the copy and all others where they are. */
function copyPackage(root: string, copy: string, path: string): void {
  const from = join(root, path)
  const to = join(copy, path)
  mkdirSync(to, { recursive: true })
  cpSync(join(from, 'package.json'), join(to, 'package.json'))
  cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true, filter: (file) => !file.endsWith('.d.ts') })
  const modules = join(from, 'node_modules')
  for (const name of installed(modules)) {
    const target = realpathSync(join(modules, name))
    const ours = name.startsWith('@kit/')
    mkdirSync(dirname(join(to, 'node_modules', name)), { recursive: true })
    symlinkSync(ours ? join(copy, 'packages', basename(target)) : target, join(to, 'node_modules', name))
  }
}

function installed(modules: string): string[] {
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((one) => join(name, one)) : [name],
    )
}
