/**
 * The parts of a sample's line: labels, numbers and exemplars. What is wrong is thrown as an Error without a place.
 */

import type { ExpositionExemplar } from './exposition.ts'

const labelSyntax = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const numberSyntax = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/

/** The most characters that the names and values of an exemplar's labels may have together. */
const maxExemplarLength = 128

/** A number in the syntax of both formats. */
export function valueOf(text: string): number {
  if (!numberSyntax.test(text)) throw new Error(`bad number ${JSON.stringify(text)}`)
  if (text.endsWith('Inf')) return text.startsWith('-') ? -Infinity : Infinity
  return Number(text)
}

/** The labels between braces, braces included; none for ''. */
export function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  if (text === '') return labels
  if (text === '{}') throw new Error('empty braces')
  let rest = text.slice(1, -1)
  for (;;) {
    const [whole, name = '', value = ''] = /^([^=]*)="((?:[^"\\]|\\.)*)"/s.exec(rest) ?? []
    if (whole === undefined) throw new Error(`bad labels ${text}`)
    if (!labelSyntax.test(name) || name.startsWith('__')) throw new Error(`bad label name ${name}`)
    if (Object.hasOwn(labels, name)) throw new Error(`the label ${name} is there twice`)
    if (value === '') throw new Error(`the label ${name} is empty, which means absent`)
    labels[name] = unescape(value, '\\n"')
    rest = rest.slice(whole.length)
    if (rest === '') return labels
    if (!rest.startsWith(',')) throw new Error(`bad labels ${text}`)
    rest = rest.slice(1)
  }
}

/** A text without its escapes, of which only those of `allowed` characters may be there. */
export function unescape(text: string, allowed: string): string {
  return text.replace(/\\(.?)/gs, (_whole, character: string) => {
    if (character === '' || !allowed.includes(character)) throw new Error(`bad escape \\${character}`)
    return character === 'n' ? '\n' : character
  })
}

/** Where the exemplar of a line begins, outside of all quotes; -1 when it has none. */
export function exemplarStart(line: string): number {
  if (!line.includes(' # ')) return -1
  const quoted = /"(?:[^"\\]|\\.)*(?:"|\\?$)/gs
  const blanked = line.replace(quoted, (text) => ' '.repeat(text.length).replace(/^./, '_'))
  return blanked.indexOf(' # ')
}

/** Reads ` # {labels} value timestamp`, where the timestamp may be missing. */
export function readExemplar(text: string): ExpositionExemplar {
  const [, set = '', value = '', , timestamp] =
    /^ # (\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}) (\S+)( (\S+))?$/s.exec(text) ?? []
  if (set === '') throw new Error(`bad exemplar ${JSON.stringify(text)}`)
  const labels = set === '{}' ? {} : readLabels(set)
  const length = Array.from(Object.entries(labels).flat().join('')).length
  if (length > maxExemplarLength) throw new Error(`an exemplar with labels of ${length} characters`)
  const exemplar = { labels, value: valueOf(value) }
  if (timestamp === undefined) return exemplar
  if (!/^\d+(\.\d+)?$/.test(timestamp)) throw new Error(`an exemplar with the time ${timestamp}`)
  return { ...exemplar, timestamp: Number(timestamp) }
}
