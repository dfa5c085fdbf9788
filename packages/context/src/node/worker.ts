/*
 * Contexts across threads. A context cannot be posted to a worker; what it is made of can: the time that is left,
 * values, and the news of its end. In the worker they make a context that ends with the one it stands for, also while
 * the worker computes without ever returning to its event loop: reading `err` looks at memory that both threads share.
 */
import type { TransferListItem, Worker } from 'node:worker_threads'
import { MessageChannel, MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Timer } from '../clock.ts'
import { clock } from '../clock.ts'
import type { CancelContext, Context } from '../context.ts'
import { assertContext, ContextNode, endable } from '../context-node.ts'
import type { CanceledError, DeadlineExceededError } from '../errors.ts'
import { ContextError, errorFromElsewhere } from '../errors.ts'
import type { Key } from '../key.ts'
import { pollers } from '../poll.ts'
import { assertGrace } from './grace.ts'

/** A key of any type. */
// oxlint-disable-next-line typescript/no-explicit-any -- Key is invariant, so no other type takes every key
export type AnyKey = Key<any>

/** Options of `shareContext` and `receiveContext`. */
export interface ShareOptions {
  /** The values that go along, by the names of their keys; both sides list the same. Default: none. */
  keys?: readonly AnyKey[]
}

/** The end of a context, as it is posted. */
export interface EndMessage {
  readonly deadline: boolean
  readonly message: string
  readonly cause: unknown
}

/** What stands for a context on its way to a worker. Opaque; good for one worker. */
export interface SharedContext {
  readonly port: MessagePort
  readonly flag: Int32Array
  /** The deadline on the clock that all threads of a process share, in ms. */
  readonly deadline: number | undefined
  readonly deadlineCause: unknown
  readonly values: readonly (readonly [name: string, value: unknown])[]
  /** How it ended, if it had ended when it was shared. */
  readonly end: EndMessage | undefined
}

/**
 * Makes what a worker needs to have this context: post `data` (or put it into `workerData`) with `transfer` as the
 * transfer list, and call `receiveContext(data)` there. The news of the end goes over as it happens; the cause is cloned
 * where it can be, and is its text where it cannot. Nothing stays on the context once the worker's own has ended or the
 * worker is gone. Throws KIT_INVALID_CONTEXT, KIT_INVALID_KEY, KIT_INVALID_OPTION.
 */
export function shareContext(
  ctx: Context,
  options: ShareOptions = {},
): { readonly data: SharedContext; readonly transfer: TransferListItem[] } {
  assertContext(ctx)
  const values = resolveKeys(options).map((key) => [key.name, ctx.value(key) as unknown] as const)
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const { err } = ctx
  if (err === undefined) {
    const stop = ctx.afterFunc((ended) => {
      port1.postMessage(messageOf(ended, ctx.cause))
      // After the message, which whoever sees the flag looks for.
      Atomics.store(flag, 0, 1)
    })
    port1.once('close', stop)
  }
  const end = err && messageOf(err, ctx.cause)
  const deadline = ctx.deadline === undefined ? undefined : sharedNow() + ctx.remaining
  const deadlineCause = sendable(ContextNode.deadlineCause(ctx))
  return { data: { port: port2, flag, deadline, deadlineCause, values, end }, transfer: [port2] }
}

/**
 * The context that was shared with this thread: same deadline, the values of `keys`, ends with the other one. Cancel it
 * when its work is over, so that the other thread can let go of it; that ends nothing over there.
 * Throws KIT_INVALID_CONTEXT on anything else than the `data` of `shareContext`, KIT_INVALID_KEY, KIT_INVALID_OPTION.
 */
export function receiveContext(data: SharedContext, options: ShareOptions = {}): CancelContext {
  if (!(data?.port instanceof MessagePort) || !(data.flag instanceof Int32Array)) {
    throw new ContextError('KIT_INVALID_CONTEXT', 'receiveContext needs the data that shareContext made')
  }
  const { port, flag, deadline, deadlineCause, values, end: before } = data
  const keys = new Map(resolveKeys(options).map((key) => [key.name, key]))
  const bindings = values.flatMap(([name, value]) => {
    const key = keys.get(name)
    return key === undefined ? [] : [[key, value] as const]
  })
  // The readings are in this order, here and where it was shared, so that the way can only cost time.
  const now = clock.now()
  const left = deadline === undefined || before !== undefined ? Infinity : deadline - sharedNow()
  const { ctx, end } = endable('receiveContext', now + left, deadlineCause, bindings)

  const receive = ({ deadline: isDeadline, message, cause }: EndMessage): void =>
    end(errorFromElsewhere(isDeadline, message, cause))
  const poll = (): void => {
    if (Atomics.load(flag, 0) === 0) return
    const message = receiveMessageOnPort(port)?.message as EndMessage | undefined
    if (message !== undefined) receive(message)
  }
  if (before !== undefined) receive(before)
  port.on('message', receive)
  port.unref()
  pollers.add(poll)
  ctx.afterFunc(() => {
    pollers.delete(poll)
    port.close()
  })
  return ctx
}

/** Options of `terminateOnDone`. */
export interface TerminateOptions {
  /** How long the worker has to notice by itself, in ms. Default 1000. */
  graceMs?: number
}

/**
 * Has the worker terminated `graceMs` after the context ended, wherever its code is then, and returns it. Nothing stays
 * on the context once the worker has exited. Throws KIT_INVALID_CONTEXT, KIT_INVALID_WORKER, KIT_INVALID_OPTION.
 */
export function terminateOnDone(ctx: Context, worker: Worker, options: TerminateOptions = {}): Worker {
  assertContext(ctx)
  const { graceMs = 1000 } = options
  if (typeof worker?.terminate !== 'function' || typeof worker.once !== 'function') {
    throw new ContextError('KIT_INVALID_WORKER', 'terminateOnDone needs a Worker of node:worker_threads')
  }
  assertGrace(graceMs)
  if (worker.threadId === exited) return worker
  let timer: Timer | undefined
  const terminate = (): void => void worker.terminate()
  const stop = ctx.afterFunc(() => {
    timer = clock.setTimer(graceMs, terminate)
  })
  worker.once('exit', () => {
    stop()
    timer?.cancel()
  })
  return worker
}

/** The thread id of a worker that has exited. */
const exited = -1

/** Milliseconds on a clock that is the same in all threads, which `performance.now()` is not. */
function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function messageOf(err: CanceledError | DeadlineExceededError, cause: unknown): EndMessage {
  const { code, message } = err
  // Where the context gave no reason, the error is its own cause, and the other side makes one of its own.
  return {
    deadline: code === 'KIT_DEADLINE_EXCEEDED',
    message,
    cause: cause === err ? undefined : sendable(cause),
  }
}

/** The cause, or its text if it cannot be cloned. */
function sendable(cause: unknown): unknown {
  try {
    return structuredClone(cause)
  } catch {
    return textOf(cause)
  }
}

function textOf(value: unknown): string {
  try {
    return String(value).slice(0, 200)
  } catch {
    return 'a cause that cannot be sent to another thread'
  }
}

function resolveKeys({ keys = [] }: ShareOptions): readonly AnyKey[] {
  const names = new Set(keys.map((key) => key.name))
  if (names.size === keys.length) return keys
  throw new ContextError('KIT_INVALID_OPTION', 'two of the keys have one name, and names are what they go by')
}
