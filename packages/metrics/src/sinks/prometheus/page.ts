/**
 * The page of one format: what was rendered for each series is kept, so that a scrape formats only the numbers
 * that changed, and long pages are made in slices, so that no scrape holds up the event loop.
 *
 * The page keeps its own text once: as much memory as the page is long.
 */

import type { HistogramSeries, MetricSource, NumberSeries, SourceInstrument } from '../../sink.ts'
import type { ExpositionFormat } from './negotiate.ts'
import {
  bucketEnds,
  createdLine,
  familyName,
  header,
  histogramLines,
  labelText,
  numberPrefix,
  numberText,
} from './text.ts'

/** A slice ends when it has so many characters: some tens of microseconds of work. */
const sliceLength = 65_536

type Series = NumberSeries | HistogramSeries

interface Row {
  readonly series: Series
  /** The labels that `start` and `end` were made of: another array when the instrument got more label names. */
  readonly labelValues: readonly string[]
  /** The braced name before a number, the bare labels of a histogram. */
  readonly start: string
  /** The line that tells when the series started, or nothing. */
  readonly end: string
  /** A gauge's or counter's value, a histogram's count: what tells that `text` is out of date. */
  seen: number
  text: string
}

/** Renders one format, again and again. */
export class Page {
  readonly #format: ExpositionFormat
  readonly #prefix: string
  #families = new Map<SourceInstrument, Family>()

  constructor(format: ExpositionFormat, prefix: string) {
    this.#format = format
    this.#prefix = prefix
  }

  /** The whole page, in slices of about 64 kB that were made in turns of their own. */
  async render(source: MetricSource): Promise<string[]> {
    source.collect()
    const slices: string[] = []
    const families = new Map<SourceInstrument, Family>()
    let parts: string[] = []
    let length = 0
    for (const instrument of source.instruments()) {
      const family = this.#families.get(instrument) ?? createFamily(this.#format, this.#prefix, instrument)
      families.set(instrument, family)
      const series = instrument.series()
      const rows = new RowFinder(family)
      if (series.length > 0) parts.push(family.header)
      for (const one of series) {
        const row = rows.next(one)
        const seen = family.read(one)
        if (row.seen !== seen) {
          row.seen = seen
          row.text = family.write(row)
        }
        parts.push(row.text)
        length += row.text.length
        if (length >= sliceLength) {
          slices.push(parts.join(''))
          parts = []
          length = 0
          // One slice a turn is the point.
          // oxlint-disable-next-line no-await-in-loop
          await nextTurn()
        }
      }
      family.rows = rows.found
    }
    this.#families = families
    if (this.#format === 'openmetrics') parts.push('# EOF\n')
    slices.push(parts.join(''))
    return slices
  }
}

interface Family {
  readonly header: string
  rows: readonly Row[]
  /** A row for a series that has none. */
  create(series: Series): Row
  /** What tells whether a series changed. */
  read(series: Series): number
  /** All lines of a row's series. */
  write(row: Row): string
}

function createFamily(format: ExpositionFormat, prefix: string, instrument: SourceInstrument): Family {
  const name = familyName(prefix, instrument)
  const { kind } = instrument
  const labelsOf = (series: Series): string => labelText(instrument.labelNames, series.labelValues)
  const row = (series: Series, start: string, labels: string): Row => {
    // No reading is NaN, so a new row is written at once.
    const { labelValues } = series
    const end = createdLine(format, name, kind, labels, series)
    return { series, labelValues, start, end, seen: NaN, text: '' }
  }
  const shared = { header: header(format, name, instrument), rows: [] }
  if (kind === 'histogram') {
    const ends = bucketEnds(format, instrument.bounds)
    return {
      ...shared,
      create: (series) => row(series, labelsOf(series), labelsOf(series)),
      read: (series) => (series as HistogramSeries).count,
      write: ({ series, start, end }) =>
        histogramLines(format, name, ends, start, instrument, series as HistogramSeries) + end,
    }
  }
  return {
    ...shared,
    create: (series) => row(series, numberPrefix(name, kind, labelsOf(series)), labelsOf(series)),
    read: (series) => (series as NumberSeries).value,
    write: ({ start, seen, end }) => [start, numberText(seen), '\n', end].join(''),
  }
}

/** Finds the kept row of each series: by position as long as series were only added, by identity after that. */
class RowFinder {
  readonly found: Row[] = []
  readonly #family: Family
  readonly #kept: readonly Row[]
  #byIdentity: Map<Series, Row> | undefined

  constructor(family: Family) {
    this.#family = family
    this.#kept = family.rows
  }

  next(series: Series): Row {
    let row = this.#kept[this.found.length]
    if (row !== undefined && row.series !== series) {
      this.#byIdentity ??= new Map(this.#kept.map((kept) => [kept.series, kept]))
    }
    if (this.#byIdentity !== undefined) row = this.#byIdentity.get(series)
    if (row?.labelValues !== series.labelValues) row = this.#family.create(series)
    this.found.push(row)
    return row
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
