/** The documents as their tests see them: blocks of TypeScript, each of them a module of its own. */

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packages, root } from './repository.ts'

/** The documents whose every TypeScript block is executed. */
export const documents: readonly string[] = [
  'README.md',
  'docs/context.md',
  ...packages().map(({ short }) => `packages/${short}/README.md`),
]

/**
 * Blocks in JavaScript or TypeScript that are no programs, by document, and how many: lines set side by side to be
 * compared, what the compiler refuses, the configuration of a linter, exporters that need a collector.
 */
export const fragments: Readonly<Record<string, number>> = {
  'examples/random/README.md': 1,
  'examples/request-scope/README.md': 1,
  'packages/context/README.md': 1,
  'packages/metrics/README.md': 1,
}

/** One executed block. */
export interface Example {
  readonly document: string
  /** Where it stands: `line 31`. */
  readonly title: string
  readonly code: string
}

/** The blocks of a document. */
export function examplesIn(document: string): Example[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ 1: code = '', index }) => ({
    document,
    title: `line ${text.slice(0, index).split('\n').length}`,
    code,
  }))
}

/** The name of a block's module. */
export function moduleName({ document, title }: Example): string {
  return `${document} ${title}`.replaceAll(/\W+/g, '-')
}

/** How many blocks a document has in JavaScript or TypeScript, in whatever way they are fenced. */
export function blocksIn(document: string): number {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:[cm]?[jt]sx?|javascript|typescript)\b/gim)].length
}

/** Every Markdown file of the repository but the records of decisions, which tell what was once. */
export function allDocuments(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return /^(node_modules|dist|\..*)$/.test(entry.name) ? [] : below(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
  return below('').filter((path) => !path.startsWith('docs/design/'))
}
