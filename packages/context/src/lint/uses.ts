/*
 * What the file does with a variable that holds a derived context: where its cancel is used, and where the variable
 * is given another value.
 */
import { destinationOf } from './destination.ts'
import type { SourceCode, Variable } from './linter.ts'
import type { Node } from './syntax.ts'
import { bodyAround, child, unwrap, wrappers } from './syntax.ts'

/** The uses of one variable, as seen from the body in which a context is stored in it. */
export interface Uses {
  /** Syntax that uses the cancel, or creates a function that does, by the time it is evaluated. */
  readonly places: ReadonlySet<Node>
  /** Every mention of the variable. */
  readonly mentions: ReadonlySet<Node>
  /** Mentions through which the variable gets another value. */
  readonly writes: ReadonlySet<Node>
  /** It is exported, or a function that cancels it was made before: whatever path is taken, somebody can cancel. */
  readonly everywhere: boolean
  /** Whether the context, or its cancel, may still be wanted after the variable's block. */
  readonly escapes: boolean
}

/** Finds the uses of a variable; `store` is the identifier under which the context is stored, in `body`. */
export function usesOf(variable: Variable, store: Node, body: Node, source: SourceCode): Uses {
  const mentions = new Set<Node>()
  const writes = new Set<Node>()
  const finder: Finder = { store, body, source, seen: new Set(), places: new Set(), everywhere: false }
  let escapes = false
  for (const reference of variable.references) {
    const { identifier } = reference
    mentions.add(identifier)
    if (reference.isWrite()) writes.add(identifier)
    if (!reference.isRead()) continue
    const cancels = destinationOf(identifier).kind !== 'lost'
    if (cancels) findPlace(finder, identifier)
    escapes ||= (cancels && callOfMember(identifier) === identifier) || outlivesBlock(identifier, body)
  }
  finder.everywhere ||= variable.defs.some(({ node }) => isExported(node))
  const { places, everywhere } = finder
  return { places, mentions, writes, everywhere, escapes: escapes || everywhere }
}

interface Finder {
  readonly store: Node
  readonly body: Node
  readonly source: SourceCode
  readonly seen: Set<Node>
  readonly places: Set<Node>
  everywhere: boolean
}

/** Adds the syntax in the body whose evaluation makes the use at `identifier` possible. */
function findPlace(finder: Finder, identifier: Node): void {
  if (identifier.parent?.type === 'ExportSpecifier') {
    finder.everywhere = true
    return
  }
  const nested = outermostBodyWithin(identifier, finder.body)
  if (nested === finder.body) {
    finder.places.add(callOfMember(identifier))
  } else if (nested?.type === 'FunctionDeclaration') {
    findPlacesOfFunction(finder, nested)
  } else if (!nested || nested.range[0] < finder.store.range[0]) {
    finder.everywhere = true
  } else {
    finder.places.add(nested)
  }
}

/** A function declaration exists from the start of its block; what counts is where it is named. */
function findPlacesOfFunction(finder: Finder, declaration: Node): void {
  if (finder.seen.has(declaration)) return
  finder.seen.add(declaration)
  const name = child(declaration, 'id')
  const variable = finder.source
    .getDeclaredVariables(declaration)
    .find((one) => one.defs.some((definition) => definition.type === 'FunctionName'))
  if (!name || !variable || isExported(declaration)) {
    finder.everywhere = true
    return
  }
  for (const { identifier } of variable.references) {
    const inItself = outermostBodyWithin(identifier, finder.body) === declaration
    if (inItself) continue
    if (identifier.range[0] < finder.store.range[0]) finder.everywhere = true
    else findPlace(finder, identifier)
  }
}

/** The body itself if the node stands directly in it, else the outermost nested one; undefined if it is outside. */
function outermostBodyWithin(node: Node, body: Node): Node | undefined {
  let inner = bodyAround(node)
  if (inner === body) return body
  while (inner.parent) {
    const outer = bodyAround(inner)
    if (outer === body) return inner
    inner = outer
  }
  return undefined
}

/** For `ctx` in `ctx.cancel(reason)` the call, since the arguments come first; else the identifier itself. */
function callOfMember(identifier: Node): Node {
  const member = memberOf(identifier)
  if (!member) return identifier
  const callee = outermostWrapper(member)
  const call = callee.parent
  return call?.type === 'CallExpression' && call['callee'] === callee && call['optional'] !== true
    ? call
    : identifier
}

/** Mentioned in another function, or in the promise that is returned: that may run after the block has ended. */
function outlivesBlock(identifier: Node, body: Node): boolean {
  if (bodyAround(identifier) !== body) return true
  for (let node: Node | null | undefined = identifier; node && node !== body; node = node.parent) {
    if (node.type === 'AwaitExpression') return false
    if (node.type === 'ReturnStatement') return true
  }
  return false
}

function memberOf(identifier: Node): Node | undefined {
  const object = outermostWrapper(identifier)
  const member = object.parent
  return member?.type === 'MemberExpression' && member['object'] === object ? member : undefined
}

function outermostWrapper(node: Node): Node {
  let outer = node
  while (outer.parent && wrappers.has(outer.parent.type) && unwrap(outer.parent) === unwrap(node)) {
    outer = outer.parent
  }
  return outer
}

function isExported(definition: Node): boolean {
  const holder = definition.type === 'VariableDeclarator' ? definition.parent : definition
  const type = holder?.parent?.type
  return type === 'ExportNamedDeclaration' || type === 'ExportDefaultDeclaration'
}
