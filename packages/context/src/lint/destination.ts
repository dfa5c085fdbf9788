/*
 * Where the value of an expression goes: into a variable, to somebody who can still cancel it, or nowhere. The same
 * question is asked of a derivation and of every later mention of the variable that holds it.
 */
import type { Node } from './syntax.ts'
import { child, children, disposeKey, keyOf, nameOf, unwrap, wrappers } from './syntax.ts'

/**
 * `kept`: it is cancelled right there, or is out of sight with its cancel (returned, stored, aliased, owned by `using`
 * or by a constructor). `lost`: it is used without a possibility to cancel it. `variable`: the identifier it is
 * stored under.
 */
export type Destination =
  | { readonly kind: 'kept' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'variable'; readonly store: Node }

const kept: Destination = { kind: 'kept' }
const lost: Destination = { kind: 'lost' }

/** Methods of collections and of DisposableStack that keep their argument. */
const keepingMethods: ReadonlySet<string | undefined> = new Set([
  'add',
  'adopt',
  'push',
  'set',
  'unshift',
  'use',
])
/** Built-in namespaces whose functions hand their arguments on: `Object.assign(this, { ctx })`. */
const keepingNamespaces: ReadonlySet<string | undefined> = new Set(['Array', 'Object', 'Promise', 'Reflect'])

/** Where the value of an expression goes. */
export function destinationOf(value: Node): Destination {
  const { parent } = value
  if (!parent) return lost
  if (wrappers.has(parent.type)) return destinationOf(parent)
  switch (parent.type) {
    case 'AwaitExpression':
      return destinationOf(parent)
    case 'ConditionalExpression':
      return parent['test'] === value ? lost : destinationOf(parent)
    case 'LogicalExpression':
      return parent['operator'] === '&&' && parent['left'] === value ? lost : destinationOf(parent)
    case 'SequenceExpression':
      return children(parent, 'expressions').at(-1) === value ? destinationOf(parent) : lost
    case 'AssignmentPattern':
      return parent['right'] === value ? intoPattern(child(parent, 'left')) : lost
    case 'AssignmentExpression':
      return parent['right'] === value ? intoAssignment(parent) : lost
    case 'VariableDeclarator':
      return parent['init'] === value ? intoDeclarator(parent) : lost
    case 'MemberExpression':
      return parent['object'] === value ? intoMember(parent) : lost
    case 'CallExpression':
      return parent['callee'] !== value && keepsArguments(parent) ? kept : lost
    case 'NewExpression':
      return parent['callee'] === value ? lost : kept
    case 'ArrayExpression':
    case 'Property':
    case 'SpreadElement':
      return parent['key'] === value && parent['computed'] === true ? lost : intoLiteral(parent)
    case 'ArrowFunctionExpression':
    case 'AccessorProperty':
    case 'ExportDefaultDeclaration':
    case 'ExportSpecifier':
    case 'JSXExpressionContainer':
    case 'JSXSpreadAttribute':
    case 'PropertyDefinition':
    case 'ReturnStatement':
    case 'ThrowStatement':
    case 'TSExportAssignment':
    case 'YieldExpression':
      return kept
    default:
      return lost
  }
}

function intoPattern(pattern: Node | undefined): Destination {
  if (!pattern) return lost
  const target = unwrap(pattern)
  if (target.type === 'Identifier') return { kind: 'variable', store: target }
  if (target.type !== 'ObjectPattern') return kept
  return children(target, 'properties').some(takesCancel) ? kept : lost
}

function takesCancel(property: Node): boolean {
  return property.type === 'RestElement' || isCancelKey(keyOf(property))
}

/** A key that is unknown until run time may be `cancel`, so it counts. */
function isCancelKey(key: string | undefined): boolean {
  return key === undefined || key === 'cancel' || key === disposeKey
}

function intoAssignment(assignment: Node): Destination {
  const operator = assignment['operator']
  if (operator !== '=' && operator !== '??=' && operator !== '||=' && operator !== '&&=') return lost
  // In `return (ctx = …)` and `a = b = …` the value goes further than the variable on the left.
  return destinationOf(assignment).kind === 'lost' ? intoPattern(child(assignment, 'left')) : kept
}

function intoDeclarator(declarator: Node): Destination {
  const declaration = declarator.parent
  const kind = declaration?.['kind']
  if (kind === 'using' || kind === 'await using') return kept
  if (declaration?.parent?.type === 'ExportNamedDeclaration') return kept
  return intoPattern(child(declarator, 'id'))
}

function intoMember(member: Node): Destination {
  return isCancelKey(keyOf(member)) ? kept : lost
}

function keepsArguments(call: Node): boolean {
  const callee = unwrap(child(call, 'callee') ?? call)
  if (callee.type !== 'MemberExpression') return false
  return keepingMethods.has(keyOf(callee)) || keepingNamespaces.has(nameOf(child(callee, 'object')))
}

/** An array or object literal that holds the value keeps it, unless it is itself only passed to a call. */
function intoLiteral(part: Node): Destination {
  let value = part
  let { parent } = part
  while (parent && (isLiteralPart(parent) || wrappers.has(parent.type))) {
    value = parent
    ;({ parent } = parent)
  }
  if (parent?.type === 'ExpressionStatement') return lost
  if (parent?.type === 'CallExpression' && parent['callee'] !== value) {
    return keepsArguments(parent) ? kept : lost
  }
  return kept
}

function isLiteralPart(node: Node): boolean {
  return (
    node.type === 'ArrayExpression' ||
    node.type === 'ObjectExpression' ||
    node.type === 'Property' ||
    node.type === 'SpreadElement'
  )
}
