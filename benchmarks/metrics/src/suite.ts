/* All groups of this benchmark. Every child process imports this; the libraries are loaded by the cases. */
import { counter, counterBound, counterLabels, counterLabelsOfMany } from './groups/counter.ts'
import { counterWithFilter, counterWithSinks, histogramOptions, histogramWithSinks } from './groups/extras.ts'
import { cardinality, heapOfSeries } from './groups/heap.ts'
import { histogram, histogramBound, histogramLabels } from './groups/histogram.ts'
import { longestTurn, scrapes } from './groups/scrape.ts'
import { statsdFlush } from './groups/statsd.ts'
import type { MetricsSuite } from './suite-types.ts'

export const suite: MetricsSuite = {
  title: 'Metrics beside what people use instead',
  groups: [
    counter,
    counterBound,
    counterLabels,
    counterLabelsOfMany,
    histogram,
    histogramBound,
    histogramLabels,
    counterWithSinks,
    histogramWithSinks,
    counterWithFilter,
    histogramOptions,
  ],
  slow: [...scrapes, longestTurn, statsdFlush],
  retention: [...heapOfSeries, cardinality],
}
