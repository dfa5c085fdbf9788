/**
 * Registries of prom-client or @prometheus-io/client whose metrics stand on the page after ours. Each of their metrics
 * is asked by itself and within a time limit, so that one that throws or hangs is the only one missing.
 */

import { clock } from '@kit/context'
import type { DropReason } from '../../drops.ts'
import { MetricsError } from '../../errors.ts'
import { checkDuration } from '../../options.ts'
import type { MetricSource } from '../../sink.ts'
import { defaultLabelsOf, exposedBySink, speaksOpenMetrics, type MergeableRegistry } from './foreign.ts'
import { foreignHeader, foreignLines, readFamily, type ForeignFamily } from './foreign-family.ts'
import type { ExpositionFormat } from './negotiate.ts'
import type { Slices } from './slices.ts'

/** How a foreign registry is merged. */
export interface MergeOptions {
  /**
   * How long their metrics may take to answer, in milliseconds; 750 by default, so that a page comes within a second.
   * All are asked at the same time.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Told what is missing from the page, once for each metric and reason until it is well again. What it throws is
   * ignored.
   */
  readonly onProblem?: ((problem: MergeProblem) => void) | undefined
}

/** Why something of a foreign metric is not on the page. */
export interface MergeProblem {
  /** The name of their metric; '' when the registry itself failed. */
  readonly metric: string
  /**
   * `conflict`: a name, or a series, is on the page already. `observable_failed`: it threw or took too long.
   * `bad_name`, `bad_labels`, `bad_value`: no page may hold what it answered. Each is also counted as a drop.
   */
  readonly reason: DropReason
  /** What it threw. */
  readonly error: unknown
}

type Report = (metric: string, reason: DropReason, error?: unknown) => void

/** A family of theirs, with whom to tell when it cannot be shown. */
interface Found {
  readonly family: ForeignFamily
  readonly report: Report
}

/** All registries that are merged into one sink. */
export class MergedRegistries {
  readonly #all = new Map<MergeableRegistry, MergedRegistry>()

  /** Adds a registry, and returns its removal. Throws for what is no registry, or is merged already. */
  add(registry: MergeableRegistry, options: MergeOptions): () => void {
    const timeoutMs = checkDuration('mergeWith: timeoutMs', options.timeoutMs, 750)
    if (typeof (registry as Partial<MergeableRegistry> | null)?.getMetricsAsArray !== 'function') {
      throw new MetricsError(
        'KIT_METRIC_OPTION_INVALID',
        'mergeWith: a registry has the method getMetricsAsArray(), like those of prom-client',
      )
    }
    if (this.#all.has(registry)) {
      throw new MetricsError('KIT_METRIC_OPTION_INVALID', 'mergeWith: this registry is merged already')
    }
    const merged = new MergedRegistry(registry, timeoutMs, options.onProblem)
    this.#all.set(registry, merged)
    return () => {
      if (this.#all.get(registry) === merged) this.#all.delete(registry)
    }
  }

  get isEmpty(): boolean {
    return this.#all.size === 0
  }

  /** Asks all metrics of all registries. Never rejects. */
  async collect(source: MetricSource): Promise<readonly Found[]> {
    return (await Promise.all([...this.#all.values()].map((merged) => merged.collect(source)))).flat()
  }

  /** Writes what was found, but for families with a name that is taken. Adds their names to those taken. */
  async write(
    found: readonly Found[],
    format: ExpositionFormat,
    taken: Set<string>,
    slices: Slices,
  ): Promise<void> {
    for (const { family, report } of found) {
      if (family.taken.some((name) => taken.has(name))) {
        report(family.textName, 'conflict')
        continue
      }
      for (const name of family.taken) taken.add(name)
      slices.out.text(foreignHeader(format, family))
      for (const series of family.series) {
        slices.out.text(foreignLines(format, family, series))
        if (slices.isFull) await slices.next()
      }
    }
  }
}

interface Asked {
  readonly name: string
  readonly answer: unknown
  readonly failed: boolean
}

class MergedRegistry {
  readonly #registry: MergeableRegistry
  readonly #timeoutMs: number
  readonly #onProblem: ((problem: MergeProblem) => void) | undefined
  /** The metrics that have not answered yet, however long ago they were asked: they are not asked again. */
  readonly #asking = new Set<object>()
  /** What the last page told of, and what this one does. */
  #told = new Set<string>()
  #telling = new Set<string>()

  constructor(
    registry: MergeableRegistry,
    timeoutMs: number,
    onProblem: ((problem: MergeProblem) => void) | undefined,
  ) {
    this.#registry = registry
    this.#timeoutMs = timeoutMs
    this.#onProblem = onProblem
  }

  async collect(source: MetricSource): Promise<Found[]> {
    this.#told = this.#telling
    this.#telling = new Set()
    const report: Report = (metric, reason, error) => {
      source.drop(reason)
      this.#tell({ metric, reason, error })
    }
    const found: Found[] = []
    for (const { name, answer, failed } of await this.#askAll(report)) {
      if (failed) {
        report(name, 'observable_failed', answer)
        continue
      }
      try {
        const family = readFamily(
          answer,
          defaultLabelsOf(this.#registry),
          speaksOpenMetrics(this.#registry),
          (reason) => report(name, reason),
        )
        if (family !== undefined) found.push({ family, report })
      } catch (error) {
        report(name, 'observable_failed', error)
      }
    }
    return found
  }

  async #askAll(report: Report): Promise<Asked[]> {
    let metrics: object[]
    try {
      metrics = this.#registry.getMetricsAsArray().filter((metric) => !(exposedBySink in metric))
    } catch (error) {
      report('', 'observable_failed', error)
      return []
    }
    if (metrics.length === 0) return []
    let expire = (): void => {}
    const expired = new Promise<void>((resolve) => {
      expire = resolve
    })
    // Kept alive on purpose: whoever awaits a page must get one. It is bounded.
    const timer = clock.setTimer(this.#timeoutMs, expire, { ref: true })
    const answers = await Promise.all(
      metrics.map((metric) => {
        const name = nameOf(metric)
        const hung: Asked = { name, answer: undefined, failed: true }
        const late = expired.then(() => hung)
        return this.#asking.has(metric)
          ? Promise.resolve(hung)
          : Promise.race([this.#ask(metric, name), late])
      }),
    )
    timer.cancel()
    return answers
  }

  async #ask(metric: object, name: string): Promise<Asked> {
    this.#asking.add(metric)
    try {
      const answer = await (metric as { get(): unknown }).get()
      return { name, answer, failed: false }
    } catch (error) {
      return { name, answer: error, failed: true }
    } finally {
      this.#asking.delete(metric)
    }
  }

  #tell(problem: MergeProblem): void {
    const key = `${problem.reason} ${problem.metric}`
    const known = this.#told.has(key) || this.#telling.has(key)
    this.#telling.add(key)
    if (known) return
    try {
      this.#onProblem?.(problem)
    } catch {
      // as documented
    }
  }
}

function nameOf(metric: object): string {
  try {
    const { name } = metric as { name?: unknown }
    return typeof name === 'string' ? name : ''
  } catch {
    return ''
  }
}
