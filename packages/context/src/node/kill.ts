/*
 * Child processes under a context: asked to end, then made to.
 */
import type { ChildProcess, ExecFileOptions as NodeOptions } from 'node:child_process'
import { execFile as execFileOfNode } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { errorMonitor } from 'node:events'
import { constants } from 'node:os'
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
  /** Whether the signals go to its whole process group; the process was then spawned `detached`. Default false. */
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

/** Options of `execFile`: those of Node's, and how the program is ended. */
export type ExecFileOptions = Omit<NodeOptions, 'signal' | 'killSignal' | 'encoding'> &
  Omit<KillOptions, 'group'>

/**
 * Runs a program to its end, as the promisified `execFile` of Node does, with its options and errors; the context ends
 * it as `killOnDone` says, and the call then rejects with `ctx.err` once the process is gone. A program that ends well
 * all the same has its output returned. Rejects with KIT_INVALID_CONTEXT, KIT_INVALID_OPTION.
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
  const running = promisify(execFileOfNode)(file, args, { ...rest, encoding: 'utf8' })
  kill(ctx, running.child, ending)
  try {
    return await running
  } catch (error) {
    throw running.child.killed ? (ctx.err ?? error) : error
  }
}

function resolveKill({
  killSignal = 'SIGTERM',
  graceMs = 5000,
  group = false,
}: KillOptions): Required<KillOptions> {
  if (!Object.hasOwn(constants.signals, killSignal)) {
    throw new ContextError(
      'KIT_INVALID_OPTION',
      `killSignal is the name of a signal, not ${killSignal as string}`,
    )
  }
  assertGrace(graceMs)
  return { killSignal, graceMs, group }
}

function kill(
  ctx: Context,
  child: ChildProcess,
  { killSignal, graceMs, group }: Required<KillOptions>,
): void {
  if (child.exitCode !== null || child.signalCode !== null) return // there is no 'exit' to come
  let timer: Timer | undefined
  const stop = ctx.afterFunc(() => {
    send(child, graceMs > 0 ? killSignal : 'SIGKILL', group)
    if (graceMs > 0) timer = clock.setTimer(graceMs, () => send(child, 'SIGKILL', group))
  })
  const gone = (): void => {
    stop()
    timer?.cancel()
  }
  child.once('exit', gone)
  const events: EventEmitter = child
  events.on(errorMonitor, () => {
    if (child.pid === undefined) gone() // it never started
  })
}

function send(child: ChildProcess, signal: NodeJS.Signals, group: boolean): void {
  if (!group || child.pid === undefined) {
    child.kill(signal)
    return
  }
  try {
    process.kill(-child.pid, signal)
  } catch {
    child.kill(signal) // no group of its own, or it is gone already
  }
}
