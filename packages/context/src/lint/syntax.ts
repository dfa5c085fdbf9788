/*
 * The little of the syntax tree that the rule needs, typed structurally: ESLint and oxlint hand out the same ESTree
 * shapes, and the published declarations must not drag in the types of either.
 */

/** A place in the source text; lines count from 1, columns from 0. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A node of an ESTree tree, with or without the TypeScript additions. */
export interface Node {
  readonly type: string
  readonly range: readonly [number, number]
  readonly loc: { readonly start: Position; readonly end: Position }
  readonly parent: Node | null | undefined
  readonly [field: string]: unknown
}

/** The field as a node; undefined where it is absent or something else. */
export function child(node: Node, field: string): Node | undefined {
  const value = node[field]
  return isNode(value) ? value : undefined
}

/** The field as a list of nodes, without the holes of an array pattern; empty where it is absent. */
export function children(node: Node, field: string): Node[] {
  const value: unknown = node[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** Whether a value read from a field is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Syntax that hands on the value of its `expression` unchanged: parentheses, casts, the frame of a `?.` chain. */
export const wrappers: ReadonlySet<string> = new Set([
  'ChainExpression',
  'ParenthesizedExpression',
  'TSAsExpression',
  'TSInstantiationExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSTypeAssertion',
])

/** The expression inside parentheses, casts and chain frames. */
export function unwrap(node: Node): Node {
  let inner = node
  while (wrappers.has(inner.type)) {
    const next = child(inner, 'expression')
    if (!next) break
    inner = next
  }
  return inner
}

/** The name of an identifier, also of a private one; undefined for every other node. */
export function nameOf(node: Node | undefined): string | undefined {
  if (node?.type !== 'Identifier' && node?.type !== 'PrivateIdentifier') return undefined
  return typeof node['name'] === 'string' ? node['name'] : undefined
}

/** The value of a string literal, also of a template without holes. */
export function stringOf(node: Node | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  if (node?.type !== 'TemplateLiteral' || children(node, 'expressions').length > 0) return undefined
  const text = children(node, 'quasis')[0]?.['value']
  if (typeof text !== 'object' || text === null || !('cooked' in text)) return undefined
  return typeof text.cooked === 'string' ? text.cooked : undefined
}

/** What `keyOf` answers for `[Symbol.dispose]` and `[Symbol.asyncDispose]`. */
export const disposeKey = '[Symbol.dispose]'

/**
 * The name under which a member expression or a property reads: `a.b`, `a['b']`, `{ b }`, `a.#b`. Undefined when only
 * the running program knows it.
 */
export function keyOf(node: Node): string | undefined {
  const key = child(node, node.type === 'MemberExpression' ? 'property' : 'key')
  if (!key) return undefined
  if (node['computed'] !== true) return nameOf(key) ?? stringOf(key)
  const inner = unwrap(key)
  if (inner.type === 'MemberExpression' && nameOf(child(inner, 'object')) === 'Symbol') {
    const symbol = keyOf(inner)
    return symbol === 'dispose' || symbol === 'asyncDispose' ? disposeKey : symbol
  }
  return stringOf(inner)
}

/** Syntax whose inside runs at another time than its surroundings, or as a body of its own. */
const bodies: ReadonlySet<string> = new Set([
  'AccessorProperty',
  'ArrowFunctionExpression',
  'FunctionDeclaration',
  'FunctionExpression',
  'Program',
  'PropertyDefinition',
  'StaticBlock',
])

/** The nearest function, class field, static block or program around a node; the node itself does not count. */
export function bodyAround(node: Node): Node {
  let inner = node
  let outer = node.parent
  while (outer) {
    if (bodies.has(outer.type) && !isKeyOfField(inner, outer)) return outer
    inner = outer
    outer = outer.parent
  }
  return inner
}

/** Whether a node lies within another, or is it. */
export function isInside(node: Node, outer: Node): boolean {
  return node.range[0] >= outer.range[0] && node.range[1] <= outer.range[1]
}

function isKeyOfField(inner: Node, outer: Node): boolean {
  return (outer.type === 'PropertyDefinition' || outer.type === 'AccessorProperty') && outer['key'] === inner
}
