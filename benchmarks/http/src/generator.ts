/* The process that asks. It keeps its connections to each server from one round to the next, and ends with its parent. */
import { Connection } from './connection.ts'
import { arrive, saturate } from './load.ts'
import type { Latencies, Saturated } from './load.ts'

/** A round: saturating, or at a rate. */
export type Task = { readonly port: number; readonly path: string; readonly ms: number } & (
  | { readonly rate?: undefined }
  | { readonly rate: number; readonly seed: number }
)

/** What is answered to a {@link Task}. */
export type Answer = Saturated | Latencies

/** As many clients as a busy instance has behind a proxy. */
const connectionsEach = 64

const pools = new Map<number, Promise<Connection[]>>()

process.on('message', (task: Task) => void perform(task))
process.on('disconnect', () => process.exit())

async function perform(task: Task): Promise<void> {
  const connections = await poolOf(task.port, task.path)
  const answer: Answer =
    task.rate === undefined ? await saturate(connections, task.ms) : await arrive(connections, task)
  process.send?.(answer)
}

function poolOf(port: number, path: string): Promise<Connection[]> {
  const known = pools.get(port)
  if (known !== undefined) return known
  const opened = Promise.all(Array.from({ length: connectionsEach }, () => Connection.open(port, path)))
  pools.set(port, opened)
  return opened
}
