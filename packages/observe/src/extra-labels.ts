/**
 * Labels of the user's own beside `function` and `outcome`. Their names are known when they first come; the instruments
 * are open, so each new name is declared once and the series of other functions stay as they are. Labels that cannot be
 * taken are dropped and counted, and their call is counted without them.
 */

import type { Counter, Metrics } from '@kit/metrics'
import { MetricsError } from '@kit/metrics'

type Reason = 'labels_threw' | 'bad_labels'

/** How many names are looked at; a function that brings more makes them up from data. */
const maxNames = 64

/** Checks the labels of one function's calls, and makes their names known. */
export class ExtraLabels {
  readonly #metrics: Metrics
  readonly #own: readonly string[]
  readonly #names = new Map<string, boolean>()
  readonly #drops: Counter<'reason'>

  constructor(metrics: Metrics, own: readonly string[]) {
    this.#metrics = metrics
    this.#own = own
    this.#drops = metrics.counter('kit.observe.dropped', {
      help: "Labels of wrapped functions' calls that were not recorded.",
      labels: ['reason'],
    })
  }

  /** A copy of the labels; undefined, and counted, when one of them cannot be taken. Never throws. */
  accept(labels: unknown): Record<string, string | number | boolean> | undefined {
    try {
      if (typeof labels !== 'object' || labels === null) throw new TypeError('labels are an object')
      const taken: Record<string, string | number | boolean> = {}
      for (const [name, value] of Object.entries(labels)) {
        if (!isLabelValue(value) || !this.#isKnown(name)) throw new TypeError('no label')
        taken[name] = value
      }
      return taken
    } catch {
      this.drop('bad_labels')
      return undefined
    }
  }

  /** Counts labels that could not be had. */
  drop(reason: Reason): void {
    this.#drops.inc({ reason })
  }

  #isKnown(name: string): boolean {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    if (this.#names.size >= maxNames) return false
    this.#names.set(name, this.#declare(name))
    return this.#isKnown(name)
  }

  #declare(name: string): boolean {
    if (this.#own.includes(name)) return false
    try {
      const labels = [...this.#own, name]
      this.#metrics.counter<string>('function.calls', { labels, open: true })
      this.#metrics.histogram<string>('function.duration', { labels, unit: 's', open: true })
      return true
    } catch (error) {
      if (error instanceof MetricsError) return false
      throw error // a full stack says nothing about the name
    }
  }
}

function isLabelValue(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
