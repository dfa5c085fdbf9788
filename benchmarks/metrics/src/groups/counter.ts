/* Counting: in one series without labels, in several through kept handles, and in several by labels given each time. */
import { inTurn, labelNames, labelSets, several } from '../labels.ts'
import { hotShots, kitCounter, kitMetrics, openTelemetry, otelMeter, promClients } from '../libraries.ts'
import type { FastGroup } from '../suite-types.ts'

const last = several - 1

const hotShotsCounters: FastGroup['cases'] = [false, true].map((aggregation) => ({
  name: `hot-shots, ${aggregation ? 'aggregated' : 'buffered'}`,
  async prepare() {
    const client = await hotShots(aggregation)
    return inTurn(labelSets(several), (labels) => client.increment('requests', 1, labels))
  },
}))

/** One series. */
export const counter: FastGroup = {
  name: 'counter',
  title: 'count in one series without labels',
  note: 'The floor adds to a field of an object. OpenTelemetry has its Prometheus exporter as reader.',
  allocations: [{ of: 'kit: inc', atMost: 0.5 }],
  cases: [
    {
      name: 'kit: inc',
      async prepare() {
        const requests = (await kitMetrics()).counter('requests')
        return () => requests.inc()
      },
    },
    {
      name: 'a field of an object (floor)',
      prepare() {
        const [cell] = doubles(1)
        return () => {
          cell!.value += 1
        }
      },
    },
    ...promClients.map(({ name, minimumNode, load }) => ({
      name,
      minimumNode,
      async prepare() {
        const { Counter, Registry } = await load()
        const requests = new Counter({ name: 'requests', help: 'h', registers: [new Registry()] })
        return () => requests.inc()
      },
    })),
    {
      ...openTelemetry,
      async prepare() {
        const requests = otelMeter().meter.createCounter('requests')
        return () => requests.add(1)
      },
    },
    {
      name: 'measured-core',
      async prepare() {
        const { Counter } = await import('measured-core')
        const requests = new Counter()
        return () => requests.inc()
      },
    },
    {
      name: 'hot-shots, buffered',
      async prepare() {
        const client = await hotShots()
        return () => client.increment('requests')
      },
    },
  ],
}

/** Handles that were taken once. */
export const counterBound: FastGroup = {
  name: 'counter-bound',
  title: `count in ${several} series with three labels, each through a handle that was taken before`,
  note:
    'OpenTelemetry and hot-shots have no handles: they are given the same labels each time. measured-core knows no ' +
    'labels, so it has a counter for each series.',
  targets: [
    { against: 'a field of an object (floor)', atLeast: 0.67 },
    { against: 'prom-client', atLeast: 50 },
    { against: 'hot-shots, buffered', atLeast: 100 },
  ],
  allocations: [{ of: 'kit: inc of a handle', atMost: 0.5 }],
  cases: [
    {
      name: 'kit: inc of a handle',
      async prepare() {
        const requests = await kitCounter()
        const handles = labelSets(several).map((labels) => requests.labels(labels))
        return (i) => handles[i & last]!.inc()
      },
    },
    {
      name: 'a field of an object (floor)',
      prepare() {
        const cells = doubles(several)
        return (i) => {
          cells[i & last]!.value += 1
        }
      },
    },
    ...promClients.map(({ name, minimumNode, load }) => ({
      name,
      minimumNode,
      async prepare() {
        const requests = await promCounter(load)
        const handles = labelSets(several).map(({ method, route, status }) =>
          requests.labels(method, route, status),
        )
        return (i: number) => handles[i & last]!.inc()
      },
    })),
    otelCounter(several),
    {
      name: 'measured-core',
      async prepare() {
        const { Counter } = await import('measured-core')
        const counters = Array.from({ length: several }, () => new Counter())
        return (i) => counters[i & last]!.inc()
      },
    },
    ...hotShotsCounters,
  ],
}

/** Labels by name, each time. */
export const counterLabels: FastGroup = {
  name: 'counter-labels',
  title: `count in ${several} series with three labels, given as an object each time`,
  note:
    'The objects exist before, unless the name says otherwise: what is compared is the look-up. Go’s client_golang ' +
    'takes 119 ns for three labels by position and 311 ns for a map; the target in nanoseconds is a third of the former.',
  targets: [
    { against: 'prom-client', atLeast: 7 },
    { against: 'OpenTelemetry', atLeast: 15 },
    { nanosecondsOf: 'kit: inc', atMost: 39.7 },
  ],
  allocations: [{ of: 'kit: inc', atMost: 0.5 }],
  cases: [
    kitByLabels(several),
    {
      name: 'kit: inc, a new object with a number in it',
      async prepare() {
        const requests = await kitCounter()
        const sets = labelSets(several)
        const statuses = sets.map(({ status }) => Number(status))
        return (i) => {
          const { method, route } = sets[i & last]!
          requests.inc({ method, route, status: statuses[i & last]! })
        }
      },
    },
    ...promByLabels(several),
    otelCounter(several),
    ...hotShotsCounters,
  ],
}

const tenThousand = 10_000

/** The same where the series do not fit into the nearest caches. */
export const counterLabelsOfMany: FastGroup = {
  name: 'counter-labels-10k',
  title: 'count in 10,000 series with three labels, given as an object each time',
  cases: [kitByLabels(tenThousand), ...promByLabels(tenThousand), otelCounter(tenThousand)],
}

/**
 * An object whose field holds a double, as kit's cells do. A literal would share its shape with others that have a
 * `value`, and with that their kind of field.
 */
class Double {
  value: number = 0.5

  constructor() {
    this.value = 0
  }
}

function doubles(count: number): Double[] {
  return Array.from({ length: count }, () => new Double())
}

async function promCounter(load: (typeof promClients)[number]['load']) {
  const { Counter, Registry } = await load()
  return new Counter({ name: 'requests', help: 'h', labelNames, registers: [new Registry()] })
}

function kitByLabels(count: number): FastGroup['cases'][number] {
  return {
    name: 'kit: inc',
    async prepare() {
      const requests = await kitCounter()
      return inTurn(labelSets(count), (labels) => requests.inc(labels))
    },
  }
}

function promByLabels(count: number): FastGroup['cases'] {
  return promClients.map(({ name, minimumNode, load }) => ({
    name,
    minimumNode,
    async prepare() {
      const requests = await promCounter(load)
      return inTurn(labelSets(count), (labels) => requests.inc(labels))
    },
  }))
}

function otelCounter(count: number): FastGroup['cases'][number] {
  return {
    ...openTelemetry,
    async prepare() {
      const requests = otelMeter().meter.createCounter('requests')
      return inTurn(labelSets(count), (labels) => requests.add(1, labels))
    },
  }
}
