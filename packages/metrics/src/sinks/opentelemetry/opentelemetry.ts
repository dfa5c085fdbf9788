/**
 * The OpenTelemetry sink: the metrics as OpenTelemetry's SDK collects them, for any of its readers and exporters.
 * Nothing of OpenTelemetry is imported; the SDK's major versions 2 and 3 both fit.
 */

import { MetricsError } from '../../errors.ts'
import { checkOptions } from '../../options.ts'
import type { MetricSource, Sink } from '../../sink.ts'
import { Producer } from './producer.ts'
import { resolveResource, type ResolvedResource, type ResourceLike } from './resource.ts'
import { resolveTemporality } from './temporality.ts'
import type { FlushableLike, MetricReaderLike, OtelMetricProducer, TemporalitySelector } from './types.ts'

/** What is reported beside the metrics. */
export interface OpenTelemetryOptions {
  /**
   * What the metrics tell about: attributes such as `{ 'service.name': 'shop' }`, which are laid over those of the
   * variables `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or a `Resource` of OpenTelemetry, which is taken as it
   * is. Without a name the service is `unknown_service:node`. A `MeterProvider` uses its own resource instead.
   */
  readonly resource?: ResourceLike | undefined
}

/** What one reader is told. */
export interface ProducerOptions {
  /**
   * 'cumulative' (the default): totals since a series came to be. 'delta': what happened since this reader's last
   * collection. Or the reader's exporter, or the reader, to be asked what it prefers: once, for the instrument types
   * `COUNTER` and `HISTOGRAM`. `connect` asks the reader unless this is given.
   */
  readonly temporality?: 'cumulative' | 'delta' | TemporalitySelector | undefined
  /**
   * How histograms are told that have `native` buckets: as exponential histograms ('native', the default), or with
   * the bounds that they declare ('classic'), for a back end that takes no exponential ones.
   */
  readonly buckets?: 'native' | 'classic' | undefined
}

/**
 * A sink that OpenTelemetry's readers collect from, each with a producer of its own.
 *
 * Counters are monotonic sums, gauges gauges, and histograms have explicit buckets, or exponential ones where they are
 * `native`. Each series starts when it came to be, or at the reader's collection before, for deltas. Labels are string
 * attributes; absent ones ('') are left out. Exemplars are too: the SDK's data points have no field for them. `min` and
 * `max` are told where they are known: by `native` histograms, and in a delta where they moved since the last one.
 * The `sum` of a histogram whose first bound is negative is left out, as the data model asks.
 *
 * A delta is told once. A series without news is left out of it; one that vanishes is told once more if something was
 * recorded into it before. When the export of a delta fails, the SDK drops the batch, and what it told is lost;
 * {@link redelivering} makes good for that. A failed cumulative export loses nothing: the next one tells it all.
 *
 * Where an instrument has a `ttlMs`, it should be longer than the time between collections: a series that comes and goes
 * within it is seen by no reader.
 *
 * A collection takes, in one go, about 1 µs a counter (2 µs as a delta), 6 µs a histogram and 20 to 35 µs a `native` one.
 * Each producer remembers the last numbers of every series.
 */
export interface OpenTelemetrySink extends Sink {
  /**
   * Binds a reader to this sink, without a `MeterProvider`, and returns the reader. From then on it belongs to the
   * sink: `metrics.flush()` flushes it, and when the metrics shut down, or the sink is detached, it is flushed and shut
   * down. It may be connected before or after the sink is attached. Throws what the reader throws if it is bound
   * already, `KIT_METRIC_SINK_DETACHED` once the sink has stopped, and `KIT_METRIC_OPTION_INVALID` or
   * `KIT_METRIC_OPTION_UNKNOWN` for options that make no sense.
   */
  connect<R extends MetricReaderLike>(reader: R, options?: ProducerOptions): R
  /**
   * A producer for exactly one reader, for its option `metricProducers` beside a `MeterProvider`. `collect` never
   * rejects; failures are in its `errors`, such as `KIT_METRIC_SINK_DETACHED` before the sink is attached. After
   * shutdown it goes on telling the final numbers; after a detachment it tells what was due then, once. Throws
   * `KIT_METRIC_OPTION_INVALID` or `KIT_METRIC_OPTION_UNKNOWN` for options that make no sense.
   */
  producer(options?: ProducerOptions): OtelMetricProducer
  /**
   * Has `metrics.flush()` and `metrics.shutdown()` force-flush also what you own, such as the `MeterProvider` whose
   * readers have producers of this sink. It is not shut down: do that after the metrics.
   */
  flushWith(target: FlushableLike): void
}

