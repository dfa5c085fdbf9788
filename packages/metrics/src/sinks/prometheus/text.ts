/**
 * The exposition formats, piece by piece: escaping, numbers, and the text of families and series. Sources:
 * Prometheus "Exposition formats" (text 0.0.4) and the OpenMetrics 1.0 specification.
 */

import { prometheusLabelName, prometheusName, prometheusUnit } from '../../naming.ts'
import type { HistogramSeries, NumberSeries, SourceHistogram, SourceInstrument } from '../../sink.ts'
import { finite } from '../../snapshot.ts'
import type { ExpositionFormat } from './negotiate.ts'

/** The name of an instrument's family, which OpenMetrics puts on its TYPE line: without `_total`. */
export function familyName(prefix: string, { name, unit, kind }: SourceInstrument): string {
  return prefix + prometheusName(name, unit, kind)
}

/** The metadata lines of a family. Every family has a help text: its logical name and unit if nothing better. */
export function header(format: ExpositionFormat, family: string, instrument: SourceInstrument): string {
  const { name, kind, unit } = instrument
  const help = escapeHelp(format, instrument.help || (unit === '' ? name : `${name} (${unit})`))
  if (format === 'text') {
    const metric = kind === 'counter' ? `${family}_total` : family
    return `# HELP ${metric} ${help}\n# TYPE ${metric} ${kind}\n`
  }
  const unitWord = prometheusUnit(unit, kind)
  const unitLine = unitWord !== '' && family.endsWith(`_${unitWord}`) ? `# UNIT ${family} ${unitWord}\n` : ''
  return `# HELP ${family} ${help}\n# TYPE ${family} ${kind}\n${unitLine}`
}

/** The labels of a series, `a="x",b="y"`, without braces. Absent labels are left out. */
export function labelText(labelNames: readonly string[], labelValues: readonly string[]): string {
  const parts: string[] = []
  labelValues.forEach((value, i) => {
    if (value !== '') parts.push(`${prometheusLabelName(labelNames[i]!)}="${escapeLabelValue(value)}"`)
  })
  return parts.join(',')
}

/** What comes before the number of a counter or a gauge. */
export function numberPrefix(family: string, kind: 'counter' | 'gauge', labels: string): string {
  return `${kind === 'counter' ? `${family}_total` : family}${braced(labels)} `
}

/** The line that tells when a series started; only OpenMetrics has it, and gauges have none. */
export function createdLine(
  format: ExpositionFormat,
  family: string,
  kind: SourceInstrument['kind'],
  labels: string,
  series: NumberSeries | HistogramSeries,
): string {
  if (format === 'text' || kind === 'gauge') return ''
  return `${family}_created${braced(labels)} ${numberText(series.startTime / 1000)}\n`
}

/** Everything between the labels and the count of each bucket line, the last one's included. */
export function bucketEnds(format: ExpositionFormat, bounds: readonly number[]): readonly string[] {
  const spell = format === 'text' ? numberText : canonicalFloat
  return [...bounds, Infinity].map((bound) => `le="${bound === Infinity ? '+Inf' : spell(bound)}"} `)
}

/** All lines of one histogram series but the created line. */
export function histogramLines(
  format: ExpositionFormat,
  family: string,
  ends: readonly string[],
  labels: string,
  histogram: SourceHistogram,
  series: HistogramSeries,
): string {
  const start = `${family}_bucket{${labels}${labels === '' ? '' : ','}`
  const parts: string[] = []
  let count = 0
  for (let i = 0; i < ends.length; i++) {
    count += series.bucketCount(i)
    parts.push(start, ends[i]!, numberText(count), '\n')
  }
  // OpenMetrics forbids the sum, and with it the count, where observations can be negative.
  if (format === 'text' || histogram.bounds[0]! >= 0) {
    const braces = braced(labels)
    parts.push(
      `${family}_sum${braces} ${numberText(series.sum)}\n${family}_count${braces} ${numberText(count)}\n`,
    )
  }
  return parts.join('')
}

/** A number in the syntax of both formats: finite, as in a snapshot, since rates of +Inf would be NaN for good. */
export function numberText(value: number): string {
  return String(finite(value))
}

/**
 * A bucket bound as OpenMetrics wants it, which is how Go prints floats: `1.0`, `1e+06`, `1e-05`. Otherwise one
 * bound would be two label values in the eyes of servers that read both formats.
 */
export function canonicalFloat(value: number): string {
  const size = Math.abs(value)
  if (value !== 0 && (size >= 1e6 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}

function escapeLabelValue(value: string): string {
  return /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, escapeCharacter) : value
}

function escapeHelp(format: ExpositionFormat, text: string): string {
  const clean = text.replace(/\p{Surrogate}/gu, '\uFFFD')
  return format === 'text'
    ? clean.replace(/[\\\n]/g, escapeCharacter)
    : clean.replace(/[\\"\n]/g, escapeCharacter)
}

function escapeCharacter(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}
