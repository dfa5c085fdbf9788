import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { allPromises } from './catalogue.ts'
import { gaps, readFigures } from './figures.ts'
import { notYet } from './not-yet.ts'
import { page, readPage } from './page.ts'
import { withBug } from './planted.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const entries = await allPromises()
const figures = readFigures(root)
const open = gaps(root, entries, figures)

it('every promise has a number of its own, its tiers and a bug to be found', () => {
  const numbers = [...entries.map(({ promise }) => promise.id), ...notYet.map(({ id }) => id)]
  expect(numbers).toEqual([...new Set(numbers)])
  expect(entries.filter(({ promise }) => promise.plants.length === 0 || promise.tiers.length === 0)).toEqual(
    [],
  )
})

it('docs/promises.md has every promise that has a module, and no other', () => {
  const listed = [...readPage(root).matchAll(/^## ([RS]\d+)$/gm)].map(([, id]) => id)
  const given = [...entries.map(({ promise }) => promise.id), ...notYet.map(({ id }) => id)]
  expect(listed.toSorted()).toEqual(given.toSorted())
})

it('every bug still fits the built file in which it is planted', () => {
  const misfits = entries.flatMap(({ promise }) =>
    promise.plants.flatMap((plant) => {
      try {
        withBug(root, plant)
        return []
      } catch (error) {
        return [`${promise.id}: ${(error as Error).message}`]
      }
    }),
  )
  expect(misfits).toEqual([])
})

it('the figures of each change are of the code as it is', () => {
  const stale = open.filter(({ tier, why }) => tier === 'change' && why === 'stale').map(({ id }) => id)
  const advice =
    'what these promises speak of has changed since they were measured; ' +
    `run: npx -y pnpm@12 promises --only ${stale.join(',')} --record`
  expect(stale, advice).toEqual([])
})

it('docs/promises.md is what the promises and their figures say', () => {
  const advice =
    'docs/promises.md is not what would be written now; after a build, ' +
    'run: node tests/promises/dist/main.js page'
  expect(readPage(root), advice).toBe(page({ entries, notYet, figures, gaps: open }))
})
