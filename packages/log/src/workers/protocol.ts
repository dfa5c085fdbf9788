// What the trees of several threads and processes say to one another: plain data, checked when it arrives.

import { readOperation } from '../level-operation.ts'
import type { LevelOperation, Place } from '../level-operation.ts'
import type { Stamp } from './order.ts'

/** An operation on its way. */
export interface Deed {
  readonly id: string
  readonly stamp: Stamp
  readonly operation: LevelOperation
  /** How long whoever hands it on waits for those behind, in milliseconds. */
  readonly waitMs: number
}

/** One message. `from` and `to` are members by their random ids. */
export type Message =
  /** I am here; say that you are. */
  | { readonly kind: 'hello'; readonly from: string }
  /** So am I; and this is where we are, from those who know. */
  | { readonly kind: 'here'; readonly from: string; readonly to: string; readonly deeds: readonly Deed[] }
  /** Do not wait for me any more. */
  | { readonly kind: 'bye'; readonly from: string }
  | { readonly kind: 'deed'; readonly from: string; readonly deed: Deed }
  /** It was done here and behind me. */
  | {
      readonly kind: 'done'
      readonly from: string
      readonly to: string
      readonly id: string
      readonly places: readonly Place[]
    }

/** A message out of anything, undefined if it is none. */
export function readMessage(value: unknown): Message | undefined {
  if (!isObject(value)) return undefined
  const { kind, from, to, id } = value
  if (!isId(from)) return undefined
  switch (kind) {
    case 'hello':
    case 'bye':
      return { kind, from }
    case 'here': {
      const deeds = listOf(value['deeds'], readDeed)
      return isId(to) && deeds !== undefined ? { kind, from, to, deeds } : undefined
    }
    case 'deed': {
      const deed = readDeed(value['deed'])
      return deed === undefined ? undefined : { kind, from, deed }
    }
    case 'done': {
      const places = listOf(value['places'], readPlace)
      return isId(to) && isId(id) && places !== undefined ? { kind, from, to, id, places } : undefined
    }
    default:
      return undefined
  }
}

function readDeed(value: unknown): Deed | undefined {
  if (!isObject(value)) return undefined
  const { id, waitMs } = value
  const stamp = readStamp(value['stamp'])
  const operation = readOperation(value['operation'])
  if (!isId(id) || !isCount(waitMs) || stamp === undefined || operation === undefined) return undefined
  return { id, stamp, operation, waitMs }
}

function readStamp(value: unknown): Stamp | undefined {
  if (!isObject(value)) return undefined
  const { time, turn, origin } = value
  return isCount(time) && isCount(turn) && typeof origin === 'string' && origin.length <= 64
    ? { time, turn, origin }
    : undefined
}

function readPlace(value: unknown): Place | undefined {
  if (!isObject(value)) return undefined
  const { pid, thread } = value
  return isCount(pid) && isCount(thread) ? { pid, thread } : undefined
}

function listOf<T>(value: unknown, read: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items: T[] = []
  for (const item of value) {
    const one = read(item)
    if (one === undefined) return undefined
    items.push(one)
  }
  return items
}

/** Whether it is an object whose members can be looked at. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 64
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
