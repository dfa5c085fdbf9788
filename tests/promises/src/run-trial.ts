/** Runs one trial in a process of its own and gathers what it tells. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Plot, Progress } from './events.ts'
import { decodeEvent } from './events.ts'
import { secondsText } from './figure-text.ts'
import type { Outcome } from './outcome.ts'
import { reasonsIn } from './outcome.ts'
import type { Figure, PublishedPromise, Tier } from './promise.ts'
import { keeps } from './promise.ts'
import { timeoutMs as timeouts } from './tiers.ts'

export interface TrialRun {
  /** The root of the copy in which it runs. */
  readonly copy: string
  /** The root of the repository. */
  readonly checkout: string
  readonly promise: PublishedPromise
  readonly tier: Tier
  readonly seed: number
  /** Ends the trial at the first figure beyond its limit: whether there is one is all that is asked. Default false. */
  readonly untilBroken?: boolean
  /** After this the trial is ended and has failed. Default by tier. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: Progress) => void
}

/** How much is kept of what a trial prints. */
const keptCharacters = 4_000
/** How long an ended process's last events are waited for. */
const lastEventsMs = 2_000

const running = new Set<() => void>()

/** Ends all trials that run, with whatever they started: for the end of the runner itself. */
export function endTrials(): void {
  for (const end of running) end()
}

/** Never rejects: what goes wrong is in the outcome. */
export async function runTrial({ copy, checkout, promise, tier, seed, ...run }: TrialRun): Promise<Outcome> {
  const { timeoutMs = timeouts[tier] } = run
  const since = performance.now()
  const figures: Figure[] = []
  const failures: string[] = []
  const plots: Plot[] = []
  let printed = ''

  const script = join(copy, 'tests/promises/dist/trial.js')
  const options = { tier, seed: String(seed), events: '3', checkout }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  // A group of its own, so that what a trial has started ends with it.
  const child = spawn(process.execPath, ['--expose-gc', script, promise.id, ...args], {
    cwd: copy,
    detached: true,
    env: { ...process.env, TMPDIR: join(copy, 'tmp') },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const end = (): void => {
    endGroup(child.pid)
  }
  running.add(end)
  const timer = setTimeout(() => {
    failures.push(`the trial did not end within ${secondsText(timeoutMs / 1_000)}`)
    end()
  }, timeoutMs)

  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-keptCharacters)
    })
  }
  const events = createInterface({ input: child.stdio[3] as Readable })
  events.on('line', (line) => {
    const event = decodeEvent(line)
    if ('progress' in event) run.onProgress?.(event.progress)
    else if ('plot' in event) plots.push(event.plot)
    else if ('failure' in event) failures.push(event.failure)
    else {
      figures.push(event.figure)
      if (run.untilBroken === true && !keeps(event.figure)) end()
    }
  })
  const told = new Promise((resolve) => events.on('close', resolve))
  const ended = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 1))
  })
  clearTimeout(timer)
  await Promise.race([told, new Promise((resolve) => setTimeout(resolve, lastEventsMs).unref())])
  end()
  running.delete(end)

  const reasons = reasonsIn({ figures, failures, end: ended, printed: printed.trim() })
  return {
    id: promise.id,
    says: promise.says,
    tier,
    verdict: reasons.length === 0 ? 'kept' : 'broken',
    reasons,
    figures,
    plots,
    seconds: (performance.now() - since) / 1_000,
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}
