/**
 * The worker's end of the line: a port of its own where there are ports, an envelope on the channel between
 * processes where there are not. Either way the user's own messages pass undisturbed, and nothing is kept alive.
 */

import { randomUUID } from 'node:crypto'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { envelope, isObject, opened, readReply, type Reply, type Report } from './protocol.ts'

/** What a process started with an IPC channel offers, as `process` does in workers of cluster and after fork. */
export interface ProcessChannel {
  readonly connected: boolean
  send?(message: unknown, callback?: (error: Error | null) => void): boolean
  on(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
  readonly channel?: unknown
}

/** A line to the collector. */
export interface ReporterLink {
  post(report: Report): void
  close(): void
}

/** What comes back over the line. */
export interface ReporterEvents {
  reply(reply: Reply): void
  /** There is nobody to report to any more. */
  closed(): void
}

/** Hands one end of a new channel to whoever listens on `to`. */
export function linkToPort(to: MessagePort, events: ReporterEvents): ReporterLink {
  const { port1, port2 } = new MessageChannel()
  to.postMessage({ [envelope]: port2 }, [port2])
  port1.on('message', (message: unknown) => {
    const reply = readReply(message)
    if (reply !== undefined) events.reply(reply)
  })
  port1.on('close', () => events.closed())
  port1.unref()
  return {
    post(report) {
      const numbers = report.numbers as Float64Array<ArrayBuffer>
      port1.postMessage(report, [numbers.buffer])
    },
    close: () => port1.close(),
  }
}

/** Shares the channel to the parent process with whatever else it carries. */
export function linkToProcess(to: ProcessChannel, events: ReporterEvents): ReporterLink {
  const token = randomUUID()
  const receive = (message: unknown): void => {
    const content = opened(message)
    if (!isObject(content) || content['token'] !== token) return
    const reply = readReply(content['reply'])
    if (reply !== undefined) events.reply(reply)
  }
  const closed = (): void => events.closed()
  const counted = to.channel as { refCounted?(): void; unrefCounted?(): void } | undefined
  to.on('message', receive)
  to.on('disconnect', closed)
  // Each such listener has the channel keep the process alive; these two are not worth that.
  for (let i = 0; i < 2; i++) counted?.unrefCounted?.()
  return {
    post(report) {
      const content = { token, report: { ...report, numbers: Array.from(report.numbers) } }
      // The callback takes the error of a channel that closes meanwhile, which would be thrown otherwise.
      if (to.connected) to.send?.({ [envelope]: content }, () => {})
    },
    close() {
      if (to.connected) {
        to.send?.({ [envelope]: { token, isOver: true } }, () => {})
        for (let i = 0; i < 2; i++) counted?.refCounted?.()
      }
      to.off('message', receive)
      to.off('disconnect', closed)
    },
  }
}
