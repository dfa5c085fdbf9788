/*
 * Child processes under a context: asked to end, then made to.
 */
import type { ChildProcess, ExecFileOptions as NodeOptions } from 'node:child_process'
import { execFile as execFileOfNode } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { errorMonitor } from 'node:events'
import { constants } from 'node:os'
import { setImmediate } from 'node:timers'
import { promisify } from 'node:util'
import type { Timer } from '../clock.ts'
import { clock } from '../clock.ts'
import type { Context } from '../context.ts'
import { assertContext } from '../context-node.ts'
import { ContextError } from '../errors.ts'
import { assertGrace } from './grace.ts'

/** Options of `killOnDone`. */
export interface KillOptions {
  /** The signal that asks the process to end. Default SIGTERM. */
  killSignal?: NodeJS.Signals
  /** How long it has before SIGKILL, in ms; 0: it gets SIGKILL at once. Default 5000. */
  graceMs?: number
  /**
   * Whether the signals go to its whole process group; the process was then spawned `detached`. Who is still there after
   * `graceMs` gets SIGKILL even if the process itself has exited by then; until then it is looked for, which keeps this
   * process alive. Default false.
   */
  group?: boolean
}

/**
 * Has the process end when the context ends, and returns it: `killSignal` first, SIGKILL if it is still there after
 * `graceMs`. Nothing stays on the context once the process has exited.
 * Throws KIT_INVALID_CONTEXT, KIT_INVALID_PROCESS, KIT_INVALID_OPTION.
 */
export function killOnDone<P extends ChildProcess>(ctx: Context, child: P, options: KillOptions = {}): P {
  assertContext(ctx)
  if (typeof child?.kill !== 'function' || typeof child.once !== 'function') {
    throw new ContextError('KIT_INVALID_PROCESS', 'killOnDone needs a child process')
  }
  kill(ctx, child, resolveKill(options))
  return child
}

/** Options of `execFile`: those of Node's, and how the program is ended; `killSignal` is for Node's `timeout` as well. */
export type ExecFileOptions = Omit<NodeOptions, 'signal' | 'killSignal' | 'encoding'> &
  Omit<KillOptions, 'group'>

/**
 * Runs a program to its end, as the promisified `execFile` of Node does, with its options and errors; the context ends
 * it as `killOnDone` says, and the call then rejects with `ctx.err` once the process is gone, whoever else still holds
 * its output open. A program that ends well all the same has its output returned, and one that Node had killed before,
 * for its `timeout` or `maxBuffer`, fails as with Node. Rejects with KIT_INVALID_CONTEXT, KIT_INVALID_OPTION.
 */
export async function execFile(
  ctx: Context,
  file: string,
  args: readonly string[] = [],
  options: ExecFileOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  assertContext(ctx)
  const { killSignal = 'SIGTERM', graceMs = 5000, ...rest } = options
  const ending = resolveKill({ killSignal, graceMs })
  ctx.throwIfDone()
  const running = promisify(execFileOfNode)(file, args, { ...rest, killSignal, encoding: 'utf8' })
  const { child } = running
  let first = false
  const stop = ctx.afterFunc(() => {
    first = !child.killed // Node kills for reasons of its own
    if (isGone(child)) closeOutput(child)
    else child.once('exit', () => closeOutput(child))
  })
  kill(ctx, child, ending)
  try {
    return await running
  } catch (error) {
    throw first && child.killed ? (ctx.err ?? error) : error
  } finally {
    stop()
  }
}

/** For whoever else holds it; what the program itself wrote is read in the turn of the event loop after its exit. */
function closeOutput({ stdout, stderr }: ChildProcess): void {
  setImmediate(() =>
    setImmediate(() => {
      stdout?.destroy()
      stderr?.destroy()
    }),
  )
}

function resolveKill({
  killSignal = 'SIGTERM',
  graceMs = 5000,
  group = false,
}: KillOptions): Required<KillOptions> {
  if (!Object.hasOwn(constants.signals, killSignal)) {
    throw new ContextError('KIT_INVALID_OPTION', 'killSignal is the name of a signal, such as SIGTERM')
  }
  assertGrace(graceMs)
  return { killSignal, graceMs, group }
}

function kill(
  ctx: Context,
  child: ChildProcess,
  { killSignal, graceMs, group }: Required<KillOptions>,
): void {
  if (isGone(child)) return // there is no 'exit' to come
  let timer: Timer | undefined
  let due = Infinity
  const stop = ctx.afterFunc(() => {
    // The timer first: a signal that may not be sent is an 'error' of the process, and throws if nobody listens.
    if (graceMs > 0) {
      due = clock.now() + graceMs
      timer = clock.setTimer(graceMs, () => send(child, 'SIGKILL', group))
    }
    send(child, graceMs > 0 ? killSignal : 'SIGKILL', group)
  })
  const gone = (): void => {
    stop()
    timer?.cancel()
  }
  child.once('exit', () => {
    gone()
    if (group && child.pid !== undefined && due < Infinity) killRest(child.pid, due)
  })
  const events: EventEmitter = child
  events.on(errorMonitor, () => {
    if (child.pid === undefined) gone() // it never started
  })
}

function isGone({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** How often to look whether a group without its leader is gone, of which nothing tells, in ms. */
const lookEveryMs = 50

/** What is left of a group whose leader has exited is killed when due. Its id stays taken while a member lives. */
function killRest(pid: number, due: number): void {
  const left = due - clock.now()
  if (!sendToGroup(pid, left > 0 ? 0 : 'SIGKILL') || left <= 0) return
  clock.setTimer(Math.min(left, lookEveryMs), () => killRest(pid, due), { ref: true })
}

function send(child: ChildProcess, signal: NodeJS.Signals, group: boolean): void {
  // It may have no group of its own.
  if (!group || child.pid === undefined || !sendToGroup(child.pid, signal)) child.kill(signal)
}

/** Whether there was anybody to send it to. Signal 0 only asks. */
function sendToGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
