/*
 * Which calls derive a context that somebody has to cancel. Without types a name has to do: `withTimeout` and its
 * like are also the names of other libraries' builder methods, so a member call counts only in a file that imports
 * from the kit, or on something that is called a context.
 */
import type { SourceCode } from './linter.ts'
import { resolve } from './linter.ts'
import type { Node } from './syntax.ts'
import { child, children, keyOf, nameOf, stringOf, unwrap } from './syntax.ts'

const methods: ReadonlySet<string> = new Set(['withCancel', 'withTimeout', 'withDeadline', 'withSignal'])
const kitPrefix = '@kit/'
const contextModule = '@kit/context'

/** Whether a node names a module of the kit: any form of import, re-export or `require`. */
export function mentionsKit(node: Node): boolean {
  switch (node.type) {
    case 'CallExpression':
      return requiredModule(node)?.startsWith(kitPrefix) ?? false
    case 'TSExternalModuleReference':
      return stringOf(child(node, 'expression'))?.startsWith(kitPrefix) ?? false
    default:
      return stringOf(child(node, 'source'))?.startsWith(kitPrefix) ?? false
  }
}

/** What a call could derive a context with: the method's name or `notify`; undefined if it is no derivation. */
export function derivationOf(call: Node, source: SourceCode, fileMentionsKit: boolean): string | undefined {
  const callee = unwrap(child(call, 'callee') ?? call)
  if (callee.type === 'Identifier') {
    return importedName(callee, source) === 'notify' ? 'notify' : undefined
  }
  if (callee.type !== 'MemberExpression') return undefined
  const method = keyOf(callee)
  const receiver = child(callee, 'object')
  if (method === undefined || !receiver) return undefined
  if (method === 'notify') return isContextModule(unwrap(receiver), source) ? method : undefined
  return methods.has(method) && (fileMentionsKit || looksLikeContext(receiver)) ? method : undefined
}

/** Whether an expression is called a context: `ctx`, `this.requestContext`, `background`, `current()`, a chain of these. */
export function looksLikeContext(expression: Node): boolean {
  const node = unwrap(expression)
  if (node.type === 'AwaitExpression') return looksLikeContext(child(node, 'argument') ?? node)
  if (node.type === 'MemberExpression') return isContextName(keyOf(node))
  if (node.type !== 'CallExpression') return isContextName(nameOf(node))
  const callee = unwrap(child(node, 'callee') ?? node)
  if (callee.type !== 'MemberExpression') return nameOf(callee) === 'current'
  const method = keyOf(callee)
  if (method === 'current') return true
  return (
    method !== undefined && /^with[A-Z]/.test(method) && looksLikeContext(child(callee, 'object') ?? callee)
  )
}

function isContextName(name: string | undefined): boolean {
  return (
    name !== undefined && (name === 'background' || name === 'todo' || /(?:ctx|context)\d*_*$/i.test(name))
  )
}

function importedName(identifier: Node, source: SourceCode): string | undefined {
  const definition = resolve(source, identifier)?.defs[0]
  if (!definition) return undefined
  const { node } = definition
  if (node.type === 'ImportSpecifier') {
    if (stringOf(child(node.parent ?? node, 'source')) !== contextModule) return undefined
    const imported = child(node, 'imported')
    return nameOf(imported) ?? stringOf(imported)
  }
  const pattern = child(node, 'id')
  if (pattern?.type !== 'ObjectPattern' || !isModuleExpression(child(node, 'init'))) return undefined
  const property = children(pattern, 'properties').find((one) => boundName(one) === nameOf(identifier))
  return property && keyOf(property)
}

function boundName(property: Node): string | undefined {
  const value = child(property, 'value')
  return nameOf(value?.type === 'AssignmentPattern' ? child(value, 'left') : value)
}

function isContextModule(node: Node, source: SourceCode): boolean {
  if (node.type !== 'Identifier') return isModuleExpression(node)
  const definition = resolve(source, node)?.defs[0]?.node
  if (!definition) return false
  switch (definition.type) {
    case 'ImportNamespaceSpecifier':
    case 'ImportDefaultSpecifier':
      return stringOf(child(definition.parent ?? definition, 'source')) === contextModule
    case 'TSImportEqualsDeclaration': {
      const reference = child(definition, 'moduleReference')
      return reference !== undefined && stringOf(child(reference, 'expression')) === contextModule
    }
    case 'VariableDeclarator':
      return child(definition, 'id')?.type === 'Identifier' && isModuleExpression(child(definition, 'init'))
    default:
      return false
  }
}

/** The module itself, required or imported in place. */
function isModuleExpression(expression: Node | undefined): boolean {
  if (!expression) return false
  const node = unwrap(expression)
  if (node.type === 'AwaitExpression') return isModuleExpression(child(node, 'argument'))
  if (node.type === 'ImportExpression') return stringOf(child(node, 'source')) === contextModule
  return node.type === 'CallExpression' && requiredModule(node) === contextModule
}

function requiredModule(call: Node): string | undefined {
  return nameOf(child(call, 'callee')) === 'require' ? stringOf(children(call, 'arguments')[0]) : undefined
}
