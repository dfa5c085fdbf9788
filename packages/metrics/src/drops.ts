/**
 * What was dropped, and why. These are plain numbers rather than an instrument, because every instrument needs
 * them: the registry publishes them as the counter `kit.metrics.dropped`, which every sink shows.
 */

const reasons = [
  'bad_value',
  'bad_labels',
  'bad_name',
  'conflict',
  'overflow',
  'label_truncated',
  'observable_failed',
  'stream_lag',
  'line_too_long',
  'unsendable',
  'undelivered',
] as const

/**
 * Why something was not recorded as asked.
 *
 * - `bad_value`: not a finite number, negative for a counter, or below the range of a histogram
 * - `bad_labels`: a label is missing, unknown, or neither a string, a number nor a boolean; a verb gave one name
 *   more than 16 labels
 * - `bad_name`: a name given to a verb (`incrCounter` and its like) is no metric name, or under `kit.metrics.`
 * - `conflict`: a verb used a name that belongs to another kind of metric
 * - `overflow`: a label set over the budget went to the overflow series (or, from an observable, nowhere)
 * - `label_truncated`: a label value was longer than 1,024 characters and was cut
 * - `observable_failed`: the function of an observable threw or returned something else than numbers
 * - `stream_lag`: a reader of a memory sink's stream was too slow and missed an interval
 * - `line_too_long`: a line of a StatsD sink fitted into no packet
 * - `unsendable`: the dialect of a StatsD sink cannot say it, as a timer cannot say a negative sample
 * - `undelivered`: a series of which a StatsD sink had something to tell when it stopped, or could not remember it
 */
export type DropReason = (typeof reasons)[number]

/** Counts of what was dropped, by reason. */
export class Drops {
  readonly #counts: Record<DropReason, number> = {
    bad_value: 0,
    bad_labels: 0,
    bad_name: 0,
    conflict: 0,
    overflow: 0,
    label_truncated: 0,
    observable_failed: 0,
    stream_lag: 0,
    line_too_long: 0,
    unsendable: 0,
    undelivered: 0,
  }

  /** Adds to one reason. */
  count(reason: DropReason, amount: number = 1): void {
    this.#counts[reason] += amount
  }

  /** The counts as an observable reports them. */
  read(): [{ reason: DropReason }, number][] {
    return reasons.map((reason) => [{ reason }, this.#counts[reason]])
  }
}
