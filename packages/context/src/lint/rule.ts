/*
 * The rule `lost-cancel`: a context that was derived must be cancelled on every path. After the `lostcancel` analyzer
 * of `go vet` (golang.org/x/tools/go/analysis/passes/lostcancel), with exceptions, which Go does not have.
 */
import { derivationOf, mentionsKit } from './derivation.ts'
import { destinationOf } from './destination.ts'
import type { Flow } from './graph.ts'
import type { Report, Rule, RuleContext, Variable } from './linter.ts'
import { resolve } from './linter.ts'
import { messages } from './messages.ts'
import type { Loss } from './search.ts'
import { findLosses } from './search.ts'
import { flowOf } from './statements.ts'
import { suggestUsing } from './suggestion.ts'
import type { Node } from './syntax.ts'
import { bodyAround } from './syntax.ts'
import { usesOf } from './uses.ts'

/** The rule; `{ throws: false }` leaves out the exceptions that no `throw` statement makes. */
export const lostCancel: Rule = {
  meta: {
    type: 'problem',
    docs: { description: 'require that derived contexts are cancelled on every path', recommended: true },
    hasSuggestions: true,
    messages,
    schema: [{ type: 'object', properties: { throws: { type: 'boolean' } }, additionalProperties: false }],
  },
  create(context: RuleContext) {
    const calls: Node[] = []
    let fileMentionsKit = false
    const look = (node: Node): void => {
      fileMentionsKit ||= mentionsKit(node)
    }
    return {
      CallExpression(node) {
        calls.push(node)
        look(node)
      },
      ExportAllDeclaration: look,
      ExportNamedDeclaration: look,
      ImportDeclaration: look,
      ImportExpression: look,
      TSExternalModuleReference: look,
      'Program:exit': () => check(context, calls, fileMentionsKit),
    }
  },
}

interface Derived {
  readonly call: Node
  readonly store: Node
}

function check(context: RuleContext, calls: readonly Node[], fileMentionsKit: boolean): void {
  const flows = new Map<Node, Flow | undefined>()
  const derived = new Map<Node, Derived>()
  for (const call of calls) {
    const method = derivationOf(call, context.sourceCode, fileMentionsKit)
    if (method === undefined || (method === 'notify' && bodyAround(call).type === 'Program')) continue
    const destination = destinationOf(call)
    if (destination.kind === 'variable') derived.set(destination.store, { call, store: destination.store })
    if (destination.kind === 'lost') context.report({ node: call, messageId: 'dropped', data: { method } })
  }
  for (const one of derived.values()) checkVariable(context, one, flows)
}

function checkVariable(context: RuleContext, derived: Derived, flows: Map<Node, Flow | undefined>): void {
  const { sourceCode } = context
  const { call, store } = derived
  const variable = resolve(sourceCode, store)
  if (!variable) return
  const body = bodyAround(call)
  const uses = usesOf(variable, store, body, sourceCode)
  if (uses.everywhere) return

  const name = variable.name
  const data = { name, line: String(store.loc.start.line) }
  const suggest = suggestUsing(call, store, uses, sourceCode)
  const report = (finding: Report): void => context.report({ ...finding, ...(suggest && { suggest }) })
  if (uses.places.size === 0) {
    report({ node: store, messageId: 'never', data })
    return
  }
  // A variable of an outer function lives on after this one; who cancels it when is not to be seen here.
  if (!isDeclaredIn(variable, body)) return
  if (!flows.has(body)) flows.set(body, flowOf(body, sourceCode.visitorKeys))
  const flow = flows.get(body)
  if (!flow) return
  const { plain, thrown } = findLosses({ flow, store, uses, scope: variable.scope.block })
  if (plain) report(describe(plain, data))
  // What the top level of a module throws ends the process, or the module never comes into being.
  else if (thrown && body.type !== 'Program' && readThrows(context.options))
    report(describe(thrown, data, store))
}

function isDeclaredIn(variable: Variable, body: Node): boolean {
  return variable.defs.every(({ name }) => bodyAround(name) === body)
}

function readThrows([options]: readonly unknown[]): boolean {
  return !(typeof options === 'object' && options !== null && 'throws' in options && options.throws === false)
}

function describe(loss: Loss, data: Record<string, string>, store: Node = loss.at): Report {
  const { at, kind } = loss
  switch (kind) {
    case 'jump':
      return { node: at, messageId: 'path', data: { ...data, jump: jumpNames[at.type] ?? 'jump' } }
    case 'end':
      return { node: at, messageId: 'end', data }
    case 'overwritten':
      return { node: at, messageId: 'overwritten', data }
    case 'thrown':
      return {
        node: store,
        messageId: 'unprotected',
        data: { ...data, what: throwerNames[at.type] ?? 'call', at: String(at.loc.start.line) },
      }
  }
}

const jumpNames: Readonly<Record<string, string>> = {
  BreakStatement: '`break`',
  ContinueStatement: '`continue`',
  ReturnStatement: '`return`',
  ThrowStatement: '`throw`',
}

const throwerNames: Readonly<Record<string, string>> = {
  AwaitExpression: '`await`',
  ForOfStatement: '`for await`',
  YieldExpression: '`yield`',
}
