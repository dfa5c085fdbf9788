import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sourcesHash } from './content-hash.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kit-hash-'))
  mkdirSync(join(root, 'src/deep'), { recursive: true })
  writeFileSync(join(root, 'src/a.ts'), 'one\ntwo\n')
  writeFileSync(join(root, 'src/deep/b.ts'), 'three')
})
afterEach(() => rmSync(root, { recursive: true }))

it('changes with every source below a folder, by its text and by its name', () => {
  const before = sourcesHash(root, ['src'])
  writeFileSync(join(root, 'src/deep/b.ts'), 'four')
  const changed = sourcesHash(root, ['src'])
  rmSync(join(root, 'src/deep/b.ts'))
  writeFileSync(join(root, 'src/deep/c.ts'), 'four')
  const renamed = sourcesHash(root, ['src'])
  expect(new Set([before, changed, renamed]).size).toBe(3)
})

it('is the same with other tests, other ends of lines, another order and what is named twice', () => {
  const before = sourcesHash(root, ['src/a.ts', 'src/deep'])
  writeFileSync(join(root, 'src/deep/b.test.ts'), 'a test')
  writeFileSync(join(root, 'src/deep/b.test-d.ts'), 'a test of types')
  writeFileSync(join(root, 'src/deep/notes.md'), 'no source')
  writeFileSync(join(root, 'src/a.ts'), 'one\r\ntwo\r\n')
  expect(sourcesHash(root, ['src/deep', 'src/a.ts', 'src'])).toBe(before)
})

it('a path that is gone is said, since its figures would be good for ever', () => {
  expect(() => sourcesHash(root, ['src/gone.ts'])).toThrow(
    'There is no src/gone.ts, of which a promise speaks.',
  )
})
