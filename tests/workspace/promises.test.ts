import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './repository.ts'

/** The tests of all packages, as text; the cases that adapters share are in files that are no tests themselves. */
const tests = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.test\.ts$|\/testing\/cases\/[\w-]+\.ts$/.test(file) && !/node_modules|dist/.test(file))
  .map((file) => readFileSync(join(root, 'packages', file), 'utf8'))
  .join('\n')

it('every numbered promise of docs/context.md has a test that names it, and no test names another', () => {
  const listed = [...readFileSync(join(root, 'docs/context.md'), 'utf8').matchAll(/^\| (I\d+)\b/gm)]
  const promised = listed.map(([, number = '']) => number)
  const named = [...tests.matchAll(/\[(I\d+(?: I\d+)*)\]/g)].flatMap(([, numbers = '']) => numbers.split(' '))
  expect(promised).toEqual(Array.from({ length: 42 }, (_, i) => `I${i + 1}`))
  expect([...new Set(named)].toSorted(byNumber)).toEqual(promised)
})

it('every portable test of Go is there by its name', () => {
  const names =
    `Background TODO WithCancel ParentFinishesChild ChildFinishesFirst CancelRemoves Deadline Timeout
    CanceledTimeout Values Allocs SimultaneousCancels InterlockedCancels LayersCancel LayersTimeout
    WithCancelCanceledParent WithCancelSimultaneouslyCanceledParent WithValueChecksKey InvalidDerivedFail
    DeadlineExceededSupportsTimeout DeadlineExceededIsNetError Cause CauseRace WithoutCancel CustomContextPropagation
    CustomContextCause CustomContextGoroutines AfterFuncCalledAfterCancel AfterFuncCalledAfterTimeout
    AfterFuncCalledImmediately AfterFuncNotCalledAfterStop AfterFuncCalledAsynchronously CustomContextAfterFuncCancel
    CustomContextAfterFuncTimeout CustomContextAfterFuncAfterFunc CustomContextAfterFuncUnregisterCancel
    CustomContextAfterFuncUnregisterTimeout CustomContextAfterFuncUnregisterAfterFunc`.split(/\s+/)
  const named = new Set([...tests.matchAll(/'Test(\w+)'/g)].map(([, name]) => name))
  expect(names.length).toBe(38)
  expect(names.filter((name) => !named.has(name))).toEqual([])
})

function byNumber(a: string, b: string): number {
  return Number(a.slice(1)) - Number(b.slice(1))
}
