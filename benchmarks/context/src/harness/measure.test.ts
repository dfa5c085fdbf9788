import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { suite as contexts } from '../suite.ts'
import type { MeasureOptions } from './measure.ts'
import { measureGroup, measureRetention } from './measure.ts'
import { findNodes } from './nodes.ts'
import type { CaseResult, Measured } from './results.ts'
import type { Case, Group } from './suite.ts'

// The processes run what was built last: build before this test.
const dist = new URL('../../dist/', import.meta.url)
const [node] = findNodes([], [], dist)
if (node === undefined) throw new Error('no Node')
const options: MeasureOptions = {
  node,
  worker: new URL('harness/worker.js', dist),
  suite: new URL('suite.js', dist),
  rounds: 2,
  roundMs: 2,
  warmUpMs: 20,
  seed: 1,
  share: 0.002,
}
const timeout = 60_000

const directory = mkdtempSync(join(tmpdir(), 'kit-benchmark-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A suite that the processes can load; the parent needs only the names. */
const planted = pathToFileURL(join(directory, 'suite.mjs'))
writeFileSync(
  planted,
  `
  const spin = (steps) => () => {
    let x = 1
    for (let i = 0; i < steps; i++) x = Math.imul(x, 31) + i
    return x
  }
  const kept = []
  const wait = async () => {
    await null
    return 1
  }
  export const suite = {
    title: 'planted',
    groups: [
      {
        name: 'sync',
        cases: [
          { name: 'quick', prepare: () => spin(100) },
          { name: 'slow', prepare: () => spin(10_000) },
          { name: 'idle', prepare: () => () => undefined },
          { name: 'throws', prepare: () => () => { throw new Error('planted') } },
          { name: 'dies', prepare: () => process.exit(3) },
          { name: 'future', minimumNode: 999, prepare: () => spin(1) },
        ],
        holds: (result) => typeof result === 'number',
      },
      {
        name: 'async',
        awaits: 10,
        cases: [
          { name: 'quick', prepare: () => wait },
          { name: 'slow', prepare: () => async () => { for (let i = 0; i < 200; i++) await wait() } },
        ],
      },
    ],
    retention: [
      {
        name: 'kept',
        cases: [
          { name: 'nothing', iterations: 1e6, prepare: () => () => ({}) },
          { name: 'objects', iterations: 1e6, prepare: () => () => void kept.push({ a: 1, b: 2, c: 3 }) },
        ],
      },
    ],
  }
`,
)

const nothing: Case['prepare'] = () => () => undefined
const named = (name: string): Case => ({ name, prepare: nothing })
const measured = (cases: readonly CaseResult[], name: string): Measured => {
  const found = cases.find((one) => one.name === name)
  if (found === undefined || !('ns' in found)) throw new Error(`${name}: ${JSON.stringify(found)}`)
  return found
}

it('ranks a planted slow case behind, and reports what does not run by name', { timeout }, async () => {
  const group: Group = {
    name: 'sync',
    title: 'planted',
    targets: [
      { against: 'slow', atLeast: 5 },
      { against: 'slow', atLeast: 1e6 },
    ],
    cases: [
      ...['quick', 'slow', 'idle', 'throws', 'dies'].map(named),
      { ...named('future'), minimumNode: 999 },
    ],
  }
  const { cases, verdicts } = await measureGroup(group, { ...options, suite: planted, rounds: 12 })
  expect(measured(cases, 'slow').ratio?.median).toBeGreaterThan(5)
  expect(measured(cases, 'slow').ns.median).toBeGreaterThan(measured(cases, 'quick').ns.median)
  expect(verdicts.map(({ met }) => met)).toEqual([true, false])
  expect(cases.slice(2)).toEqual([
    { name: 'idle', failed: expect.stringContaining('did not do the work') },
    { name: 'throws', failed: expect.stringContaining('planted') },
    { name: 'dies', failed: expect.stringContaining('the process ended (3)') },
    { name: 'future', skipped: 'needs Node 999' },
  ])
})

it('awaits what is to be awaited', { timeout }, async () => {
  const group: Group = { name: 'async', title: 'planted', awaits: 10, cases: ['quick', 'slow'].map(named) }
  const { cases } = await measureGroup(group, { ...options, suite: planted, rounds: 4 })
  expect(measured(cases, 'slow').ratio?.median).toBeGreaterThan(5)
})

it('finds what a planted leak keeps', { timeout }, async () => {
  const group = {
    name: 'kept',
    title: 'planted',
    cases: [
      { ...named('nothing'), iterations: 1e6, atMostBytes: 4 },
      { ...named('objects'), iterations: 1e6, atMostBytes: 4 },
    ],
  }
  const { cases } = await measureRetention(group, { ...options, suite: planted, share: 0.2 })
  expect(cases.map((one) => 'kept' in one && one.verdict?.met)).toEqual([true, false])
})

it('measures every case of a group of this benchmark', { timeout }, async () => {
  const group = contexts.groups.find(({ name }) => name === 'derive') as Group
  const { cases } = await measureGroup(group, options)
  expect(cases.map(({ name }) => name)).toEqual(group.cases.map(({ name }) => name))
  for (const { name } of cases) {
    const { ns, bytes, rounds } = measured(cases, name)
    expect(Number.isFinite(ns.median) && ns.median > 0).toBe(true)
    expect(Number.isFinite(bytes)).toBe(true)
    expect(rounds).toBeGreaterThan(0)
  }
})
