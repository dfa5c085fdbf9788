/**
 * What must hold within one family of an exposition: which samples its type allows, and how they fit together.
 */

import type { ExpositionSample, OpenFamily } from './exposition.ts'

type Format = 'text' | 'openmetrics'

/** What is wrong with a family; '' when nothing is. */
export function checkFamily(family: OpenFamily, format: Format): string {
  if (family.type === '') return 'has no TYPE'
  if (family.help === '') return 'has no HELP'
  if (family.samples.length === 0) return 'has no samples'
  for (const { name, value } of family.samples) {
    if (!allowedNames(family, format).includes(name)) return `has a sample ${name}`
    if (Number.isNaN(value) && mustBeNumber(family, name)) return `${name} is NaN`
    if (family.type === 'counter' && value < 0) return `${name} is negative`
  }
  const misplaced = checkExemplars(family)
  if (misplaced !== '') return misplaced
  const groups = groupBySeries(family)
  if (groups === undefined) return 'has samples of one series apart from each other'
  for (const group of groups) {
    const problem =
      family.type === 'histogram'
        ? checkHistogram(family.name, group, format)
        : family.type === 'summary'
          ? checkSummary(family.name, group)
          : ''
    if (problem !== '') return problem
  }
  return ''
}

function allowedNames({ name, type }: OpenFamily, format: Format): string[] {
  if (type === 'histogram') {
    const names = [`${name}_bucket`, `${name}_sum`, `${name}_count`]
    return format === 'openmetrics' ? [...names, `${name}_created`] : names
  }
  if (type === 'summary') {
    const names = [name, `${name}_sum`, `${name}_count`]
    return format === 'openmetrics' ? [...names, `${name}_created`] : names
  }
  if (type === 'counter' && format === 'openmetrics') return [`${name}_total`, `${name}_created`]
  return [name]
}

/** Gauges and quantiles may be NaN. */
function mustBeNumber({ name, type }: OpenFamily, sample: string): boolean {
  if (type === 'summary') return sample !== name
  return type === 'counter' || type === 'histogram'
}

function checkExemplars({ type, samples }: OpenFamily): string {
  for (const { name, labels, exemplar } of samples) {
    if (exemplar === undefined) continue
    const mayHave =
      type === 'histogram' ? name.endsWith('_bucket') : type === 'counter' && name.endsWith('_total')
    if (!mayHave) return `has an exemplar at ${name}`
    // A counter may have a label of that name, which means nothing.
    const le = type === 'histogram' ? labels['le'] : undefined
    const bound = le === undefined || le === '+Inf' ? Infinity : Number(le)
    if (!(exemplar.value <= bound)) return `has the exemplar ${exemplar.value} in the bucket up to ${le}`
  }
  return ''
}

/** The samples by labels without what tells lines of one series apart; undefined when those are not side by side. */
function groupBySeries({ type, samples }: OpenFamily): ExpositionSample[][] | undefined {
  const apart = type === 'histogram' ? 'le' : type === 'summary' ? 'quantile' : ''
  const groups = new Map<string, ExpositionSample[]>()
  let last = ''
  for (const sample of samples) {
    const labels = Object.entries(sample.labels).filter(([name]) => name !== apart)
    const key = JSON.stringify(labels.toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [sample])
    else if (key !== last) return undefined
    else group.push(sample)
    last = key
  }
  return [...groups.values()]
}

function checkHistogram(name: string, group: readonly ExpositionSample[], format: Format): string {
  const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
  const sum = group.find((sample) => sample.name === `${name}_sum`)
  const count = group.find((sample) => sample.name === `${name}_count`)
  let bound = -Infinity
  let below = 0
  for (const { labels, value } of buckets) {
    const le = labels['le']
    if (le === undefined) return 'has a bucket without le'
    const next = le === '+Inf' ? Infinity : Number(le)
    if (Number.isNaN(next) || next <= bound) return `has the bound ${le} out of order`
    if (format === 'openmetrics' && /^-?\d+$/.test(le)) return `has the bound ${le}, which is no float`
    if (value < below) return `counts less up to ${le} than before`
    bound = next
    below = value
  }
  if (bound !== Infinity) return 'has no +Inf bucket'
  if ((sum === undefined) !== (count === undefined)) return 'has either a sum or a count'
  if (count !== undefined && count.value !== below) return 'has a count that is not that of its last bucket'
  const signed = Number(buckets[0]?.labels['le']) < 0
  if (format === 'openmetrics' && signed !== (sum === undefined)) return 'has a sum exactly when it must not'
  if (format === 'text' && sum === undefined) return 'has no sum'
  return sum !== undefined && !signed && sum.value < 0 ? 'has a negative sum' : ''
}

function checkSummary(name: string, group: readonly ExpositionSample[]): string {
  for (const sample of group) {
    if (sample.name !== name) {
      if (sample.value < 0 && sample.name.endsWith('_count')) return 'has a negative count'
      continue
    }
    const quantile = Number(sample.labels['quantile'] ?? NaN)
    if (!(quantile >= 0 && quantile <= 1)) return 'has a sample without a quantile from 0 to 1'
  }
  return ''
}
