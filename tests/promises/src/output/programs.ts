/** Random uses of metrics, and what a page has to say of them. */

import type { Metrics } from '@kit/metrics'
import { pick } from '../tools/seeded.ts'
import { hostileText } from './hostile-text.ts'

/** Numbers by name and labels, as they are to be on a page of each format. */
export interface Truth {
  readonly text: Map<string, number>
  readonly openmetrics: Map<string, number>
}

type Pairs = readonly (readonly [name: string, value: string])[]
type Values = Record<string, string | number | boolean>

const bounds = [1e-5, 0.5, 1, 1e6]
/** The same as OpenMetrics writes them. */
const canonical = ['1e-05', '0.5', '1.0', '1e+06']
const units: Readonly<Record<string, string>> = {
  '': '',
  s: 'seconds',
  By: 'bytes',
  '{thing}': '',
  ms: 'milliseconds',
}
const nameCharacters = 'abzAZ019_./-'.split('')
const knownNames = [
  'constructor',
  'toString',
  'a.total',
  'a_sum',
  'a.count',
  'a_bucket',
  'seconds',
  'hasOwnProperty',
]
const knownLabels = [
  'constructor',
  'toString',
  '__proto__',
  '__name__',
  '_x',
  'le',
  'quantile',
  'job',
  'A-b/c',
  '0',
]
const amounts = [0, -0, 5e-324, 1e21, 2 ** 53, 0.1, 1e-7, 1e300]

/** The name of a sample and its labels, whatever their order. */
export function keyOf(name: string, labels: Pairs): string {
  return JSON.stringify([name, ...labels.toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

/**
 * Declares an instrument and records up to five values with it. Answers how many; 0 where the instrument was refused,
 * which must be with a code.
 */
export function runProgram(metrics: Metrics, random: () => number, truth: Truth): number {
  const kind = pick(random, ['counter', 'gauge', 'histogram'] as const)
  const name = random() < 0.1 ? pick(random, knownNames) : `a${nameTail(random)}`
  const unit = pick(random, Object.keys(units))
  const labels = Array.from({ length: Math.floor(random() * 4) }, () =>
    random() < 0.2 ? pick(random, knownLabels) : `${pick(random, ['a', 'B', '_'])}${nameTail(random)}`,
  )
  const spec = { labels, unit, help: hostileText(random), maxSeries: 1_000_000 }
  let record: (given: Values, amount: number) => void
  try {
    record = recorder(metrics, kind, name, spec)
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('KIT_METRIC_')) throw error
    return 0
  }
  const base = spelled(name, unit, kind)
  if (labels.length === 0) addTo(truth, kind, base, [], undefined)
  const recordings = 1 + Math.floor(random() * 5)
  for (let i = 0; i < recordings; i += 1) {
    const values = labels.map(() => valueOf(random))
    const amount = random() < 0.3 ? pick(random, amounts) : random() * 10 ** Math.floor(random() * 12)
    record(Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ''])), amount)
    const pairs = labels.flatMap((label, at): [string, string][] => {
      const text = String(values[at]).replace(/\p{Surrogate}/gu, '\ufffd')
      return text === '' ? [] : [[label.replace(/[^a-zA-Z0-9_]/g, '_'), text]]
    })
    addTo(truth, kind, base, pairs, amount)
  }
  return recordings
}

function nameTail(random: () => number): string {
  return Array.from({ length: Math.floor(random() * 9) }, () => pick(random, nameCharacters)).join('')
}

function valueOf(random: () => number): string | number | boolean {
  const how = random()
  if (how < 0.1) return random() < 0.5
  return how < 0.3 ? Math.floor(random() * 1000) : hostileText(random)
}

type Kind = 'counter' | 'gauge' | 'histogram'

function recorder(
  metrics: Metrics,
  kind: Kind,
  name: string,
  spec: { readonly labels: readonly string[] },
): (given: Values, amount: number) => void {
  const bare = spec.labels.length === 0
  if (kind === 'counter') {
    const counter = metrics.counter<string>(name, spec)
    return (given, amount) => (bare ? (counter as unknown as Bare).inc(amount) : counter.inc(given, amount))
  }
  if (kind === 'gauge') {
    const gauge = metrics.gauge<string>(name, spec)
    return (given, amount) => (bare ? (gauge as unknown as Bare).set(-amount) : gauge.set(given, -amount))
  }
  const histogram = metrics.histogram<string>(name, { ...spec, buckets: bounds })
  return (given, amount) =>
    bare ? (histogram as unknown as Bare).observe(amount) : histogram.observe(given, amount)
}

/** Instruments without labels. */
interface Bare {
  inc(amount: number): void
  set(amount: number): void
  observe(amount: number): void
}

/** The name of a family, by the rules that OpenTelemetry has for Prometheus: written down anew, to be a second opinion. */
function spelled(name: string, unit: string, kind: Kind): string {
  let words = name.split(/[^a-zA-Z0-9]+/).filter((word) => word !== '')
  if (kind === 'counter' && words.length > 1 && words.at(-1) === 'total') words = words.slice(0, -1)
  const word = units[unit] ?? ''
  if (word === '' || (words.length === 1 && words[0] === word)) return words.join('_')
  if (words.at(-1) === word) words = words.slice(0, -1)
  return [...words, word].join('_')
}

/** What a recording does to the truth; one of undefined only makes the series. */
function addTo(truth: Truth, kind: Kind, base: string, labels: Pairs, amount: number | undefined): void {
  const add = (map: Map<string, number>, name: string, more: Pairs, by: number): void => {
    const key = keyOf(name, [...labels, ...more])
    map.set(key, (map.get(key) ?? 0) + by)
  }
  for (const map of [truth.text, truth.openmetrics]) {
    if (kind === 'counter') add(map, `${base}_total`, [], amount ?? 0)
    else if (kind === 'gauge') {
      const key = keyOf(base, labels)
      map.set(key, amount === undefined ? (map.get(key) ?? 0) : 0 - amount)
    } else {
      for (const [i, bound] of bounds.entries()) {
        const le = map === truth.text ? String(bound) : (canonical[i] ?? '')
        add(map, `${base}_bucket`, [['le', le]], amount !== undefined && amount <= bound ? 1 : 0)
      }
      add(map, `${base}_bucket`, [['le', '+Inf']], amount === undefined ? 0 : 1)
      add(map, `${base}_sum`, [], amount ?? 0)
      add(map, `${base}_count`, [], amount === undefined ? 0 : 1)
    }
  }
}