/**
 * Creates a sink for OpenTelemetry; attach it to the metrics that it shall tell of. Throws `KIT_METRIC_OPTION_INVALID` or
 * `KIT_METRIC_OPTION_UNKNOWN`. A malformed `OTEL_RESOURCE_ATTRIBUTES` is ignored as a whole, and is among the `errors` of
 * each producer's first collection.
 */
export function opentelemetry(options: OpenTelemetryOptions = {}): OpenTelemetrySink {
  checkOptions('opentelemetry', options, ['resource'])
  return new OpenTelemetry(resolveResource(options.resource, process.env))
}

class OpenTelemetry implements OpenTelemetrySink {
  readonly name = 'opentelemetry'
  readonly #resource: ResolvedResource
  readonly #producers: Producer[] = []
  readonly #readers: MetricReaderLike[] = []
  readonly #others: FlushableLike[] = []
  #source: MetricSource | undefined
  #stopped = false

  constructor(resource: ResolvedResource) {
    this.#resource = resource
  }

  start(source: MetricSource): void {
    if (this.#source !== undefined || this.#stopped) {
      throw new MetricsError(
        'KIT_METRIC_SINK_INVALID',
        'opentelemetry: this sink was attached already; create another',
      )
    }
    this.#source = source
    for (const producer of this.#producers) producer.attach(source)
  }

  connect<R extends MetricReaderLike>(reader: R, options: ProducerOptions = {}): R {
    if (this.#stopped) {
      throw new MetricsError(
        'KIT_METRIC_SINK_DETACHED',
        'opentelemetry: this sink has stopped; connect readers to one that is attached',
      )
    }
    const producer = this.#create({ ...options, temporality: options.temporality ?? reader })
    reader.setMetricProducer(producer)
    this.#readers.push(reader)
    this.#producers.push(producer)
    return reader
  }

  producer(options: ProducerOptions = {}): OtelMetricProducer {
    const producer = this.#create(options)
    this.#producers.push(producer)
    return producer
  }

  flushWith(target: FlushableLike): void {
    this.#others.push(target)
  }

  async flush(timeoutMs: number): Promise<void> {
    const targets = [...this.#readers, ...this.#others]
    await all(targets.map(async (target) => target.forceFlush(limitOf(timeoutMs))))
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true
    const source = this.#source
    try {
      await all(this.#readers.splice(0).map(async (reader) => reader.shutdown(limitOf(timeoutMs))))
    } finally {
      if (source?.ended !== true) {
        this.#source = undefined
        for (const producer of this.#producers.splice(0)) producer.detach()
      }
    }
  }

  #create(options: ProducerOptions): Producer {
    checkOptions('opentelemetry', options, ['temporality', 'buckets'])
    const buckets = options.buckets ?? 'native'
    if (buckets !== 'native' && buckets !== 'classic') {
      throw new MetricsError(
        'KIT_METRIC_OPTION_INVALID',
        "opentelemetry: the buckets are 'native' or 'classic'",
      )
    }
    const producer = new Producer(this.#resource, resolveTemporality(options.temporality), buckets)
    if (this.#source !== undefined) producer.attach(this.#source)
    return producer
  }
}

/** Nobody waits, or nobody minds: the SDK knows no such times, and without one it waits for as long as it takes. */
function limitOf(timeoutMs: number): { timeoutMillis?: number } {
  return timeoutMs > 0 && timeoutMs < Infinity ? { timeoutMillis: timeoutMs } : {}
}

/** Waits for all, then rejects with the first failure, if there was one. */
async function all(running: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(running)) {
    if (result.status === 'rejected') throw result.reason
  }
}
