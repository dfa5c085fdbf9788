import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { builtCopy, plantIn } from './planted.ts'

const plant = { bug: 'nothing is added', file: 'sum/dist/sum.js', find: 'a + b', replace: 'a' }
const text = 'export const sum = (a, b) => a + b\n'

let root = ''
const copies: string[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kit-root-'))
  for (const path of ['packages/sum', 'tests/promises']) {
    mkdirSync(join(root, path, 'dist'), { recursive: true })
    mkdirSync(join(root, path, 'node_modules'))
    writeFileSync(join(root, path, 'package.json'), '{}')
  }
  writeFileSync(join(root, 'packages/sum/dist/sum.js'), text)
  writeFileSync(join(root, 'packages/sum/dist/sum.d.ts'), 'export {}')
})
afterEach(() => {
  for (const folder of [root, ...copies.splice(0)]) rmSync(folder, { recursive: true })
})

it('a copy has what runs, and a bug is in the copy alone and only until it is taken out', () => {
  const copy = builtCopy(root)
  copies.push(copy)
  const built = (of: string): string => readFileSync(join(of, 'packages/sum/dist/sum.js'), 'utf8')
  expect(readdirSync(join(copy, 'packages/sum/dist'))).toEqual(['sum.js'])
  expect(built(copy)).toBe(text)

  const uproot = plantIn(root, copy, plant)
  expect(built(copy)).toBe('export const sum = (a, b) => a\n')
  expect(built(root)).toBe(text)
  writeFileSync(join(copy, 'tmp/left'), '')
  uproot()
  expect(built(copy)).toBe(text)
  expect(readdirSync(join(copy, 'tmp'))).toEqual([])
})

it('a bug that does not fit exactly once is refused', () => {
  const copy = builtCopy(root)
  copies.push(copy)
  expect(() => plantIn(root, copy, { ...plant, find: 'a * b' })).toThrow('is 0 times in sum/dist/sum.js')
  expect(() => plantIn(root, copy, { ...plant, find: 'a' })).toThrow('times in sum/dist/sum.js')
})
