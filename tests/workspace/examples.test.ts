import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { packages, root } from './repository.ts'

// Every TypeScript block of a README or a guide runs as it stands, as a module of its own, and what it says that an
// expression comes to (`expression // => value`) is what it comes to.

const generated = join(root, 'tests/workspace/.generated')
const documents = [
  'README.md',
  'docs/context.md',
  ...packages().map(({ short }) => `packages/${short}/README.md`),
]

interface Example {
  readonly title: string
  readonly code: string
}

function examplesIn(document: string): Example[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ 1: code = '', index }) => ({
    title: `line ${text.slice(0, index).split('\n').length}`,
    code,
  }))
}

/** Turns the promises into assertions. */
function executable(code: string): string {
  const lines = code.split('\n').map((line) => {
    const promise = /^(\s*)(.+?);?\s+\/\/ => (.+)$/.exec(line)
    if (promise === null) return line
    const [, indent = '', expression = '', value = ''] = promise
    const binding = /^(const|let) (\w+)( = .*)$/.exec(expression)
    return binding === null
      ? `${indent}__expect(${expression}).toEqual(${value})`
      : `${indent}${expression}\n${indent}__expect(${binding[2]}).toEqual(${value})`
  })
  return `import { expect as __expect } from 'vitest'\n${lines.join('\n')}\nexport {}\n`
}

afterAll(() => rmSync(generated, { recursive: true, force: true }))

describe.each(documents)('%s', (document) => {
  const examples = examplesIn(document)

  it('has examples', () => expect(examples.length).toBeGreaterThan(0))

  it.each(examples)('$title', async ({ title, code }) => {
    mkdirSync(generated, { recursive: true })
    const file = join(generated, `${document} ${title}`.replaceAll(/\W+/g, '-') + '.ts')
    writeFileSync(file, executable(code))
    await import(pathToFileURL(file).href)
  })
})
