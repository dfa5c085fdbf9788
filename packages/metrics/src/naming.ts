/**
 * Names: what a logical metric name, a label name and a unit may look like, and how Prometheus spells them. The
 * spelling is here, and not in the Prometheus sink, so that two names that would become one on a page are
 * refused when the second is declared, whether or not such a sink is attached.
 */

import { MetricsError } from './errors.ts'

/** The kinds of instruments. */
export type InstrumentKind = 'counter' | 'gauge' | 'histogram'

/**
 * A unit in UCUM spelling, as OpenTelemetry uses it: 's', 'By', '1' for ratios, '{request}' for counted things.
 */
export type Unit = 's' | 'ms' | 'us' | 'ns' | 'By' | '1' | '%' | `{${string}}` | (string & {})

const metricName = /^[A-Za-z][\w./-]{0,254}$/
const labelName = /^[A-Za-z_][\w./-]{0,254}$/
const unitText = /^[\x21-\x7e]{0,63}$/

/** Throws `KIT_METRIC_NAME_INVALID` unless `name` is a logical metric name. */
export function checkName(name: unknown): asserts name is string {
  if (isMetricName(name)) return
  throw new MetricsError(
    'KIT_METRIC_NAME_INVALID',
    `${JSON.stringify(name)} is no metric name: start with a letter, go on with at most 254 letters, digits, '.', '_', '-' or '/'`,
  )
}

/** Whether `name` belongs to the instruments that a registry has of its own, and so to nobody else. */
export function isOwnName(name: string): boolean {
  return name.startsWith('kit.metrics.')
}

/** Throws `KIT_METRIC_NAME_INVALID` unless `name` is a logical metric name that users may take. */
export function checkUserName(name: unknown): asserts name is string {
  checkName(name)
  if (!isOwnName(name)) return
  throw new MetricsError(
    'KIT_METRIC_NAME_INVALID',
    `${JSON.stringify(name)}: names under 'kit.metrics.' belong to the metrics' own instruments; take another`,
  )
}

/** What begins every name, with its dot; throws `KIT_METRIC_NAME_INVALID` unless it can. */
export function checkPrefix(prefix: unknown): string {
  if (prefix === undefined || prefix === '') return ''
  checkName(prefix)
  checkUserName(`${prefix}.name`)
  return `${prefix}.`
}

/** Whether `name` is a logical metric name (OpenTelemetry's instrument name syntax). */
export function isMetricName(name: unknown): name is string {
  return typeof name === 'string' && metricName.test(name)
}

/** Whether `name` may be a label. Names that Prometheus would spell with two leading underscores are its own. */
function isLabelName(name: unknown): name is string {
  return typeof name === 'string' && labelName.test(name) && !prometheusLabelName(name).startsWith('__')
}

/** Checks label names: their syntax, duplicates, reserved ones, and two that Prometheus would spell alike. */
export function checkLabelNames(metric: string, kind: InstrumentKind, names: unknown): readonly string[] {
  if (!Array.isArray(names)) throw invalidLabel(metric, 'labels must be an array of names')
  const spelled = new Set<string>()
  for (const name of names as unknown[]) {
    if (!isLabelName(name)) {
      throw invalidLabel(
        metric,
        `${JSON.stringify(name)} is no label name: start with a letter or one underscore, go on with letters, digits, '.', '_', '-' or '/'`,
      )
    }
    const text = prometheusLabelName(name)
    if (kind === 'histogram' && text === 'le') throw invalidLabel(metric, "'le' is the histogram's own label")
    if (spelled.has(text)) throw invalidLabel(metric, `${JSON.stringify(name)} is there twice (as ${text})`)
    spelled.add(text)
  }
  return Object.freeze([...(names as string[])])
}

function invalidLabel(metric: string, what: string): MetricsError {
  return new MetricsError('KIT_METRIC_LABEL_INVALID', `metric ${metric}: ${what}`)
}

/** Throws `KIT_METRIC_UNIT_INVALID` unless `unit` is printable ASCII without spaces, at most 63 characters. */
export function checkUnit(metric: string, unit: unknown): Unit | '' {
  if (unit === undefined) return ''
  if (typeof unit === 'string' && unitText.test(unit)) return unit
  throw new MetricsError(
    'KIT_METRIC_UNIT_INVALID',
    `metric ${metric}: the unit must be at most 63 printable ASCII characters, such as 's', 'By' or '{request}'`,
  )
}

const unitWords: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tebibytes',
  kBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  bit: 'bits',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
}

const perWords: Readonly<Record<string, string>> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
  d: 'day',
}

/** The unit as Prometheus words it ('seconds', 'bytes_per_second'); '' when the name needs none. */
export function prometheusUnit(unit: Unit | '', kind: InstrumentKind): string {
  if (unit === '1') return kind === 'gauge' ? 'ratio' : ''
  const [what = '', per] = unit.split('/', 2).map((part) => part.replace(/\{[^{}]*\}/g, ''))
  const words = Object.hasOwn(unitWords, what) ? unitWords[what]! : underscored(what)
  if (per === undefined || per === '') return words
  return `${words}${words === '' ? '' : '_'}per_${Object.hasOwn(perWords, per) ? perWords[per]! : underscored(per)}`
}

/**
 * The name of the family on a Prometheus page, without `_total`: `http.server.request.duration` in 's' becomes
 * `http_server_request_duration_seconds`. Follows OpenTelemetry's compatibility rules for Prometheus.
 */
export function prometheusName(name: string, unit: Unit | '', kind: InstrumentKind): string {
  const words = prometheusUnit(unit, kind)
  let spelled = underscored(name)
  if (kind === 'counter') spelled = without(spelled, 'total')
  return words === '' || spelled === words ? spelled : `${without(spelled, words)}_${words}`
}

/** A label name on a Prometheus page: `http.request.method` becomes `http_request_method`. */
export function prometheusLabelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_')
}

/** Every name that an instrument takes on a Prometheus page, in either format. */
export function prometheusNames(name: string, unit: Unit | '', kind: InstrumentKind): readonly string[] {
  const family = prometheusName(name, unit, kind)
  if (kind === 'gauge') return [family]
  if (kind === 'counter') return [family, `${family}_total`, `${family}_created`]
  return [family, `${family}_bucket`, `${family}_sum`, `${family}_count`, `${family}_created`]
}

function underscored(text: string): string {
  return text.replace(/[^a-zA-Z0-9]+/g, '_').replace(/^_|_$/g, '')
}

function without(name: string, suffix: string): string {
  return name.endsWith(`_${suffix}`) ? name.slice(0, -suffix.length - 1) : name
}
