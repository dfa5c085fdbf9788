/* Making loggers, and what they take. */
import type { RetentionGroup } from '@kit-benchmarks/context/harness/suite.js'
import { casesOf } from '../cases.ts'
import { libraries } from '../libraries.ts'
import { nowhere } from '../output.ts'
import type { LogGroup } from '../suite-types.ts'
import { request } from './line.ts'

/** A child of the root. */
export const createChild: LogGroup = {
  name: 'child',
  title: 'make a child of the root with two fields',
  cases: casesOf(async (library, to) => {
    const root = await library.create(to)
    return (i) => library.child(root, request(i))
  }, nowhere),
}

/** A child of a child. */
export const createGrandchild: LogGroup = {
  name: 'grandchild',
  title: 'make a child of the root with two fields, and of that a child with one',
  note: 'As a request does whose parts have loggers of their own.',
  targets: [{ against: 'pino', atLeast: 5 }],
  cases: casesOf(async (library, to) => {
    const root = await library.create(to)
    return (i) => library.child(library.child(root, request(i)), { part: 'cart' })
  }, nowhere),
}

/** A request: two loggers and three lines. */
export const createAndLog: LogGroup = {
  name: 'request',
  title: 'make a child of the root and of that a child, and write three lines with it, made and let go',
  note: 'What a request costs that logs little: what is prepared for later lines must pay for itself.',
  targets: [{ against: 'pino', atLeast: 2 }],
  cases: casesOf(async (library, to) => {
    const root = await library.create(to)
    return (i) => {
      const log = library.child(library.child(root, request(i)), { part: 'cart' })
      library.info(log, 'opened')
      library.info(log, 'changed')
      library.info(log, 'closed')
    }
  }, nowhere),
  shows: ['"requestId":"r-', '"part":"cart"'],
}

const kept: unknown[] = []

/** What loggers take in memory. */
export const heapOfLoggers: RetentionGroup = {
  name: 'heap',
  title: 'bytes that stay for a child of a child that is kept, with its parent',
  note: 'The texts of the fields are part of it. The list that keeps them is not counted apart.',
  cases: libraries.map((some) =>
    some((library) => ({
      name: library.name,
      iterations: 50_000,
      async prepare() {
        const root = await library.create(nowhere)
        return (i: number) => {
          kept.push(library.child(library.child(root, request(i)), { part: 'cart' }))
        }
      },
    })),
  ),
}
