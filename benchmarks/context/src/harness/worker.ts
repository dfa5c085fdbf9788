/*
 * The process of one case: `worker.js <url of the suite> <group> <case>`. It does what the lines on its standard input
 * say and answers on descriptor 3. Between the commands it is blocked in a read, so an idle process runs nothing, not
 * even a timer, and cannot disturb the one that is being measured; and when the parent is gone, the read ends.
 */
import { readSync, writeSync } from 'node:fs'
import { burstOf } from './burst.ts'
import { kept } from './heap.ts'
import type { Durations } from './meter.ts'
import { Meter } from './meter.ts'
import type { Operation, Suite } from './suite.ts'

/** What the parent may ask for. */
export type Command =
  | { readonly do: 'prepare' | 'round' | 'allocated' }
  | ({ readonly do: 'warmUp' } & Durations)
  | { readonly do: 'kept'; readonly share: number }

/** How the process answers: with what the command found, or with what went wrong. */
export type Answer = { readonly found: unknown } | { readonly failed: string }

const [, , suiteUrl = '', groupName = '', caseName = ''] = process.argv
let answerTo: (command: Command) => unknown = prepare

for (let line = readLine(); line !== undefined; line = readLine()) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parent writes nothing else
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

/** Loads the case, which is to be asked of from then on. */
async function prepare(): Promise<void> {
  const { suite } = (await import(suiteUrl)) as { suite: Suite }
  const group = suite.groups.find(({ name }) => name === groupName)
  if (group !== undefined) {
    const operation = await named(group.cases).prepare()
    await verify(operation, group.holds)
    answerTo = timing(new Meter(burstOf(operation, group.awaits), group.awaits))
    return
  }
  const retention = suite.retention.find(({ name }) => name === groupName)
  if (retention === undefined) throw new Error(`no group "${groupName}"`)
  const one = named(retention.cases)
  const operation = await one.prepare()
  answerTo = (command) =>
    kept(operation, command.do === 'kept' ? one.iterations * command.share : 0, one.awaits ?? false)
}

function named<C extends { readonly name: string }>(cases: readonly C[]): C {
  const found = cases.find(({ name }) => name === caseName)
  if (found === undefined) throw new Error(`no case "${caseName}" in the group "${groupName}"`)
  return found
}

/** A case that does not do the work would win. */
async function verify(
  operation: Operation,
  holds: ((result: unknown) => boolean) | undefined,
): Promise<void> {
  const result = await (typeof operation === 'object' ? operation.burst(1) : operation(0))
  if (holds !== undefined && !holds(result)) throw new Error('the operation did not do the work of its group')
}

function timing(meter: Meter): (command: Command) => unknown {
  return (command) => {
    if (command.do === 'warmUp') return meter.warmUp(command)
    return command.do === 'round' ? meter.round() : meter.allocated()
  }
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
