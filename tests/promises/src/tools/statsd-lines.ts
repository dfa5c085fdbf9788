/**
 * StatsD as its strictest servers read it, one character after the other. Sources: statsd/statsd `docs/metric_types.md`,
 * Datadog's "DogStatsD datagram format" 1.1, Telegraf's `plugins/inputs/statsd`, Graphite's "Tag support".
 */

import type { StatsdDialect } from '@kit/metrics/statsd'

/** One line. */
export interface StatsdLine {
  /** Name and labels as they stand there: the identity of the series. */
  readonly series: string
  readonly name: string
  readonly type: string
  readonly values: readonly number[]
}

/** How a dialect is put together. */
interface Form {
  /** What begins the labels and what stands between them, before the value or behind the type. */
  readonly labels: { readonly start: string; readonly between: string; readonly equals: string } | undefined
  readonly behind: boolean
  readonly types: readonly string[]
  readonly manyValues: boolean
}

const forms: Readonly<Record<StatsdDialect, Form>> = {
  statsd: { labels: undefined, behind: false, types: ['c', 'g', 'ms'], manyValues: false },
  'graphite-tags': {
    labels: { start: ';', between: ';', equals: '=' },
    behind: false,
    types: ['c', 'g', 'ms'],
    manyValues: false,
  },
  telegraf: {
    labels: { start: ',', between: ',', equals: '=' },
    behind: false,
    types: ['c', 'g', 'ms', 'h', 'd'],
    manyValues: false,
  },
  dogstatsd: {
    labels: { start: '#', between: ',', equals: ':' },
    behind: true,
    types: ['c', 'g', 'ms', 'h', 'd'],
    manyValues: true,
  },
}

/** Reads a line; throws a SyntaxError for what some server would drop or take for something else. */
export function readStatsdLine(line: string, dialect: StatsdDialect): StatsdLine {
  const form = forms[dialect]
  const fail = (what: string): SyntaxError => new SyntaxError(`${what} in ${JSON.stringify(line)}`)
  const [head = '', ...fields] = line.split('|')
  const [series = '', ...numbers] = head.split(':')
  const [type = '', ...further] = fields
  if (!form.types.includes(type)) throw fail(`the type ${type}`)
  if (numbers.length === 0 || (numbers.length > 1 && !form.manyValues)) throw fail(`${numbers.length} values`)
  const values = numbers.map((text) => {
    if (!/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(text) || !Number.isFinite(Number(text))) {
      throw fail(`the value ${text}`)
    }
    return Number(text)
  })
  let tags = ''
  for (const field of further) {
    if (/^@0\.\d+$|^@1$/.test(field)) continue
    // The container that the line came from.
    if (form.behind && /^c:[\w-]+$/.test(field)) continue
    if (!form.behind || !field.startsWith('#') || tags !== '') throw fail(`the field ${field}`)
    tags = field.slice(1)
    checkLabels(tags, form, fail)
  }
  const { labels } = form
  const start = labels === undefined || form.behind ? -1 : series.indexOf(labels.start)
  const name = start === -1 ? series : series.slice(0, start)
  if (!/^[A-Za-z][\w.-]*$/.test(name)) throw fail(`the name ${name}`)
  if (start !== -1) checkLabels(series.slice(start + 1), form, fail)
  return { series: `${series}|${tags}`, name, type, values }
}

function checkLabels(text: string, { labels }: Form, fail: (what: string) => SyntaxError): void {
  const seen = new Set<string>()
  for (const label of text.split(labels!.between)) {
    const [name = '', value = '', ...others] = label.split(labels!.equals)
    if (others.length > 0 || !/^[\w./-]+$/.test(name) || seen.has(name)) throw fail(`the label ${label}`)
    if (!/^[\p{L}\p{N}_./-]+$/u.test(value)) throw fail(`the value of ${label}`)
    seen.add(name)
  }
}
