/**
 * The exposition formats, piece by piece: escaping, numbers, metadata lines and exemplars. Sources: Prometheus
 * "Exposition formats" (text 0.0.4) and the OpenMetrics 1.0 specification.
 */

import type { ExpositionFormat } from './negotiate.ts'

/** The metadata lines of a family; `unit` is the word that its name ends with, or ''. */
export function header(
  format: ExpositionFormat,
  family: string,
  type: string,
  help: string,
  unit: string,
): string {
  const unitLine = format === 'openmetrics' && unit !== '' ? `# UNIT ${family} ${unit}\n` : ''
  return `# HELP ${family} ${escapeHelp(format, help)}\n# TYPE ${family} ${type}\n${unitLine}`
}

/** One label; the name is written as it is. */
export function labelPair(name: string, value: string): string {
  return `${name}="${escapeLabelValue(value)}"`
}

/** Braces around labels; nothing when there are none. */
export function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}

/** The most characters that the names and values of an exemplar's labels may have together. */
const maxExemplarLength = 128

/**
 * An exemplar as it follows the number of a line; OpenMetrics only. Nothing when its labels are too long: a reader
 * must refuse the page then. `time` is in milliseconds since the Unix epoch.
 */
export function exemplarText(
  labels: readonly (readonly [name: string, value: string])[],
  value: number,
  time: number | undefined,
): string {
  let length = 0
  for (const [name, text] of labels) length += characters(name) + characters(text)
  if (length > maxExemplarLength) return ''
  const set = labels.map(([name, text]) => labelPair(name, text)).join(',')
  return ` # {${set}} ${floatText(value)}${time === undefined ? '' : ` ${floatText(time / 1000)}`}`
}

function characters(text: string): number {
  let count = 0
  for (const character of text) if (character !== '') count++
  return count
}

/** A number in the syntax of both formats as it is, whatever it is. */
export function floatText(value: number): string {
  if (Number.isFinite(value)) return String(value + 0)
  return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Inf' : '+Inf'
}

/**
 * A bucket bound as OpenMetrics wants it, which is how Go prints floats: `1.0`, `1e+06`, `1e-05`. Otherwise one
 * bound would be two label values in the eyes of servers that read both formats.
 */
export function canonicalFloat(value: number): string {
  if (!Number.isFinite(value)) return floatText(value)
  const size = Math.abs(value)
  if (value !== 0 && (size >= 1e6 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  }
  return Number.isInteger(value) ? `${value + 0}.0` : String(value)
}

/** A bound as `le` or `quantile` spells it. */
export function boundText(format: ExpositionFormat, bound: number): string {
  return format === 'text' ? floatText(bound) : canonicalFloat(bound)
}

/** A label value as it stands between quotes. */
export function escapeLabelValue(value: string): string {
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
