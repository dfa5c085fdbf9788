/*
 * Draws the control flow of statements. Conditions are opaque, both ways are possible, except for literals: the end of
 * `while (true)` is reached by `break` only.
 */
import { drawBranch, drawClass, drawExpression, drawPattern } from './expressions.ts'
import type { Flow, Jump, Pen, Point } from './graph.ts'
import { finish, isExhausted, leave, link, mark, mayThrow, newPen, newPoint, within } from './graph.ts'
import type { Node } from './syntax.ts'
import { child, children, nameOf } from './syntax.ts'

/** The control flow of a body: a function, a program, a static block, a class field. Undefined if it is too large. */
export function flowOf(body: Node, visitorKeys: Pen['visitorKeys']): Flow | undefined {
  const pen = newPen(visitorKeys)
  const entry = pen.here
  for (const parameter of children(body, 'params')) drawPattern(pen, parameter)
  for (const statement of children(body, 'body')) drawStatement(pen, statement)
  const block = child(body, 'body')
  if (block?.type === 'BlockStatement') drawStatement(pen, block)
  else if (block) drawExpression(pen, block)
  const value = child(body, 'value')
  if (value) drawExpression(pen, value)
  return finish(pen, entry)
}

function drawStatement(pen: Pen, node: Node, labels: readonly string[] = []): void {
  if (isExhausted(pen)) return
  pen.depth++
  draw(pen, node, labels)
  // Once the depth is exhausted it stays so, and everything returns.
  if (!isExhausted(pen)) pen.depth--
}

function draw(pen: Pen, node: Node, labels: readonly string[]): void {
  switch (node.type) {
    case 'BlockStatement':
    case 'TSModuleBlock':
      drawAll(pen, children(node, 'body'))
      break
    case 'BreakStatement':
      drawJump(pen, node, { kind: 'break', label: nameOf(child(node, 'label')) })
      break
    case 'ClassDeclaration':
      drawClass(pen, node)
      break
    case 'ContinueStatement':
      drawJump(pen, node, { kind: 'continue', label: nameOf(child(node, 'label')) })
      break
    case 'DoWhileStatement':
      drawDoWhile(pen, node, labels)
      break
    case 'ExportDefaultDeclaration':
    case 'ExportNamedDeclaration':
    case 'TSModuleDeclaration':
      drawNested(pen, node)
      break
    case 'ForInStatement':
    case 'ForOfStatement':
      drawForEach(pen, node, labels)
      break
    case 'ForStatement':
      drawFor(pen, node, labels)
      break
    case 'FunctionDeclaration':
    case 'ImportDeclaration':
      break
    case 'IfStatement':
      drawIf(pen, node)
      break
    case 'LabeledStatement':
      drawLabeled(pen, node, labels)
      break
    case 'ReturnStatement':
      drawOptional(pen, child(node, 'argument'))
      drawJump(pen, node, { kind: 'return' })
      break
    case 'SwitchStatement':
      drawSwitch(pen, node)
      break
    case 'ThrowStatement':
      drawOptional(pen, child(node, 'argument'))
      drawJump(pen, node, { kind: 'throw' })
      break
    case 'TryStatement':
      drawTry(pen, node)
      break
    case 'VariableDeclaration':
      for (const declarator of children(node, 'declarations')) drawDeclarator(pen, declarator)
      break
    case 'WhileStatement':
      drawWhile(pen, node, labels)
      break
    case 'WithStatement':
      drawOptional(pen, child(node, 'object'))
      drawBody(pen, node)
      break
    case 'ExpressionStatement':
      drawOptional(pen, child(node, 'expression'))
      break
    default:
      drawExpression(pen, node)
  }
}

function drawAll(pen: Pen, statements: readonly Node[]): void {
  for (const statement of statements) drawStatement(pen, statement)
}

function drawBody(pen: Pen, node: Node): void {
  const body = child(node, 'body')
  if (body) drawStatement(pen, body)
}

function drawOptional(pen: Pen, expression: Node | undefined): void {
  if (expression) drawExpression(pen, expression)
}

function drawJump(pen: Pen, node: Node, jump: Jump): void {
  mark(pen, node)
  leave(pen, jump)
}

function drawNested(pen: Pen, node: Node): void {
  const inner = child(node, 'declaration') ?? child(node, 'body')
  if (inner) drawStatement(pen, inner)
}

function drawDeclarator(pen: Pen, declarator: Node): void {
  const init = child(declarator, 'init')
  const id = child(declarator, 'id')
  if (!init || !id) return
  drawExpression(pen, init)
  drawPattern(pen, id)
}

function drawIf(pen: Pen, node: Node): void {
  const [yes, no, end] = [newPoint(), newPoint(), newPoint()]
  const test = child(node, 'test')
  if (test) drawBranch(pen, test, yes, no)
  for (const [start, field] of [
    [yes, 'consequent'],
    [no, 'alternate'],
  ] as const) {
    pen.here = start
    const branch = child(node, field)
    if (branch) drawStatement(pen, branch)
    link(pen.here, end)
  }
  pen.here = end
}

