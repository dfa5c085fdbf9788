/*
 * Draws the control flow of expressions in the order of their evaluation: short circuits, `?.` chains, defaults of
 * patterns, and everything that may throw. The inside of a nested function is not drawn; making it is one point.
 */
import type { Pen, Point } from './graph.ts'
import { isExhausted, link, mark, mayEnd, mayThrow, newPoint } from './graph.ts'
import { neverThrows } from './safe-calls.ts'
import type { Node } from './syntax.ts'
import { child, children, isNode } from './syntax.ts'

/** Draws the evaluation of an expression. */
export function drawExpression(pen: Pen, node: Node): void {
  if (isExhausted(pen)) return
  pen.depth++
  draw(pen, node)
  // Once the depth is exhausted it stays so, and everything returns.
  if (!isExhausted(pen)) pen.depth--
}

/** Draws the evaluation of a condition, with the two points that it leads to. */
export function drawBranch(pen: Pen, node: Node, yes: Point, no: Point): void {
  if (isExhausted(pen)) return
  pen.depth++
  branch(pen, node, yes, no)
  if (!isExhausted(pen)) pen.depth--
}

/** Draws a binding or assignment target: defaults are evaluated, then each name is stored to. */
export function drawPattern(pen: Pen, node: Node): void {
  switch (node.type) {
    case 'Identifier':
      mark(pen, node)
      break
    case 'ArrayPattern':
      for (const element of children(node, 'elements')) drawPattern(pen, element)
      break
    case 'AssignmentPattern':
      drawDefault(pen, node)
      break
    case 'ObjectPattern':
      for (const property of children(node, 'properties')) drawPattern(pen, property)
      break
    case 'Property':
      drawKey(pen, node)
      drawField(pen, node, 'value', drawPattern)
      break
    case 'RestElement':
      drawField(pen, node, 'argument', drawPattern)
      break
    case 'TSParameterProperty':
      drawField(pen, node, 'parameter', drawPattern)
      break
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
    case 'TSTypeAssertion':
      drawField(pen, node, 'expression', drawPattern)
      break
    default:
      drawExpression(pen, node)
  }
}

/** Draws the evaluation of a class: heritage, computed keys, static parts. Methods and fields only come into being. */
export function drawClass(pen: Pen, node: Node): void {
  drawField(pen, node, 'superClass')
  const body = child(node, 'body')
  for (const member of body ? children(body, 'body') : []) {
    drawKey(pen, member)
    const value = child(member, 'value')
    if (member.type === 'StaticBlock') {
      mark(pen, member)
      mayThrow(pen, member)
    } else if (member.type === 'MethodDefinition' && value) {
      mark(pen, value)
    } else if (value) {
      mark(pen, member)
    }
  }
}

function branch(pen: Pen, node: Node, yes: Point, no: Point): void {
  const left = child(node, 'left')
  const right = child(node, 'right')
  const operator = node['operator']
  if (node.type === 'LogicalExpression' && operator !== '??' && left && right) {
    const between = newPoint()
    if (operator === '&&') drawBranch(pen, left, between, no)
    else drawBranch(pen, left, yes, between)
    pen.here = between
    drawBranch(pen, right, yes, no)
    return
  }
  const argument = child(node, 'argument')
  if (node.type === 'UnaryExpression' && operator === '!' && argument) {
    drawBranch(pen, argument, no, yes)
    return
  }
  if (node.type === 'Literal' && node['regex'] === undefined && node['bigint'] === undefined) {
    link(pen.here, node['value'] ? yes : no)
    return
  }
  drawExpression(pen, node)
  link(pen.here, yes, { test: node, truthy: true })
  link(pen.here, no, { test: node, truthy: false })
}

function draw(pen: Pen, node: Node): void {
  switch (node.type) {
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
    case 'Identifier':
      mark(pen, node)
      break
    case 'AssignmentExpression':
      drawAssignment(pen, node)
      break
    case 'AwaitExpression':
    case 'TaggedTemplateExpression':
      drawParts(pen, node)
      mark(pen, node)
      mayThrow(pen, node)
      break
    case 'CallExpression':
    case 'NewExpression':
      drawCall(pen, node)
      break
    case 'ChainExpression':
      drawChain(pen, node)
      break
    case 'ClassExpression':
      drawClass(pen, node)
      break
    case 'ConditionalExpression':
      drawConditional(pen, node)
      break
    case 'LogicalExpression':
      drawLogical(pen, node)
      break
    case 'MemberExpression':
      drawField(pen, node, 'object')
      drawQuestionMark(pen, node, 'object')
      if (node['computed'] === true) drawField(pen, node, 'property')
      break
    case 'Property':
      drawKey(pen, node)
      drawField(pen, node, 'value')
      break
    case 'UpdateExpression':
      drawField(pen, node, 'argument', drawPattern)
      break
    case 'YieldExpression':
      drawParts(pen, node)
      mark(pen, node)
      mayThrow(pen, node)
      mayEnd(pen, node)
      break
    default:
      drawParts(pen, node)
  }
}

