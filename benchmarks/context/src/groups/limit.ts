/*
 * The same small job under a limit of a second, which never passes here. Rivals run in their usual form and in the one
 * that is cheapest for them.
 */
import type { Group } from '../harness/suite.ts'
import { byMicrotask, byTurn, limitMs } from './jobs.ts'
import { casesOf } from './limit-cases.ts'

const note =
  'Kit ends the job with a long-lived parent as well; of the others only AbortSignal.any does. p-timeout gives up ' +
  'waiting and does not cancel the job. Effect is given a program that was built once, unless the name says otherwise.'

const targets = [
  { against: 'Effect: runPromise', atLeast: 1 },
  { against: 'Effect: all in one fiber', atLeast: 1 },
  { against: 'Cockatiel, cooperative', atLeast: 1 },
  { against: 'Cockatiel, aggressive', atLeast: 1 },
  { against: 'p-timeout', atLeast: 1 },
  { against: 'p-timeout, prebuilt error', atLeast: 1 },
]

/** The job takes one microtask. */
export const limitOfMicrotask: Group = {
  name: 'limit-microtask',
  title: `run a job of one microtask under a limit of ${limitMs} ms`,
  note,
  awaits: 1,
  targets,
  holds: Number.isInteger,
  cases: casesOf(byMicrotask, 1),
}

/** The job takes one turn of the event loop. */
export const limitOfTurn: Group = {
  name: 'limit-turn',
  title: `run jobs of one turn of the event loop, 100 together, each under a limit of ${limitMs} ms`,
  note,
  awaits: 100,
  targets,
  holds: Number.isInteger,
  cases: casesOf(byTurn, 100),
}
