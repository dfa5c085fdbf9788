/**
 * The filter: which instruments count, decided by their logical names, one dotted segment at a time.
 */

import { MetricsError } from './errors.ts'
import { checkOptions } from './options.ts'

/**
 * What to record and report. Patterns are dotted names: each matches the name itself and everything below it, so
 * `http.server` covers `http.server.request.duration` and not `http.serverless`. A segment that is just `*`
 * stands for one or more segments, and a `*` within a segment for any characters of it. The longest pattern that
 * matches decides, by segments, then by literal characters; where an allow and a block tie, the block wins.
 */
export interface MetricFilter {
  /** What happens to names that no pattern matches; 'allow' by default. */
  readonly default?: 'allow' | 'block' | undefined
  /** Patterns of names to record. */
  readonly allow?: readonly string[] | undefined
  /** Patterns of names not to record. */
  readonly block?: readonly string[] | undefined
  /** Exact names of labels to take off every series. */
  readonly blockLabels?: readonly string[] | undefined
}

/** A filter that was checked and can be asked. */
export interface CompiledFilter {
  allows(name: string): boolean
  /** Whether a pattern blocks the name, whatever the default is. */
  blocksExpressly(name: string): boolean
  readonly blockedLabels: ReadonlySet<string>
}

interface Pattern {
  readonly segments: readonly string[]
  readonly literals: number
  readonly allow: boolean
}

/** Checks and compiles a filter. Throws `KIT_METRIC_FILTER_INVALID` or `KIT_METRIC_OPTION_UNKNOWN`. */
export function compileFilter(filter: MetricFilter): CompiledFilter {
  if (filter === undefined) throw invalid('must be an object')
  checkOptions('updateFilter', filter, ['default', 'allow', 'block', 'blockLabels'])
  const fallback: unknown = filter.default ?? 'allow'
  if (fallback !== 'allow' && fallback !== 'block') throw invalid("default must be 'allow' or 'block'")
  // Blocks come first, so that of two equally long patterns the block is found first.
  const patterns = [
    ...names('block', filter.block).map((text) => parse(text, false)),
    ...names('allow', filter.allow).map((text) => parse(text, true)),
  ].toSorted((a, b) => b.segments.length - a.segments.length || b.literals - a.literals)
  const decide = (name: string): Pattern | undefined => {
    const segments = name.split('.')
    return patterns.find((pattern) => matches(pattern.segments, segments))
  }
  return {
    allows: (name) => decide(name)?.allow ?? fallback === 'allow',
    blocksExpressly: (name) => decide(name)?.allow === false,
    blockedLabels: new Set(names('blockLabels', filter.blockLabels)),
  }
}

function names(key: string, list: unknown): string[] {
  if (list === undefined) return []
  if (Array.isArray(list) && list.every((entry) => typeof entry === 'string' && entry !== '')) return list
  throw invalid(`${key} must be an array of non-empty strings`)
}

function parse(text: string, allow: boolean): Pattern {
  const segments = text.split('.')
  if (segments.includes('')) throw invalid(`the pattern ${JSON.stringify(text)} has an empty segment`)
  return { segments, literals: text.replaceAll('*', '').length, allow }
}

/** Whether the pattern matches the name or one of its ancestors. Quadratic at worst, as is the search below. */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let reachable = new Set([0])
  for (const segment of pattern) {
    const next = new Set<number>()
    for (const from of reachable) {
      if (segment === '*') for (let to = from + 1; to <= name.length; to++) next.add(to)
      else if (from < name.length && matchesSegment(segment, name[from]!)) next.add(from + 1)
    }
    reachable = next
  }
  return reachable.size > 0
}

function matchesSegment(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return pattern === text
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= text.length - tail.length
}

function invalid(what: string): MetricsError {
  return new MetricsError('KIT_METRIC_FILTER_INVALID', `updateFilter: ${what}`)
}
