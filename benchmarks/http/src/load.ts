/* The two ways to put a server under load: as much as it bears, and as much as was decided before. */
import { seededRandom } from '@kit-benchmarks/context/harness/order.js'
import { quantile } from '@kit-benchmarks/context/harness/statistics.js'
import type { Connection } from './connection.ts'

/** What came of {@link saturate}. */
export interface Saturated {
  readonly requests: number
  /** Until the last response. */
  readonly seconds: number
}

/**
 * Each connection sends its next request as soon as the last was answered, for `ms`. Meanwhile the process does not sleep:
 * the server would pay for waking it, the more often the slower it is.
 */
export function saturate(connections: readonly Connection[], ms: number): Promise<Saturated> {
  return new Promise((resolve) => {
    const start = performance.now()
    let requests = 0
    let open = connections.length
    let over = false
    const stayAwake = (): void => {
      over = performance.now() - start >= ms
      if (open > 0) setImmediate(stayAwake)
    }
    stayAwake()
    const again = (connection: Connection): void => {
      requests += 1
      if (!over) return connection.send()
      open -= 1
      if (open === 0) resolve({ requests, seconds: (performance.now() - start) / 1000 })
    }
    for (const connection of connections) {
      connection.onResponse = again
      connection.send()
    }
  })
}

/** What came of {@link arrive}, in ms. */
export interface Latencies {
  readonly requests: number
  readonly p50: number
  readonly p99: number
}

/**
 * Requests come at random, `rate` a second, whether or not the server keeps up; one that finds no free connection
 * waits. Latency counts from when a request was due, so a server that stalls pays for all that would have come.
 */
export function arrive(
  connections: readonly Connection[],
  { rate, ms, seed }: { rate: number; ms: number; seed: number },
): Promise<Latencies> {
  return new Promise((resolve) => {
    const random = seededRandom(seed)
    const free = [...connections]
    const waiting: number[] = []
    const latencies: number[] = []
    const start = performance.now()
    let next = 0
    const send = (connection: Connection, due: number): void => {
      connection.due = due
      connection.send()
    }
    for (const connection of connections) {
      connection.onResponse = () => {
        latencies.push(performance.now() - start - connection.due)
        const due = waiting.shift()
        if (due === undefined) free.push(connection)
        else send(connection, due)
      }
    }
    // Timers have a grain of a millisecond, many times what a request takes: so the clock is watched.
    const turn = (): void => {
      const now = performance.now() - start
      while (next <= now && next < ms) {
        const connection = free.pop()
        if (connection === undefined) waiting.push(next)
        else send(connection, next)
        next += (-Math.log(1 - random()) / rate) * 1000
      }
      if (next < ms || free.length < connections.length) setImmediate(turn)
      else
        resolve({ requests: latencies.length, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) })
    }
    turn()
  })
}
