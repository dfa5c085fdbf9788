/*
 * The control-flow graph of one body, and the pen that draws it: where evaluation stands, what surrounds it, and where
 * a jump from there leads. ESLint's own code paths are not used because oxlint had none for long, and because they do
 * not tell an exception from a return once both ran through a `finally`.
 */
import type { Node } from './syntax.ts'

/** A moment of evaluation. `syntax` is what was just evaluated; a point without it only joins paths. */
export interface Point {
  readonly syntax: Node | undefined
  readonly next: Edge[]
}

/** What may follow a point. */
export interface Edge {
  readonly to: Point
  /** Taken only if the value of `test` is truthy, or falsy. */
  readonly test?: Node
  readonly truthy?: boolean
  /** An exception nobody wrote down: thrown by a call or an `await`, or on its way out through a `finally`. */
  readonly unwinds?: boolean
  /** The syntax that throws, on the first edge of such an exception. */
  readonly raisedBy?: Node
}

/** The graph of one body. */
export interface Flow {
  /** Where each piece of syntax is evaluated; without what can never be reached. */
  readonly points: ReadonlyMap<Node, readonly Point[]>
  readonly exit: Point
}

/** A jump on its way to its target. `unwinds` marks exceptions, and ends of generators, that no statement makes. */
export interface Jump {
  readonly kind: 'break' | 'continue' | 'return' | 'throw'
  readonly label?: string | undefined
  readonly unwinds?: boolean
}

/** What a jump meets on its way outwards: a target, or the walk of a `finally` block that it passes through first. */
export type Frame =
  | { readonly kind: 'target'; target(jump: Jump): Point | undefined }
  | { readonly kind: 'finally'; readonly block: Node; walk(): void; readonly copies: Map<string, Point> }

/** The state of drawing. */
export interface Pen {
  here: Point
  frames: Frame[]
  /** Where a `?.` whose left side is nullish leads to: the end of the chain around it. */
  chainEnd: Point | undefined
  depth: number
  size: number
  readonly points: Map<Node, Point[]>
  readonly exit: Point
  readonly visitorKeys: Readonly<Record<string, readonly string[] | undefined>>
}

/** Beyond these a body is no longer read, and nothing is said about its paths: it was not written by a person. */
const limits = { depth: 1000, size: 50_000 }

/** Whether the body is too large or too deep to be drawn. */
export function isExhausted(pen: Pen): boolean {
  return pen.size > limits.size || pen.depth > limits.depth
}

/** A pen at the beginning of a body. */
export function newPen(visitorKeys: Pen['visitorKeys']): Pen {
  return {
    here: newPoint(),
    frames: [],
    chainEnd: undefined,
    depth: 0,
    size: 0,
    points: new Map(),
    exit: newPoint(),
    visitorKeys,
  }
}

/** A point that nothing leads to yet. */
export function newPoint(syntax?: Node): Point {
  return { syntax, next: [] }
}

/** Draws an edge; `to` may be met from any number of points. */
export function link(from: Point, to: Point, how?: Omit<Edge, 'to'>): void {
  from.next.push({ to, ...how })
}

/** The finished graph, `entry` being where the pen began; undefined if the body is exhausted. */
export function finish(pen: Pen, entry: Point): Flow | undefined {
  link(pen.here, pen.exit)
  if (isExhausted(pen)) return undefined
  const reached = new Set([entry])
  for (const point of reached) for (const { to } of point.next) reached.add(to)
  const points = new Map<Node, Point[]>()
  for (const [syntax, all] of pen.points) {
    points.set(
      syntax,
      all.filter((point) => reached.has(point)),
    )
  }
  return { points, exit: pen.exit }
}

/** Records that a piece of syntax is evaluated now. */
export function mark(pen: Pen, syntax: Node): void {
  const point = newPoint(syntax)
  const same = pen.points.get(syntax)
  if (same) same.push(point)
  else pen.points.set(syntax, [point])
  pen.size++
  link(pen.here, point)
  pen.here = point
}

/** Records that `raisedBy`, just evaluated, may throw, and that evaluation may as well go on. */
export function mayThrow(pen: Pen, raisedBy: Node): void {
  link(pen.here, route(pen, { kind: 'throw', unwinds: true }), { unwinds: true, raisedBy })
}

/** Records that a generator may be ended here by its consumer, which runs `finally` blocks but no `catch`. */
export function mayEnd(pen: Pen, raisedBy: Node): void {
  link(pen.here, route(pen, { kind: 'return', unwinds: true }), { unwinds: true, raisedBy })
}

/** Leaves on a jump. What follows in the source is drawn as well, but nothing leads there. */
export function leave(pen: Pen, jump: Jump): void {
  link(pen.here, route(pen, jump))
  pen.here = newPoint()
}

/** Runs `draw` inside a frame. */
export function within(pen: Pen, frame: Frame, draw: () => void): void {
  pen.frames.push(frame)
  draw()
  pen.frames.pop()
}

/**
 * Where a jump leads from inside the innermost `depth` frames. Each way of leaving a `try` gets its own copy of the
 * `finally` block, since what follows the block depends on how it was entered.
 */
function route(pen: Pen, jump: Jump, depth: number = pen.frames.length): Point {
  for (let i = depth - 1; i >= 0; i--) {
    const frame = pen.frames[i]
    if (frame?.kind === 'finally') return copyOfFinally(pen, frame, i, jump)
    const target = frame?.target(jump)
    if (target) return target
  }
  return pen.exit
}

function copyOfFinally(pen: Pen, frame: Frame & { kind: 'finally' }, depth: number, jump: Jump): Point {
  const key = `${jump.unwinds ? 'unwinds' : ''} ${jump.kind} ${jump.label ?? ''}`
  const known = frame.copies.get(key)
  if (known) return known
  const entry = newPoint(frame.block)
  frame.copies.set(key, entry)
  pen.size++
  if (isExhausted(pen)) return entry

  const { here, frames, chainEnd } = pen
  pen.here = entry
  pen.frames = frames.slice(0, depth)
  pen.chainEnd = undefined
  frame.walk()
  link(pen.here, route(pen, jump, depth), jump.unwinds ? { unwinds: true } : undefined)
  pen.here = here
  pen.frames = frames
  pen.chainEnd = chainEnd
  return entry
}
