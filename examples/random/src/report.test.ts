import { background } from '@kit/context'
import { expect, it } from 'vitest'
import type { Args } from './args.ts'
import { readArgs } from './args.ts'
import { DeadlockError } from './deadlock.ts'
import { announcement, reportOf } from './report.ts'
import type { Outcome } from './search.ts'
import { emptyTally } from './search.ts'

const { plan } = readArgs(['--workers', '10'])
const all = { started: 10, draws: 1000, asleep: 10, stopped: 10, ended: 10 }

function unanswered(error: unknown): Outcome {
  return { found: undefined, error, startedMs: 1000, toldMs: 1250 }
}

it('says what is about to happen', () => {
  const noon = new Date(2026, 0, 1, 12, 0, 0, 7).getTime()
  const said = (...args: string[]): string[] => announcement(readArgs(args) satisfies Args, noon)
  const search = '10,000 workers search for 62,707 among 0 … 99,999: 100 draws each, seed 1'
  expect(said('cancel')).toEqual([search])
  expect(said('deadline')).toEqual([search, 'until 12:00:05.007, 5 s from now'])
  expect(said('timeout', '--after', '250ms')).toEqual([search, 'for 0.25 s at most'])
  expect(said('--workers', '1', '--draws', '1')[0]).toContain('1 worker searches for')
})

it.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [11, '11th'],
  [12, '12th'],
  [113, '113th'],
  [1021, '1,021st'],
])('who found it, with draw %i', (draws, ordinal) => {
  const outcome: Outcome = { found: { worker: 7, draws }, error: undefined, startedMs: 1000, toldMs: 1250 }
  expect(reportOf(outcome, plan, { ...all, asleep: 0, stopped: 9 }, undefined)).toEqual({
    exitCode: 0,
    headline: `worker 7 found 62,707 with its ${ordinal} draw`,
    details: [
      '1,000 draws by all of them in 0.25 s',
      'the others were cancelled: 9 of 9; ended by now: 9 of 9',
    ],
  })
})

it('does not hide that some went on', () => {
  const outcome: Outcome = { found: { worker: 7, draws: 1 }, error: undefined, startedMs: 0, toldMs: 1 }
  const { details } = reportOf(outcome, plan, { ...all, stopped: 3, ended: 4 }, undefined)
  expect(details[1]).toBe('the others were cancelled: 3 of 9; ended by now: 3 of 9')
})

it('a deadlock: who is asleep, and what main waits for', () => {
  expect(reportOf(unanswered(new DeadlockError('all are asleep')), plan, all, undefined)).toEqual({
    exitCode: 2,
    headline: 'fatal error: all are asleep',
    details: [
      'main waits for an answer that nobody is left to give: the event loop is empty',
      '10 of 10 workers asleep, their draws used up, after 1,000 draws in all',
      'main then cancelled them: 10 of 10; ended by now: 10 of 10',
    ],
  })
})

it('a deadline: its message, and how late it was noticed', () => {
  const ctx = background.withTimeout(0)
  expect(reportOf(unanswered(ctx.err), plan, all, 1248.75)).toEqual({
    exitCode: 1,
    headline: ctx.err?.message,
    details: [
      'main was told 1.3 ms after that instant',
      '10 of 10 workers asleep, 0 still searching, after 1,000 draws in all',
      'the end reached them: 10 of 10; ended by now: 10 of 10',
    ],
  })
})

it('a deadline before all had started', () => {
  const { details } = reportOf(unanswered(background.withTimeout(0).err), plan, emptyTally(), 1250)
  expect(details).toContain(
    '0 of 10 workers asleep, 0 still searching, 10 not started yet, after 0 draws in all',
  )
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('%s', (signal, exitCode) => {
  const ctx = background.withCancel()
  ctx.cancel(signal)
  const report = reportOf(unanswered(ctx.err), plan, all, undefined)
  expect(report).toMatchObject({ exitCode, headline: `context canceled: ${signal}` })
})
