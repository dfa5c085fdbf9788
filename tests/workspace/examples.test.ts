import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { Example } from './documents.ts'
import { allDocuments, blocksIn, documents, examplesIn, fragments, moduleName } from './documents.ts'
import { root } from './repository.ts'

// Every TypeScript block of a README or a guide runs as it stands, as a module of its own, and what it says that an
// expression comes to (`expression // => value`) is what it comes to. And it is correct to the compiler, for those
// who copy it, and for what it says within handlers that nobody calls.

const generated = join(root, 'tests/workspace/.generated/examples')
const typed = join(root, 'tests/workspace/.generated/typed')

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

afterAll(() => {
  for (const folder of [generated, typed]) rmSync(folder, { recursive: true, force: true })
})

describe.each(documents)('%s', (document) => {
  const examples = examplesIn(document)

  it('has examples', () => expect(examples.length).toBeGreaterThan(0))

  it.each(examples)('$title', async (example) => {
    mkdirSync(generated, { recursive: true })
    const file = join(generated, `${moduleName(example)}.ts`)
    writeFileSync(file, executable(example.code))
    await import(pathToFileURL(file).href)
  })
})

it('leaves out no block of any document, whatever its fence, but the fragments', () => {
  const left = allDocuments().map((document) => {
    const executed = documents.includes(document) ? examplesIn(document).length : 0
    return [document, blocksIn(document) - executed] as const
  })
  expect(Object.fromEntries(left.filter(([, count]) => count !== 0))).toEqual(fragments)
})

it('has examples that the compiler accepts', () => {
  const examples = documents.flatMap((document) => examplesIn(document))
  expect(compile(examples)).toBe('')
})

it('would hear the compiler', () => {
  const example = { document: 'planted', title: 'mistake', code: 'const text: string = 7\n' }
  expect(compile([example])).toMatch(/planted-mistake\.ts\(1,7\): error TS2322/)
})

/** What the compiler says of these examples, as they stand. */
function compile(examples: readonly Example[]): string {
  rmSync(typed, { recursive: true, force: true })
  mkdirSync(typed, { recursive: true })
  for (const example of examples) {
    writeFileSync(join(typed, `${moduleName(example)}.ts`), `${example.code}\nexport {}\n`)
  }
  const settings = { extends: '../../../../tsconfig.test.json', include: ['*.ts'], exclude: [] }
  writeFileSync(join(typed, 'tsconfig.json'), JSON.stringify(settings))
  const tsc = createRequire(join(root, 'package.json'))
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc')
  return spawnSync(process.execPath, [tsc, '-p', typed], { encoding: 'utf8' }).stdout
}
