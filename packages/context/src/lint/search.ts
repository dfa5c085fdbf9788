/*
 * Follows every path from where a context is stored, until its cancel is used, and answers with the shortest one on
 * which the variable is gone before: left behind, or given another value.
 */
import type { Edge, Flow, Point } from './graph.ts'
import type { Node } from './syntax.ts'
import { child, children, isInside, keyOf, nameOf, unwrap } from './syntax.ts'
import type { Uses } from './uses.ts'

/**
 * How a context is lost. `jump`: by a statement that leaves the variable's block. `end`: by running off the end of it.
 * `overwritten`: the variable gets another value. `thrown`: by an exception that `at` may throw.
 */
export interface Loss {
  readonly kind: 'jump' | 'end' | 'overwritten' | 'thrown'
  readonly at: Node
}

/** What is searched for. */
export interface Search {
  readonly flow: Flow
  /** The identifier under which the context is stored. */
  readonly store: Node
  readonly uses: Uses
  /** The block, or whatever else, outside of which the variable does not exist. */
  readonly scope: Node
}

/** The losses without, and by, an exception that no statement throws. */
export function findLosses(search: Search): { plain: Loss | undefined; thrown: Loss | undefined } {
  const trail: Trail = new Map()
  const queue: Point[] = []
  for (const point of search.flow.points.get(search.store) ?? []) {
    trail.set(point, undefined)
    queue.push(point)
  }
  let plain: Loss | undefined
  let thrown: Loss | undefined
  for (const point of queue) {
    for (const edge of point.next) {
      if (isImpossible(search, edge) || (edge.raisedBy && isHarmless(search, edge.raisedBy))) continue
      const step = { from: point, edge }
      const { syntax } = edge.to
      if (syntax && search.uses.places.has(syntax)) continue
      if (syntax && search.uses.writes.has(syntax)) plain ??= { kind: 'overwritten', at: syntax }
      else if (edge.to !== search.flow.exit && (!syntax || isInside(syntax, search.scope))) {
        if (trail.has(edge.to)) continue
        trail.set(edge.to, step)
        queue.push(edge.to)
      } else if (edge.unwinds) thrown ??= causeOfThrow(search, trail, step)
      else plain ??= causeOfLeaving(search, trail, step)
    }
  }
  return { plain, thrown }
}

interface Step {
  readonly from: Point
  readonly edge: Edge
}

/** How the search came to a point first. */
type Trail = Map<Point, Step | undefined>

/** A variable that holds a live context is neither nullish nor has it an `err`; the ways of saying so are followed. */
function isImpossible(search: Search, { test, truthy }: Edge): boolean {
  const expected = test && expectedOutcome(search, unwrap(test))
  return expected !== undefined && truthy !== expected
}

/** What a condition comes to while the variable holds a live context; undefined if it may be either. */
function expectedOutcome(search: Search, test: Node): boolean | undefined {
  if (test.type !== 'BinaryExpression') return isTruthy(search, test)
  const operator = test['operator']
  const negated = operator === '!=' || operator === '!=='
  if (!negated && operator !== '==' && operator !== '===') return undefined
  const left = child(test, 'left')
  const right = child(test, 'right')
  if (!left || !right) return undefined
  const compared = isNullish(right) ? left : isNullish(left) ? right : undefined
  const truthy = compared && isTruthy(search, unwrap(compared))
  return truthy === undefined ? undefined : truthy === negated
}

function isTruthy(search: Search, value: Node): boolean | undefined {
  if (search.uses.mentions.has(value)) return true
  const object = value.type === 'MemberExpression' ? child(value, 'object') : undefined
  if (!object) return undefined
  const key = keyOf(value)
  if (search.uses.mentions.has(unwrap(object))) return key === 'err' ? false : key === 'cancel' || undefined
  const inner = unwrap(object)
  if (key !== 'aborted' || inner.type !== 'MemberExpression' || keyOf(inner) !== 'signal') return undefined
  const holder = child(inner, 'object')
  return holder && search.uses.mentions.has(unwrap(holder)) ? false : undefined
}

function isNullish(node: Node): boolean {
  const value = unwrap(node)
  return (
    (value.type === 'Literal' && value['raw'] === 'null') ||
    nameOf(value) === 'undefined' ||
    (value.type === 'UnaryExpression' && value['operator'] === 'void')
  )
}

/** An exception that says that the context has ended, or that a promise turns into a rejection which cancels. */
function isHarmless(search: Search, call: Node): boolean {
  const callee = child(call, 'callee')
  const member = callee && unwrap(callee)
  if (member?.type === 'MemberExpression' && keyOf(member) === 'throwIfDone') {
    const object = child(member, 'object')
    if (object && search.uses.mentions.has(unwrap(object))) return true
  }
  return startsCancellingChain(search, call)
}

/** `work(ctx)` in `work(ctx).finally(() => ctx.cancel())`: a function that answers a promise does not throw. */
function startsCancellingChain(search: Search, call: Node): boolean {
  const member = call.parent
  if (member?.type !== 'MemberExpression' || member['object'] !== call) return false
  const next = member.parent
  if (next?.type !== 'CallExpression' || next['callee'] !== member) return false
  const key = keyOf(member)
  if (key !== 'then' && key !== 'catch' && key !== 'finally') return false
  const handlers = children(next, 'arguments')
  const { places } = search.uses
  if (handlers.some((handler) => [...places].some((place) => isInside(place, handler)))) return true
  return startsCancellingChain(search, next)
}

function causeOfThrow(search: Search, trail: Trail, last: Step): Loss {
  for (let step: Step | undefined = last; step; step = trail.get(step.from)) {
    if (step.edge.raisedBy) return { kind: 'thrown', at: step.edge.raisedBy }
  }
  return { kind: 'thrown', at: search.store }
}

function causeOfLeaving(search: Search, trail: Trail, last: Step): Loss {
  for (let step: Step | undefined = last; step; step = trail.get(step.from)) {
    const { syntax } = step.from
    if (syntax && leaves(syntax, search.scope)) return { kind: 'jump', at: syntax }
  }
  return { kind: 'end', at: search.store }
}

/** Whether a node is a jump out of the scope. */
function leaves(jump: Node, scope: Node): boolean {
  if (jump.type === 'ReturnStatement') return true
  const isBreak = jump.type === 'BreakStatement'
  if (!isBreak && jump.type !== 'ContinueStatement' && jump.type !== 'ThrowStatement') return false
  const label = nameOf(child(jump, 'label'))
  let inner = jump
  for (let outer = jump.parent; outer && isInside(outer, scope); outer = outer.parent) {
    if (isTarget(jump, label, inner, outer)) return isBreak && outer === scope
    inner = outer
  }
  return true
}

function isTarget(jump: Node, label: string | undefined, inner: Node, outer: Node): boolean {
  if (jump.type === 'ThrowStatement') {
    return outer.type === 'TryStatement' && outer['block'] === inner && child(outer, 'handler') !== undefined
  }
  if (label !== undefined) return outer.type === 'LabeledStatement' && nameOf(child(outer, 'label')) === label
  if (outer.type === 'SwitchStatement') return jump.type === 'BreakStatement'
  return /^(?:DoWhile|For|ForIn|ForOf|While)Statement$/.test(outer.type)
}
