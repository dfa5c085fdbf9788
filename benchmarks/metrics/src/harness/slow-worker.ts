/*
 * The process of one case whose operations take milliseconds, or are done once and counted by what they leave in
 * memory: `slow-worker.js <url of the suite> <group> <case>`. It speaks like the worker of the harness: commands in lines
 * on standard input, answers on descriptor 3, blocked in a read between them.
 */
import { readSync, writeSync } from 'node:fs'
import { control } from '@kit-benchmarks/context/harness/control.js'
import type { Round } from '@kit-benchmarks/context/harness/meter.js'
import type { Answer, Command } from '@kit-benchmarks/context/harness/worker.js'
import type { MetricsSuite } from '../suite-types.ts'
import { occupied } from './occupied.ts'

/** Does its work so many times; of a slow group it resolves with the nanoseconds that each took. */
type Burst = (count: number) => unknown

/** A round of what takes less goes over several. */
const leastMs = 20

const [, , suiteUrl = '', groupName = '', caseName = ''] = process.argv
let answerTo: (command: Command) => unknown = prepare

for (let line = readLine(); line !== undefined; line = readLine()) {
  writeSync(3, `${JSON.stringify(await answer(JSON.parse(line) as Command))}\n`)
}
process.exit(0)

async function answer(command: Command): Promise<Answer> {
  try {
    return { found: (await answerTo(command)) ?? null }
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function prepare(): Promise<void> {
  const { suite } = (await import(suiteUrl)) as { suite: MetricsSuite }
  const slow = suite.slow.find(({ name }) => name === groupName)
  const group = slow ?? suite.retention.find(({ name }) => name === groupName)
  const one = group?.cases.find(({ name }) => name === caseName)
  if (group === undefined || one === undefined) throw new Error(`no case "${caseName}" in "${groupName}"`)
  const operation = await one.prepare()
  if (typeof operation !== 'object') throw new TypeError('the operation has no burst')
  const burst: Burst = (count) => operation.burst(count)
  if (slow === undefined) {
    const { iterations } = one as (typeof suite.retention)[number]['cases'][number]
    answerTo = (command) => occupied(burst, iterations * (command.do === 'kept' ? command.share : 0))
  } else answerTo = timing(burst, slow.rounds !== undefined)
}

/** Without a warm-up nothing is done before the rounds, of which the harness does not count the first. */
function timing(burst: Burst, warm: boolean): (command: Command) => unknown {
  let count = 1
  return async (command) => {
    if (command.do === 'warmUp') {
      if (warm) count = await warmUp(burst, command.warmUpMs)
      return undefined
    }
    return command.do === 'round' ? round(burst, count) : undefined
  }
}

/** Lets the compiler do its work; returns how many operations make a round. */
async function warmUp(burst: Burst, warmUpMs: number): Promise<number> {
  const end = performance.now() + warmUpMs
  let ns: unknown
  do ns = await burst(1)
  while (performance.now() < end)
  return Math.max(1, Math.round((leastMs * 1e6) / Number(ns)))
}

async function round(burst: Burst, count: number): Promise<Round> {
  const began = performance.now()
  const usedBefore = process.cpuUsage()
  let controlNs = control()
  const ns = Number(await burst(count))
  controlNs += control()
  const { user, system } = process.cpuUsage(usedBefore)
  const idle = Math.max(0, 1 - (user + system) / 1000 / (performance.now() - began))
  return { ns, control: controlNs, idle }
}

/** The next line, undefined at the end; blocks. The parent sends a line only when the last one was answered. */
function readLine(): string | undefined {
  const chunk = Buffer.alloc(4096)
  let line = ''
  while (!line.endsWith('\n')) {
    const length = readSync(0, chunk)
    if (length === 0) return undefined
    line += chunk.toString('utf8', 0, length)
  }
  return line
}
