import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packages, root, sources } from './repository.ts'

it('docs/errors.md lists every error code that the packages can give, and no other', () => {
  const given = new Set<string>()
  for (const { folder } of packages()) {
    for (const file of sources(join(folder, 'src'))) {
      for (const [, code = ''] of readFileSync(file, 'utf8').matchAll(/'(KIT_[A-Z_]+)'/g)) given.add(code)
    }
  }
  const listed = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `(KIT_[A-Z_]+)`/gm)]
  expect(listed.map(([, code]) => code).toSorted()).toEqual([...given].toSorted())
})
