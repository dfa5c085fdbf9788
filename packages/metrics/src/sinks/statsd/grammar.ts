/**
 * The dialects as strict servers read them, for tests: every line must follow the grammar to the letter, and what a
 * server would make of the lines can be asked.
 */

import type { StatsdDialect } from './dialects.ts'

/** One line, read. */
export interface WireLine {
  readonly name: string
  readonly labels: readonly (readonly [string, string])[]
  readonly type: string
  /** As text: a sign matters in gauges. */
  readonly values: readonly string[]
  readonly rate: number
}

const number = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]\d+)?`
const rate = String.raw`(?:\|@(0\.\d+))?`
const word = String.raw`[\p{L}\p{N}_./-]+`

const tag = String.raw`[\w./-]+(?::${word})?`

const grammars: Readonly<Record<StatsdDialect, RegExp>> = {
  statsd: new RegExp(String.raw`^([\w.-]+)():(${number})\|(c|g|ms)${rate}$`),
  'graphite-tags': new RegExp(String.raw`^([\w.-]+)((?:;[\w.-]+=[\w.-]+)*):(${number})\|(c|g|ms)${rate}$`),
  telegraf: new RegExp(String.raw`^([\w.-]+)((?:,[\w.-]+=${word})*):(${number})\|(c|g|ms|h|d)${rate}$`, 'u'),
  dogstatsd: new RegExp(
    String.raw`^([A-Za-z][\w.]*):(${number}(?::${number})*)\|(c|g|ms|h|d)${rate}((?:\|#${tag}(?:,${tag})*)?)(?:\|c:[\w-]+)?$`,
    'u',
  ),
}

/** Datadog takes no more characters of a metric's name, nor of a tag with its value. */
const datadogLength = 200

/** Reads one line; throws a RangeError for what is none. */
export function readLine(dialect: StatsdDialect, line: string): WireLine {
  const match = grammars[dialect].exec(line)
  if (match === null) throw new RangeError(`no line of ${dialect}: ${JSON.stringify(line)}`)
  const parts = match.slice(1).map((part: string | undefined) => part ?? '')
  const [name, labels, values, type, sampled] =
    dialect === 'dogstatsd' ? [parts[0], parts[4], parts[1], parts[2], parts[3]] : parts
  const separator = dialect === 'dogstatsd' ? ':' : '='
  const pairs = labels!.split(/[|#;,]+/).filter((pair) => pair !== '')
  if (dialect === 'dogstatsd') {
    const long = [name!, ...pairs].find((text) => text.length > datadogLength)
    if (long !== undefined) throw new RangeError(`too long for Datadog: ${long}`)
  }
  return {
    name: name!,
    labels: pairs.map((pair) => {
      const at = pair.indexOf(separator)
      return at === -1 ? ([pair, ''] as const) : ([pair.slice(0, at), pair.slice(at + 1)] as const)
    }),
    type: type!,
    values: values!.split(':'),
    rate: sampled === '' ? 1 : Number(sampled),
  }
}

/** Undoes the escapes of a spelling that was not cut. */
export function unspell(text: string): string {
  return text.replace(/_x([0-9a-f]+)_/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
}

/** A server's memory. */
export class WireServer {
  readonly dialect: StatsdDialect
  readonly counters: Map<string, number> = new Map()
  readonly gauges: Map<string, number> = new Map()
  readonly samples: Map<string, { count: number; sum: number; values: number[] }> = new Map()
  readonly packets: string[] = []
  lines = 0

  constructor(dialect: StatsdDialect) {
    this.dialect = dialect
  }

  /** Takes one datagram. */
  receive(packet: string): void {
    this.packets.push(packet)
    for (const line of packet.split('\n')) this.#apply(readLine(this.dialect, line))
  }

  #apply({ name, labels, type, values, rate: sampled }: WireLine): void {
    this.lines++
    const key = keyOf(name, labels)
    // Servers cut the fraction off, so a weight must not have any.
    const weight = Math.trunc(1 / sampled)
    for (const text of values) {
      const value = Number(text)
      if (type === 'c') this.counters.set(key, (this.counters.get(key) ?? 0) + value)
      else if (type === 'g') this.gauges.set(key, this.#gauge(key, text, value))
      else {
        if (value < 0 && this.dialect !== 'dogstatsd') throw new RangeError(`a negative sample: ${text}`)
        const known = this.samples.get(key) ?? { count: 0, sum: 0, values: [] }
        known.count += weight
        known.sum += weight * value
        known.values.push(value)
        this.samples.set(key, known)
      }
    }
  }

  #gauge(key: string, text: string, value: number): number {
    if (this.dialect === 'dogstatsd' || !/^[+-]/.test(text)) return value
    return (this.gauges.get(key) ?? 0) + value
  }
}

/** The identity of a series at the server, with its labels in any order. */
export function keyOf(name: string, labels: readonly (readonly [string, string])[]): string {
  return JSON.stringify([name, labels.toSorted(([a], [b]) => (a < b ? -1 : 1))])
}
