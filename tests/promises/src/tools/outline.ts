/** What a browser makes of a page: its elements with their attributes, what of it acts, and its text. Parsed by parse5. */

import { parse } from 'parse5'
import type { DefaultTreeAdapterTypes as Tree } from 'parse5'

export interface Outline {
  /** Every element and the names of its attributes, nested as they are; no text and no values. */
  readonly skeleton: string
  /** Elements and attributes that load or run something. */
  readonly active: readonly string[]
  /** The content policy of its `meta` element, if that stands in the head before anything that it rules. */
  readonly policy: string | undefined
  /** All text, one after the other. */
  readonly text: string
}

const activeElements = new Set(
  'script iframe frame object embed link base img image audio video source form input button foreignobject'.split(
    ' ',
  ),
)
/** Where a value is an address. */
const addresses = new Set(
  'href src srcset action formaction data poster xlink:href ping background'.split(' '),
)

export function outlineOf(page: string): Outline {
  const active: string[] = []
  const texts: string[] = []
  let policy: string | undefined
  let ruled = false

  const walk = (node: Tree.Node): string => {
    if ('value' in node) texts.push(node.value)
    if (!('childNodes' in node)) return node.nodeName === '#text' ? '' : node.nodeName
    const attributes = 'attrs' in node ? node.attrs : []
    if ('attrs' in node) {
      const of = new Map(attributes.map(({ name, value }) => [name, value]))
      if (of.get('http-equiv') === 'Content-Security-Policy' && !ruled) policy = of.get('content')
      if (!['html', 'head', 'meta'].includes(node.tagName)) ruled = true
      active.push(...acting(node.tagName, attributes))
    }
    const names = attributes.map(({ name }) => name).join(' ')
    return `<${node.nodeName} ${names}>${node.childNodes.map(walk).join('')}</>`
  }
  const skeleton = walk(parse(page))
  return { skeleton, active, policy, text: texts.join('') }
}

function acting(tag: string, attributes: readonly { name: string; value: string }[]): string[] {
  return [
    ...(activeElements.has(tag.toLowerCase()) ? [tag] : []),
    ...attributes
      .filter(
        ({ name, value }) =>
          name.startsWith('on') || name === 'style' || (addresses.has(name) && !value.startsWith('#')),
      )
      .map(({ name }) => name),
    ...attributes
      .filter(({ name, value }) => name === 'http-equiv' && value === 'refresh')
      .map(({ value }) => value),
  ]
}
