/** Random log lines, and whether what was written says the same. */

import { createLogger } from '@kit/log'
import type { Logger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { pick } from '../tools/seeded.ts'
import { hostileText } from './hostile-text.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

const levels = ['info', 'warn', 'error'] as const
const reserved = new Set(['level', 'time', 'msg'])
const batch = 1000
/** What ends a line for some reader, moves a cursor, or turns the direction of reading. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const disturbing = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

/** Logs `count` lines as JSON. Answers those that do not parse, hold a key twice, or say something else. */
export function wrongJsonLines(random: () => number, count: number): string[] {
  const kept = memoryDestination()
  const log = createLogger({ format: 'json', destination: kept })
  const wrong: string[] = []
  for (let done = 0; done < count; done += batch) {
    const expected = Array.from({ length: batch }, () => {
      const fields = fieldsOf(random)
      const msg = hostileText(random).replaceAll('%', '')
      const level = pick(random, levels)
      log[level](fields, msg)
      const entries = Object.entries(fields).map(([key, value]) => [
        reserved.has(key) ? `fields.${key}` : key,
        value,
      ])
      return canonical(Object.fromEntries([...entries, ['level', level], ['msg', msg]]) as Json)
    })
    if (kept.lines.length !== batch) wrong.push(`${kept.lines.length} lines for ${batch} records`)
    wrong.push(...kept.lines.filter((line) => !/^[^\n]*\n$/.test(line)))
    try {
      const found = kept.records.map(({ time: _time, ...rest }) => canonical(rest as Json))
      wrong.push(...found.filter((one, i) => one !== expected[i]))
    } catch (error) {
      wrong.push(String(error))
    }
    kept.clear()
  }
  return wrong
}

/** Logs `count` lines as text. Answers those that are not one physical line without anything disturbing. */
export function wrongTextLines(random: () => number, count: number): string[] {
  const kept = memoryDestination()
  const log = createLogger({ format: 'text', destination: kept })
  const wrong: string[] = []
  for (let done = 0; done < count; done += batch) {
    for (let i = 0; i < batch; i += 1) logText(log, random)
    if (kept.lines.length !== batch) wrong.push(`${kept.lines.length} lines for ${batch} records`)
    wrong.push(...kept.lines.filter((line) => !line.endsWith('\n') || disturbing.test(line.slice(0, -1))))
    kept.clear()
  }
  return wrong
}

function logText(log: Logger, random: () => number): void {
  const error = new Error(hostileText(random), { cause: new TypeError(hostileText(random)) })
  if (random() < 0.2) log.error(error, hostileText(random))
  else log[pick(random, levels)](fieldsOf(random), hostileText(random))
}

function fieldsOf(random: () => number): Record<string, Json> {
  const keys = Array.from({ length: Math.floor(random() * 5) }, () =>
    random() < 0.1 ? pick(random, ['level', 'time', 'msg', 'err', 'name', 'pid']) : hostileText(random),
  )
  return Object.fromEntries(keys.map((key) => [key, valueOf(random, 0)]))
}

function valueOf(random: () => number, depth: number): Json {
  const how = random()
  if (how < 0.5 || depth > 4) return hostileText(random)
  if (how < 0.7) return random() < 0.5 ? Math.floor((random() - 0.5) * 1e6) : (random() - 0.5) * 1e300
  if (how < 0.8) return pick(random, [true, false, null])
  if (how < 0.9) return Array.from({ length: Math.floor(random() * 4) }, () => valueOf(random, depth + 1))
  const keys = Array.from({ length: Math.floor(random() * 4) }, () => hostileText(random))
  return Object.fromEntries(keys.map((key) => [key, valueOf(random, depth + 1)]))
}

/** Equal for equal values, whatever the order of their members. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one as Json)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`
}
