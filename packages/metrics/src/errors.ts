/**
 * The errors of this package. They are thrown only while metrics are being set up; recording a value never
 * throws, it counts a drop.
 */

/** Every code a {@link MetricsError} can carry. The set is closed: adding one is a change of the public API. */
export type MetricsErrorCode =
  | 'KIT_METRIC_NAME_INVALID'
  | 'KIT_METRIC_LABEL_INVALID'
  | 'KIT_METRIC_UNIT_INVALID'
  | 'KIT_METRIC_BUCKETS_INVALID'
  | 'KIT_METRIC_CONFLICT'
  | 'KIT_METRIC_FILTER_INVALID'
  | 'KIT_METRIC_OPTION_UNKNOWN'
  | 'KIT_METRIC_OPTION_INVALID'
  | 'KIT_METRIC_SINK_INVALID'
  | 'KIT_METRIC_SINK_DETACHED'
  | 'KIT_METRIC_SHUT_DOWN'

/** A mistake in setting up metrics. `code` is stable; the message says what to change. */
export class MetricsError extends Error {
  override readonly name: string = 'MetricsError'
  /** What went wrong, for programs. */
  readonly code: MetricsErrorCode

  constructor(code: MetricsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
