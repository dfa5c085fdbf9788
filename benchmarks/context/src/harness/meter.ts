/*
 * Measures one case inside its process. A round is a number of bursts of about a quarter of a millisecond, each followed
 * by a turn of the event loop, which is part of the time: weak references, finalizers and overdue timers are dealt with
 * there, and whoever makes them has to pay. Pieces of the control lie between the segments of a round.
 */
import { getHeapStatistics } from 'node:v8'
import type { Burst } from './burst.ts'
import { enter, turn } from './burst.ts'
import { control } from './control.ts'
import type { Circumstances } from './disturbance.ts'
import { emptyYoungGeneration } from './heap.ts'
import { median } from './statistics.ts'

/** How long things take, in milliseconds. */
export interface Durations {
  readonly warmUpMs: number
  readonly roundMs: number
}

/** What one round found. */
export interface Round extends Circumstances {
  /** Nanoseconds an operation. */
  readonly ns: number
}

const burstMs = 0.25
const segments = 5
/** Allocations are counted over about so many bytes: few enough that the young generation need not be collected. */
const sampleBytes = 200_000
const growthSamples = 9

/** The measuring of one case. */
export class Meter {
  readonly #burst: Burst
  /** The operations in a burst are a multiple of this. */
  readonly #unit: number
  readonly #awaits: boolean
  #count: number
  #burstsPerSegment = 1

  constructor(burst: Burst, awaits: number | undefined) {
    this.#burst = burst
    this.#unit = this.#count = awaits ?? 1
    this.#awaits = awaits !== undefined
  }

  /** Lets the compiler do its work and finds out how many operations make a burst, and how many bursts a round. */
  async warmUp({ warmUpMs, roundMs }: Durations): Promise<void> {
    const end = performance.now() + warmUpMs
    while (performance.now() < end) {
      const took = await this.#time(() => this.#run(this.#count))
      if (took < burstMs / 2) this.#count *= 2
      else if (took > burstMs * 2 && this.#count > this.#unit) this.#count /= 2
      await turn()
      control()
    }
    const bursts: number[] = []
    for (let i = 0; i < 9; i++) bursts.push(await this.#time(() => this.#run(this.#count)))
    const units = Math.round(((this.#count / this.#unit) * burstMs) / median(bursts))
    this.#count = Math.max(1, units) * this.#unit
    const whole: number[] = []
    for (let i = 0; i < 9; i++) whole.push(await this.#time(() => this.#bursts(1)))
    this.#burstsPerSegment = Math.max(1, Math.round(roundMs / segments / median(whole)))
  }

  /** One round. */
  async round(): Promise<Round> {
    let elapsed = 0
    const began = performance.now()
    const usedBefore = process.cpuUsage()
    let controlNs = control()
    for (let segment = 0; segment < segments; segment++) {
      const start = performance.now()
      // The process stood still since its last round: what fell due since then is dealt with, and timed, first.
      if (segment === 0) await turn()
      await this.#bursts(this.#burstsPerSegment)
      elapsed += performance.now() - start
      controlNs += control()
    }
    const operations = segments * this.#burstsPerSegment * this.#count
    const { user, system } = process.cpuUsage(usedBefore)
    const idle = Math.max(0, 1 - (user + system) / 1000 / (performance.now() - began))
    return { ns: (elapsed * 1e6) / operations, control: controlNs, idle }
  }

  /** Bytes that an operation allocates on the heap, whether they stay or not; undefined where it is too many to tell. */
  async allocated(): Promise<number | undefined> {
    let count = 1
    let growth = await this.#growth(count)
    while (growth < sampleBytes / 4 && count < this.#count) {
      count *= growth < sampleBytes / 16 ? 4 : 2
      growth = await this.#growth(count)
    }
    // Once more: what was seen on the way may be a compiler's.
    const each = ((await this.#growth(count)) - (await this.#growth(0))) / count
    return each * count > sampleBytes * 2 || each < 0 ? undefined : each
  }

  /** The growth of the heap over so many operations and a turn: the median, as code may be compiled meanwhile. */
  async #growth(count: number): Promise<number> {
    const growths: number[] = []
    for (let i = 0; i < growthSamples; i++) {
      emptyYoungGeneration()
      const before = getHeapStatistics().used_heap_size
      await this.#run(count)
      await turn()
      growths.push(getHeapStatistics().used_heap_size - before)
    }
    return median(growths)
  }

  async #bursts(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (this.#awaits) await enter(this.#burst, this.#count)
      else enter(this.#burst, this.#count)
      await turn()
    }
  }

  async #run(count: number): Promise<void> {
    if (this.#awaits) await enter(this.#burst, count)
    else enter(this.#burst, count)
  }

  async #time(work: () => Promise<void>): Promise<number> {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
}
