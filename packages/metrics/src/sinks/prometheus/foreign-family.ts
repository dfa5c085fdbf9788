/**
 * One metric of a foreign registry, read with suspicion: what a page may not hold is left out and counted, the rest
 * is written in the format that the page has.
 */

import type { DropReason } from '../../drops.ts'
import { foreignNames } from './foreign.ts'
import { checkForeignSeries, type ForeignSample, type ForeignType } from './foreign-series.ts'
import type { ExpositionFormat } from './negotiate.ts'
import { boundText, braced, exemplarText, floatText, header, labelPair } from './text.ts'

/** A metric that can be written. */
export interface ForeignFamily {
  /** Without `_total`. */
  readonly name: string
  /** As the text format has it: with `_total` if they spell it so. */
  readonly textName: string
  readonly type: ForeignType
  readonly help: string
  /** Every name that it takes on a page. */
  readonly taken: readonly string[]
  /** The samples, series by series. */
  readonly series: readonly (readonly ForeignSample[])[]
}

type Drop = (reason: DropReason) => void

const nameSyntax = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelSyntax = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/

/**
 * Reads what `get()` answered; undefined when nothing of it can be shown. `total` says that counters go by a name
 * without the `_total` that is theirs. May throw whatever reading a hostile object throws.
 */
export function readFamily(
  answer: unknown,
  defaultLabels: unknown,
  total: boolean,
  drop: Drop,
): ForeignFamily | undefined {
  const { name, help, type: stated, values } = answer as Record<string, unknown>
  if (typeof name !== 'string' || !nameSyntax.test(name)) {
    drop('bad_name')
    return undefined
  }
  const type = typeOf(stated)
  const series = new Map<string, ForeignSample[]>()
  const seen = new Set<string>()
  const defaults = entriesOf(defaultLabels)
  for (const value of (values ?? []) as Iterable<unknown>) {
    const sample = readSample(value, name, type, defaults, drop)
    if (sample === undefined) continue
    const labels = JSON.stringify(sample.labels)
    const key = `${sample.suffix} ${sample.bound} ${labels}`
    if (seen.has(key)) {
      drop('conflict')
      continue
    }
    seen.add(key)
    const group = series.get(labels)
    if (group === undefined) series.set(labels, [sample])
    else group.push(sample)
  }
  const good = [...series.values()].flatMap((group) => {
    const checked = checkForeignSeries(type, group)
    if (checked === undefined) drop('bad_value')
    return checked === undefined ? [] : [checked]
  })
  if (good.length === 0) return undefined
  const base = type === 'counter' ? name.replace(/_total$/, '') : name
  const textName = type === 'counter' && total ? `${base}_total` : name
  const taken = foreignNames(name, type)
  return {
    name: base,
    textName,
    type,
    help: typeof help === 'string' && help !== '' ? help : name,
    taken,
    series: good,
  }
}

/** The metadata lines of a family. */
export function foreignHeader(
  format: ExpositionFormat,
  { name, textName, type, help }: ForeignFamily,
): string {
  const metric = format === 'text' ? textName : name
  return header(format, metric, type === 'unknown' && format === 'text' ? 'untyped' : type, help, '')
}

/** All lines of one series of a family. */
export function foreignLines(
  format: ExpositionFormat,
  { name, textName, type }: ForeignFamily,
  series: readonly ForeignSample[],
): string {
  const base = format === 'text' ? textName : type === 'counter' ? `${name}_total` : name
  // OpenMetrics forbids the sum, and with it the count, where observations can be negative.
  const signed =
    type === 'histogram' &&
    series.some(({ suffix, bound, value }) => (suffix === '_sum' ? value : bound!) < 0)
  let text = ''
  for (const { suffix, labels, bound, value, exemplar } of series) {
    if (format === 'openmetrics' && signed && suffix !== '_bucket') continue
    const pairs = labels.map(([label, content]) => labelPair(label, content))
    if (bound !== undefined)
      pairs.push(labelPair(type === 'summary' ? 'quantile' : 'le', boundText(format, bound)))
    const mark =
      format === 'openmetrics' && exemplar !== undefined
        ? exemplarText(exemplar.labels, exemplar.value, exemplar.time)
        : ''
    text += `${base}${suffix}${braced(pairs.join(','))} ${floatText(value)}${mark}\n`
  }
  return text
}

