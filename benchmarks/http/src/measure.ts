/*
 * Measures a group: a process for each subject, all alive at once, which get their rounds in turn, so that whatever slows
 * the machine for a while slows all of them. Comparisons are made within a pass and nowhere else.
 */
import type { NodeBinary } from '@kit-benchmarks/context/harness/nodes.js'
import { orders } from '@kit-benchmarks/context/harness/order.js'
import { median, pairedRatios, summarise } from '@kit-benchmarks/context/harness/statistics.js'
import type { Summary } from '@kit-benchmarks/context/harness/statistics.js'
import type { Latencies, Saturated } from './load.ts'
import type { Generator, Server } from './processes.ts'
import { startGenerator, startServer } from './processes.ts'
import type { Group, Subject } from './subjects.ts'

/** How long and how often. */
export interface MeasureOptions {
  readonly rounds: number
  readonly warmUpMs: number
  /** Of a round in which latencies are measured; those at full load are as many more as they are shorter. */
  readonly roundMs: number
  readonly seed: number
}

/**
 * Rounds at full load for one of latencies. A neighbour on the other hyperthread makes everything half as slow again, for
 * tenths of a second: what is to be compared must be closer together.
 */
export const slices = 8

/** What was found of a subject; comparisons are with the first subject of the group. */
export interface SubjectResult {
  readonly name: string
  readonly kind: Subject['kind']
  readonly skipped?: string
  /** Processor time of the server a request, µs. */
  readonly cpuUs?: Summary | undefined
  /** What comes on top of the first subject's. */
  readonly addedUs?: Summary | undefined
  /** Requests a second, of the rounds in which the server was saturated. */
  readonly throughput?: Summary | undefined
  /** Share of the first subject's throughput, of the passes in which both servers were saturated. */
  readonly kept?: Summary | undefined
  /** Share of the first subject's throughput that its processor time allows: the same question, without the noise. */
  readonly keptByCpu?: Summary | undefined
  /** Rounds at full load in which something else had the processor. */
  readonly disturbed?: number
  /** Latency at half of the first subject's throughput, ms from when a request was due. */
  readonly p99?: Summary | undefined
  readonly p99Ratio?: Summary | undefined
}

/** What was found of a group. */
export interface GroupResult {
  readonly name: string
  readonly title: string
  /** Requests a second of the latency rounds. */
  readonly rate: number
  readonly subjects: readonly SubjectResult[]
}

/** A server that used less of a processor than this while it was under full load did not have one for itself. */
const saturatedFrom = 0.9

interface SaturatedRound extends Saturated {
  readonly cpuUs: number
  /** Share of a processor that the server had. */
  readonly busy: number
}

interface Running {
  readonly subject: Subject
  readonly server: Server
  readonly saturated: SaturatedRound[]
  readonly latencies: Latencies[]
}

/** Measures a group on one Node. */
export async function measureGroup(
  group: Group,
  node: NodeBinary,
  options: MeasureOptions,
): Promise<GroupResult> {
  const generator = startGenerator()
  const running: Running[] = []
  try {
    for (const subject of group.subjects) {
      if (subject.skip?.(node.major) !== undefined) continue
      const server = await startServer(node, group.framework, subject.kind)
      running.push({ subject, server, saturated: [], latencies: [] })
    }
    for (const { server } of running) await saturatedRound(generator, server, group.path, options.warmUpMs)
    const sliced = { ...options, rounds: options.rounds * slices }
    await passes(running, sliced, async ({ server, saturated }) => {
      saturated.push(await saturatedRound(generator, server, group.path, options.roundMs / slices))
    })
    const rate = halfOf(running[0])
    const latencyRound = async (server: Server, pass: number): Promise<Latencies> => {
      const task = {
        port: server.port,
        path: group.path,
        ms: options.roundMs,
        rate,
        seed: options.seed + pass,
      }
      return (await generator.perform(task)) as Latencies
    }
    for (const { server } of running) await latencyRound(server, -1) // another way to ask: to be compiled first
    await passes(running, options, async ({ server, latencies }, pass) => {
      latencies.push(await latencyRound(server, pass))
    })
    const subjects = group.subjects.map((subject): SubjectResult => {
      const skipped = subject.skip?.(node.major)
      const { name, kind } = subject
      if (skipped !== undefined) return { name, kind, skipped }
      return { name, kind, ...found(running, subject) }
    })
    return { name: group.name, title: group.title, rate, subjects }
  } finally {
    generator[Symbol.dispose]() // first, as it takes the end of a server for a failure
    for (const { server } of running) server[Symbol.dispose]()
  }
}

async function passes(
  running: readonly Running[],
  { rounds, seed }: MeasureOptions,
  round: (one: Running, pass: number) => Promise<void>,
): Promise<void> {
  for (const [pass, order] of orders(running.length, rounds, seed).entries()) {
    for (const index of order) await round(running[index] as Running, pass)
  }
}

async function saturatedRound(
  generator: Generator,
  server: Server,
  path: string,
  ms: number,
): Promise<SaturatedRound> {
  const before = await server.cpuUs()
  const answer = await generator.perform({ port: server.port, path, ms })
  const cpuUs = (await server.cpuUs()) - before
  const { requests, seconds } = answer as Saturated
  return { requests, seconds, cpuUs: cpuUs / requests, busy: cpuUs / 1e6 / seconds }
}

/** Half of what the first subject bears when it has a processor for itself. */
function halfOf(first: Running | undefined): number {
  return Math.round(0.5e6 / median(first?.saturated.map(({ cpuUs }) => cpuUs) ?? []))
}

function found(running: readonly Running[], subject: Subject): Partial<SubjectResult> {
  const base = running[0]
  const own = running.find((one) => one.subject === subject)
  if (base === undefined || own === undefined) return {}
  const cpu = own.saturated.map((round) => round.cpuUs)
  const baseCpu = base.saturated.map((round) => round.cpuUs)
  const p99 = own.latencies.map((round) => round.p99)
  const result = {
    cpuUs: summarise(cpu),
    throughput: summarise(perSecond(own).filter((one) => one !== undefined)),
    disturbed: perSecond(own).filter((one) => one === undefined).length,
    p99: summarise(p99),
  }
  if (own === base) return result
  return {
    ...result,
    addedUs: summarise(cpu.map((us, pass) => us - (baseCpu[pass] ?? NaN))),
    kept: summarise(pairedRatios(perSecond(own), perSecond(base))),
    keptByCpu: summarise(pairedRatios(baseCpu, cpu)),
    p99Ratio: summarise(
      pairedRatios(
        p99,
        base.latencies.map((round) => round.p99),
      ),
    ),
  }
}

function perSecond({ saturated }: Running): (number | undefined)[] {
  return saturated.map(({ requests, seconds, busy }) =>
    busy >= saturatedFrom ? requests / seconds : undefined,
  )
}
