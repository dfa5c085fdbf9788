import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Outcome } from './outcome.ts'
import type { PublishedPromise } from './promise.ts'
import type { TrialRun } from './run-trial.ts'
import { runTrial } from './run-trial.ts'

const promise: PublishedPromise = {
  id: 'R1',
  says: 'It holds.',
  tiers: ['change'],
  speaksOf: [],
  run: () => Promise.resolve(),
  plants: [],
}

let copy = ''
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'kit-run-'))
  mkdirSync(join(copy, 'tests/promises/dist'), { recursive: true })
  mkdirSync(join(copy, 'tmp'))
})
afterEach(() => rmSync(copy, { recursive: true }))

/** Runs `script` in the place of a trial; it has `tell(event)`. */
function run(script: string, options: Partial<TrialRun> = {}): Promise<Outcome> {
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(copy, 'tests/promises/dist/trial.js'),
    `import { writeSync, writeFileSync } from 'node:fs'
     import { spawn } from 'node:child_process'
     const tell = (event) => writeSync(3, JSON.stringify(event) + '\\n')
     const figure = (value) => tell({ figure: { what: 'lost', value, unit: 'lines', atMost: 0 } })
     ${script}`,
  )
  return runTrial({ copy, checkout: copy, promise, tier: 'change', seed: 7, ...options })
}

it('what a trial told is its outcome, even what it told last', async () => {
  const progress: number[] = []
  const outcome = await run(
    `tell({ progress: { done: 1, total: 2, unit: 'calls' } })
     tell({ plot: { title: 'heap', x: 's', y: 'MiB', points: [[0, 1]] } })
     figure(0)
     process.exit()`,
    { onProgress: ({ done }) => progress.push(done) },
  )
  expect(outcome).toMatchObject({ id: 'R1', verdict: 'kept', reasons: [], plots: [{ title: 'heap' }] })
  expect(outcome.figures).toEqual([{ what: 'lost', value: 0, unit: 'lines', atMost: 0 }])
  expect(progress).toEqual([1])
})

it('a trial is told which, in what tier, from what seed, and may collect garbage', async () => {
  const outcome = await run(`console.log(process.argv.slice(2).join(' '), typeof gc); process.exit(3)`)
  expect(outcome.reasons).toEqual([
    `the trial's process ended with 3:\nR1 --tier change --seed 7 --events 3 --checkout ${copy} function`,
  ])
})

it('a crash breaks the promise whatever was told before', async () => {
  const outcome = await run(`figure(0); setTimeout(() => { throw new Error('no') })`)
  expect(outcome.verdict).toBe('broken')
  expect(outcome.reasons[0]).toContain('Error: no')
})

it('what does not end is ended, with everything that it started', async () => {
  const outcome = await run(
    `const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
     writeFileSync('pid', String(child.pid))
     figure(0)
     setInterval(() => {}, 1000)`,
    { timeoutMs: 1_500 },
  )
  expect(outcome.reasons).toEqual(['the trial did not end within 1.5 s'])
  const pid = Number(readFileSync(join(copy, 'pid'), 'utf8'))
  await expect.poll(() => isRunning(pid)).toBe(false)
})

it('where one broken figure is all that is asked for, the trial ends with it', async () => {
  const outcome = await run(`figure(1); setInterval(() => {}, 1000)`, { untilBroken: true })
  expect(outcome.reasons[0]).toBe('lost: 1 lines, promised at most 0 lines')
})

/** Whether it runs: one that has ended and that nobody has asked for its end does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
