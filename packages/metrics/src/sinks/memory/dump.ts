/**
 * The text of a dump: one line a series, in the manner of go-metrics' signal handler, with names and labels as
 * JSON strings, so that no label value can forge a line.
 */

import type { MemoryData, MemoryInterval, MemorySeries } from './data.ts'

/** All intervals as text. */
export function dumpText(data: MemoryData): string {
  return data.intervals.map(intervalText).join('')
}

function intervalText(interval: MemoryInterval): string {
  const time = new Date(interval.start).toISOString()
  const line = (kind: string, series: MemorySeries, numbers: object): string => {
    const text = Object.entries(numbers).map(([name, value]) => `${name}: ${value}`)
    return `[${time}][${kind}] ${JSON.stringify(series.name)} ${escaped(series.labels)} ${text.join(' ')}\n`
  }
  return [
    ...interval.gauges.map((gauge) => line('G', gauge, { value: gauge.value })),
    ...interval.counters.map((counter) => line('C', counter, { sum: counter.sum, rate: counter.rate })),
    ...interval.histograms.map((histogram) => {
      const { count, sum, rate, min, max, mean, stddev } = histogram
      return line('H', histogram, { count, sum, rate, min, max, mean, stddev })
    }),
  ].join('')
}

/** JSON leaves DEL, C1 controls and the Unicode line ends as they are; a terminal does not. */
function escaped(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(labels).replace(
    /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