function drawLabeled(pen: Pen, node: Node, labels: readonly string[]): void {
  const label = nameOf(child(node, 'label'))
  const body = child(node, 'body')
  if (label === undefined || !body) return
  const end = newPoint()
  const target = (jump: Jump): Point | undefined =>
    jump.kind === 'break' && jump.label === label ? end : undefined
  within(pen, { kind: 'target', target }, () => drawStatement(pen, body, [...labels, label]))
  link(pen.here, end)
  pen.here = end
}

/** Draws the body of a loop; `again` is where `continue` leads, `end` where `break` does. */
function drawLoopBody(pen: Pen, node: Node, labels: readonly string[], again: Point, end: Point): void {
  const target = (jump: Jump): Point | undefined => {
    if (jump.kind === 'break' && jump.label === undefined) return end
    if (jump.kind !== 'continue') return undefined
    return jump.label === undefined || labels.includes(jump.label) ? again : undefined
  }
  within(pen, { kind: 'target', target }, () => drawBody(pen, node))
  link(pen.here, again)
}

function drawWhile(pen: Pen, node: Node, labels: readonly string[]): void {
  mark(pen, node)
  const [head, body, end] = [pen.here, newPoint(), newPoint()]
  const test = child(node, 'test')
  if (test) drawBranch(pen, test, body, end)
  pen.here = body
  drawLoopBody(pen, node, labels, head, end)
  pen.here = end
}

function drawDoWhile(pen: Pen, node: Node, labels: readonly string[]): void {
  const [body, again, end] = [newPoint(), newPoint(node), newPoint()]
  link(pen.here, body)
  pen.here = body
  drawLoopBody(pen, node, labels, again, end)
  pen.here = again
  const test = child(node, 'test')
  if (test) drawBranch(pen, test, body, end)
  pen.here = end
}

function drawFor(pen: Pen, node: Node, labels: readonly string[]): void {
  const init = child(node, 'init')
  if (init) drawStatement(pen, init)
  mark(pen, node)
  const [head, body, again, end] = [pen.here, newPoint(), newPoint(node), newPoint()]
  const test = child(node, 'test')
  if (test) drawBranch(pen, test, body, end)
  else link(head, body)
  pen.here = body
  drawLoopBody(pen, node, labels, again, end)
  pen.here = again
  drawOptional(pen, child(node, 'update'))
  link(pen.here, head)
  pen.here = end
}

function drawForEach(pen: Pen, node: Node, labels: readonly string[]): void {
  drawOptional(pen, child(node, 'right'))
  mark(pen, node)
  if (node['await'] === true) mayThrow(pen, node)
  const [head, end] = [pen.here, newPoint()]
  link(head, end)
  const left = child(node, 'left')
  const declared = left && children(left, 'declarations')[0]
  const pattern = (declared && child(declared, 'id')) ?? left
  pen.here = newPoint()
  link(head, pen.here)
  if (pattern) drawPattern(pen, pattern)
  drawLoopBody(pen, node, labels, head, end)
  pen.here = end
}

function drawSwitch(pen: Pen, node: Node): void {
  drawOptional(pen, child(node, 'discriminant'))
  const cases = children(node, 'cases')
  const end = newPoint()
  const bodies = cases.map(() => newPoint())
  for (const [i, one] of cases.entries()) {
    const test = child(one, 'test')
    const body = bodies[i]
    if (!test || !body) continue
    drawExpression(pen, test)
    link(pen.here, body)
  }
  const otherwise = cases.findIndex((one) => !child(one, 'test'))
  link(pen.here, bodies[otherwise] ?? end)
  const target = (jump: Jump): Point | undefined =>
    jump.kind === 'break' && jump.label === undefined ? end : undefined
  within(pen, { kind: 'target', target }, () => {
    pen.here = newPoint()
    for (const [i, one] of cases.entries()) {
      const body = bodies[i]
      if (!body) continue
      link(pen.here, body)
      pen.here = body
      drawAll(pen, children(one, 'consequent'))
    }
  })
  link(pen.here, end)
  pen.here = end
}

function drawTry(pen: Pen, node: Node): void {
  const finalizer = child(node, 'finalizer')
  if (!finalizer) return drawTryCatch(pen, node)
  const walk = (): void => drawStatement(pen, finalizer)
  const frame = { kind: 'finally', block: finalizer, walk, copies: new Map<string, Point>() } as const
  within(pen, frame, () => drawTryCatch(pen, node))
  walk()
}

function drawTryCatch(pen: Pen, node: Node): void {
  const block = child(node, 'block')
  const handler = child(node, 'handler')
  if (!block) return
  if (!handler) return drawStatement(pen, block)
  const [caught, end] = [newPoint(handler), newPoint()]
  const target = (jump: Jump): Point | undefined => (jump.kind === 'throw' ? caught : undefined)
  within(pen, { kind: 'target', target }, () => drawStatement(pen, block))
  link(pen.here, end)
  pen.here = caught
  const parameter = child(handler, 'param')
  if (parameter) drawPattern(pen, parameter)
  drawBody(pen, handler)
  link(pen.here, end)
  pen.here = end
}