function drawParts(pen: Pen, node: Node): void {
  for (const key of pen.visitorKeys[node.type] ?? []) {
    const value: unknown = node[key]
    for (const part of Array.isArray(value) ? value : [value]) {
      if (isNode(part)) drawExpression(pen, part)
    }
  }
}

function drawField(pen: Pen, node: Node, field: string, how: typeof drawPattern = drawExpression): void {
  const part = child(node, field)
  if (part) how(pen, part)
}

function drawKey(pen: Pen, node: Node): void {
  if (node['computed'] === true) drawField(pen, node, 'key')
}

function drawAssignment(pen: Pen, node: Node): void {
  const left = child(node, 'left')
  const right = child(node, 'right')
  if (!left || !right) return
  const operator = node['operator']
  if (operator !== '??=' && operator !== '||=' && operator !== '&&=') {
    drawExpression(pen, right)
    drawPattern(pen, left)
    return
  }
  // A name on the left is stored to only if the right side is evaluated, so reading it is no point of its own.
  if (left.type !== 'Identifier') drawExpression(pen, left)
  const [assigned, end] = [newPoint(), newPoint()]
  link(pen.here, assigned, { test: left, truthy: operator === '&&=' })
  link(pen.here, end, { test: left, truthy: operator !== '&&=' })
  pen.here = assigned
  drawExpression(pen, right)
  drawPattern(pen, left)
  link(pen.here, end)
  pen.here = end
}

function drawCall(pen: Pen, node: Node): void {
  drawField(pen, node, 'callee')
  drawQuestionMark(pen, node, 'callee')
  for (const argument of children(node, 'arguments')) drawExpression(pen, argument)
  mark(pen, node)
  if (!neverThrows(node)) mayThrow(pen, node)
}

function drawChain(pen: Pen, node: Node): void {
  const outer = pen.chainEnd
  const end = newPoint()
  pen.chainEnd = end
  drawField(pen, node, 'expression')
  pen.chainEnd = outer
  link(pen.here, end)
  pen.here = end
}

function drawQuestionMark(pen: Pen, node: Node, field: string): void {
  if (node['optional'] !== true || !pen.chainEnd) return
  const test = child(node, field)
  const next = newPoint()
  link(pen.here, pen.chainEnd, test && { test, truthy: false })
  link(pen.here, next, test && { test, truthy: true })
  pen.here = next
}

function drawConditional(pen: Pen, node: Node): void {
  const [yes, no, end] = [newPoint(), newPoint(), newPoint()]
  const test = child(node, 'test')
  if (test) drawBranch(pen, test, yes, no)
  pen.here = yes
  drawField(pen, node, 'consequent')
  link(pen.here, end)
  pen.here = no
  drawField(pen, node, 'alternate')
  link(pen.here, end)
  pen.here = end
}

function drawLogical(pen: Pen, node: Node): void {
  const left = child(node, 'left')
  if (!left) return
  const [right, end] = [newPoint(), newPoint()]
  if (node['operator'] === '&&') {
    drawBranch(pen, left, right, end)
  } else if (node['operator'] === '||') {
    drawBranch(pen, left, end, right)
  } else {
    drawExpression(pen, left)
    link(pen.here, end, { test: left, truthy: true })
    link(pen.here, right, { test: left, truthy: false })
  }
  pen.here = right
  drawField(pen, node, 'right')
  link(pen.here, end)
  pen.here = end
}

function drawDefault(pen: Pen, node: Node): void {
  const [given, missing] = [newPoint(), newPoint()]
  link(pen.here, given)
  link(pen.here, missing)
  pen.here = missing
  drawField(pen, node, 'right')
  link(pen.here, given)
  pen.here = given
  drawField(pen, node, 'left', drawPattern)
}
