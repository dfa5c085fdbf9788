/* Observing a duration, in the same three ways, and what a histogram's options cost. */
import { durations, fourteenBuckets, inTurn, labelNames, labelSets, manyValues, several } from '../labels.ts'
import { kitHistogram, kitMetrics, openTelemetry, otelMeter, promClients } from '../libraries.ts'
import type { FastGroup } from '../suite-types.ts'

const last = several - 1
const lastValue = manyValues - 1
const note =
  'Durations from a millisecond to twelve seconds in no order. measured-core has no buckets but keeps a sample of 1,028 ' +
  'values.'

/** One series. */
export const histogram: FastGroup = {
  name: 'histogram',
  title: 'observe in one series without labels, 14 buckets',
  note,
  allocations: [{ of: 'kit: observe', atMost: 0.5 }],
  cases: [
    {
      name: 'kit: observe',
      async prepare() {
        const values = durations()
        const duration = (await kitMetrics()).histogram('request.duration', { unit: 's' })
        return (i) => duration.observe(values[i & lastValue]!)
      },
    },
    ...promClients.map(({ name, minimumNode, load }) => ({
      name,
      minimumNode,
      async prepare() {
        const { Histogram, Registry } = await load()
        const values = durations()
        const registers = [new Registry()]
        const duration = new Histogram({ name: 'd', help: 'h', buckets: fourteenBuckets, registers })
        return (i: number) => duration.observe(values[i & lastValue]!)
      },
    })),
    {
      ...openTelemetry,
      async prepare() {
        const values = durations()
        const duration = otelHistogram()
        return (i) => duration.record(values[i & lastValue]!)
      },
    },
    {
      name: 'measured-core',
      async prepare() {
        const { Histogram } = await import('measured-core')
        const values = durations()
        const duration = new Histogram()
        return (i) => duration.update(values[i & lastValue]!)
      },
    },
  ],
}

/** Handles that were taken once. */
export const histogramBound: FastGroup = {
  name: 'histogram-bound',
  title: `observe in ${several} series with three labels and 14 buckets, each through a handle that was taken before`,
  note: `${note} The floor adds to a sum and counts. OpenTelemetry has no handles.`,
  targets: [
    { against: 'prom-client', atLeast: 40 },
    { nanosecondsOf: 'kit: observe of a handle', atMost: 10 },
  ],
  allocations: [{ of: 'kit: observe of a handle', atMost: 0.5 }],
  cases: [
    {
      name: 'kit: observe of a handle',
      async prepare() {
        const values = durations()
        const duration = await kitHistogram(fourteenBuckets)
        const handles = labelSets(several).map((labels) => duration.labels(labels))
        return (i) => handles[i & last]!.observe(values[i & lastValue]!)
      },
    },
    {
      name: 'a sum and a count (floor)',
      prepare() {
        const values = durations()
        const cells = Array.from({ length: several }, () => new Float64Array(2))
        return (i) => {
          const cell = cells[i & last]!
          cell[0]! += values[i & lastValue]!
          cell[1]! += 1
        }
      },
    },
    ...promClients.map(({ name, minimumNode, load }) => ({
      name,
      minimumNode,
      async prepare() {
        const values = durations()
        const duration = await promHistogram(load)
        const handles = labelSets(several).map(({ method, route, status }) =>
          duration.labels(method, route, status),
        )
        return (i: number) => handles[i & last]!.observe(values[i & lastValue]!)
      },
    })),
    otelByLabels(),
  ],
}

/** Labels by name, each time. */
export const histogramLabels: FastGroup = {
  name: 'histogram-labels',
  title: `observe in ${several} series with three labels and 14 buckets, the labels given as an object each time`,
  note,
  allocations: [{ of: 'kit: observe', atMost: 0.5 }],
  targets: [
    { against: 'prom-client', atLeast: 7 },
    { against: 'OpenTelemetry', atLeast: 15 },
  ],
  cases: [
    {
      name: 'kit: observe',
      async prepare() {
        const values = durations()
        const duration = await kitHistogram(fourteenBuckets)
        return inTurn(labelSets(several), (labels, i) => duration.observe(labels, values[i & lastValue]!))
      },
    },
    ...promClients.map(({ name, minimumNode, load }) => ({
      name,
      minimumNode,
      async prepare() {
        const values = durations()
        const duration = await promHistogram(load)
        return inTurn(labelSets(several), (labels, i) => duration.observe(labels, values[i & lastValue]!))
      },
    })),
    otelByLabels(),
  ],
}

async function promHistogram(load: (typeof promClients)[number]['load']) {
  const { Histogram, Registry } = await load()
  const registers = [new Registry()]
  return new Histogram({ name: 'd', help: 'h', labelNames, buckets: fourteenBuckets, registers })
}

function otelHistogram() {
  const { meter } = otelMeter()
  return meter.createHistogram('d', { advice: { explicitBucketBoundaries: fourteenBuckets } })
}

function otelByLabels(): FastGroup['cases'][number] {
  return {
    ...openTelemetry,
    async prepare() {
      const values = durations()
      const duration = otelHistogram()
      return inTurn(labelSets(several), (labels, i) => duration.record(values[i & lastValue]!, labels))
    },
  }
}
