/**
 * Rules by which the values of one gauge in several workers become one, or stay several.
 */

import { MetricsError } from '../errors.ts'
import { isMetricName } from '../naming.ts'
import { isObject } from './protocol.ts'

const rules = ['sum', 'max', 'min', 'last', 'worker'] as const

/**
 * What is shown of a gauge that several workers have.
 *
 * - `sum`: the values added up, for what is divided among workers: requests in flight, open connections
 * - `max`, `min`: the largest or smallest, for delays and headroom
 * - `last`: the value that changed last, for what is the same everywhere: configuration, memory of the process
 * - `worker`: one series a worker, told apart by the additional label `worker`
 */
export type GaugeRule = (typeof rules)[number]

/** Rules by name. A key covers the name and all names below it; the longest one decides; `*` covers the rest. */
export type GaugeRules = Readonly<Record<string, GaugeRule>>

/** Checks the rules and returns the way to ask them. Throws `KIT_METRIC_OPTION_INVALID`. */
export function compileRules(where: string, given: GaugeRules = {}): (name: string) => GaugeRule {
  if (!isObject(given)) throw invalid(where, 'must be an object of rules by name')
  const byName = new Map<string, GaugeRule>()
  for (const [name, rule] of Object.entries(given)) {
    if (!rules.includes(rule)) {
      throw invalid(where, `has ${JSON.stringify(rule)} for ${name}; the rules are ${rules.join(', ')}`)
    }
    if (name !== '*' && !isMetricName(name))
      throw invalid(where, `has ${JSON.stringify(name)}, which is no name`)
    byName.set(name, rule)
  }
  return (name) => {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const rule = byName.get(name.slice(0, end))
      if (rule !== undefined) return rule
    }
    return byName.get('*') ?? 'sum'
  }
}

function invalid(where: string, what: string): MetricsError {
  return new MetricsError('KIT_METRIC_OPTION_INVALID', `${where} ${what}`)
}
