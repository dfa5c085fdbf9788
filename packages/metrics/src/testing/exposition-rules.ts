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
    if (Number.isNaN(value)) return `${name} is NaN`
    if (family.type === 'counter' && value < 0) return `${name} is negative`
  }
  const groups = groupBySeries(family.samples)
  if (groups === undefined) return 'has samples of one series apart from each other'
  for (const group of groups) {
    const problem = family.type === 'histogram' ? checkHistogram(family.name, group, format) : ''
    if (problem !== '') return problem
  }
  return ''
}

function allowedNames({ name, type }: OpenFamily, format: Format): string[] {
  if (type === 'histogram') {
    const names = [`${name}_bucket`, `${name}_sum`, `${name}_count`]
    return format === 'openmetrics' ? [...names, `${name}_created`] : names
  }
  if (type === 'counter' && format === 'openmetrics') return [`${name}_total`, `${name}_created`]
  return [name]
}

/** The samples by labels without `le`; undefined when those of one series are not side by side. */
function groupBySeries(samples: readonly ExpositionSample[]): ExpositionSample[][] | undefined {
  const groups = new Map<string, ExpositionSample[]>()
  let last = ''
  for (const sample of samples) {
    const labels = Object.entries(sample.labels).filter(([name]) => name !== 'le')
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