function typeOf(stated: unknown): ForeignType {
  return stated === 'counter' || stated === 'gauge' || stated === 'histogram' || stated === 'summary'
    ? stated
    : 'unknown'
}

const suffixes: Readonly<Record<ForeignType, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  unknown: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/** The label that tells the lines of one series apart. */
const boundLabels: Readonly<Record<string, string>> = { _bucket: 'le', '': 'quantile' }

function readSample(
  given: unknown,
  name: string,
  type: ForeignType,
  defaults: readonly (readonly [string, unknown])[],
  drop: Drop,
): ForeignSample | undefined {
  const { labels, sharedLabels, value, metricName, exemplar } = given as Record<string, unknown>
  const full = metricName ?? name
  const suffix = typeof full === 'string' && full.startsWith(name) ? full.slice(name.length) : undefined
  if (suffix === undefined || !suffixes[type].includes(suffix)) {
    drop('bad_name')
    return undefined
  }
  const read = readLabels([...defaults, ...entriesOf(sharedLabels), ...entriesOf(labels)])
  if (read === undefined) {
    drop('bad_labels')
    return undefined
  }
  const distinguishing = type === 'histogram' || type === 'summary' ? boundLabels[suffix] : undefined
  const bound = distinguishing === undefined ? undefined : boundOf(read.get(distinguishing))
  if (distinguishing !== undefined) read.delete(distinguishing)
  if (typeof value !== 'number' || (bound !== undefined && Number.isNaN(bound))) {
    drop('bad_value')
    return undefined
  }
  const sorted = [...read].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const mayHave = suffix === '_bucket' || type === 'counter'
  return {
    suffix,
    labels: sorted,
    bound,
    value,
    exemplar: mayHave ? readExemplar(exemplar, bound) : undefined,
  }
}

function entriesOf(labels: unknown): [string, unknown][] {
  return Object.entries(labels ?? {})
}

/** The labels that are not absent, the later of two alike; undefined when there are some that no page may have. */
function readLabels(entries: readonly (readonly [string, unknown])[]): Map<string, string> | undefined {
  const labels = new Map<string, string>()
  for (const [name, value] of entries) {
    const text = labelValue(value)
    if (!labelSyntax.test(name) || text === undefined) return undefined
    if (text === '') labels.delete(name)
    else labels.set(name, text.replace(/\p{Surrogate}/gu, '\uFFFD'))
  }
  return labels
}

/** Absent values are ''; undefined stands for what is no label value. */
function labelValue(value: unknown): string | undefined {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined
}

function boundOf(text: string | undefined): number {
  if (text === '+Inf') return Infinity
  return text === undefined ? NaN : Number(text)
}

function readExemplar(given: unknown, bound: number = Infinity): ForeignSample['exemplar'] {
  if (typeof given !== 'object' || given === null) return undefined
  const { labelSet, value, timestamp } = given as Record<string, unknown>
  const labels = readLabels(entriesOf(labelSet))
  if (labels === undefined || typeof value !== 'number' || !(value <= bound)) return undefined
  return { labels: [...labels], value, time: isTime(timestamp) ? timestamp * 1000 : undefined }
}

/** The last second that a Date can be. */
const lastSecond = 8.64e12

/** Whether it is a time since 1970 that a page can show, which has digits and a point and no exponent. */
function isTime(seconds: unknown): seconds is number {
  return typeof seconds === 'number' && (seconds === 0 || (seconds >= 1e-6 && seconds <= lastSecond))
}
