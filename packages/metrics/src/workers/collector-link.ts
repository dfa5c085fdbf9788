/**
 * The collecting end of the line to one worker: how its reports arrive, and how it is answered.
 */

import type { ChildProcess } from 'node:child_process'
import type { Worker as ClusterWorker } from 'node:cluster'
import { MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { envelope, isObject, opened, type Reply } from './protocol.ts'

/** What reports may come from. */
export type Reporting = Worker | MessagePort | ChildProcess | ClusterWorker

/** A line to one reporter. */
export interface CollectorLink {
  reply(reply: Reply): void
  /** Takes what has arrived and waits for the event loop, at most so many messages. */
  drain(limit: number): void
  close(): void
}

/** What a line brings. */
export interface LinkEvents {
  message(message: unknown): void
  /** After the last message. */
  closed(): void
}

/** Asked for each reporter that shows up; undefined refuses it. */
export type Accept = (link: CollectorLink) => LinkEvents | undefined

/** Awaits the reporters of a worker; returns the end of the waiting, which leaves the lines that there are. */
export function listenTo(worker: Reporting, accept: Accept): () => void {
  return 'postMessage' in worker ? listenToPort(worker, accept) : listenToProcess(worker, accept)
}

function listenToPort(worker: Worker | MessagePort, accept: Accept): () => void {
  const receive = (message: unknown): void => {
    const port = opened(message)
    if (port instanceof MessagePort) acceptPort(port, accept)
  }
  const emitter = worker as NodeJS.EventEmitter
  emitter.on('message', receive)
  return () => {
    emitter.off('message', receive)
  }
}

function acceptPort(port: MessagePort, accept: Accept): void {
  let isOpen = true
  const link: CollectorLink = {
    reply: (reply) => port.postMessage(reply),
    drain(limit) {
      for (let n = 0; n < limit; n++) {
        // Receiving from a port that has just closed crashes Node.
        const received = isOpen ? receiveMessageOnPort(port) : undefined
        if (received === undefined) return
        events?.message(received.message)
      }
    },
    close() {
      isOpen = false
      port.close()
    },
  }
  const events = accept(link)
  if (events === undefined) {
    link.close()
    return
  }
  port.on('message', (message: unknown) => events.message(message))
  // Comes after the last message, also where the worker was terminated.
  port.on('close', () => {
    isOpen = false
    events.closed()
  })
  port.unref()
}

/** So many metrics may report from one process at a time. */
const maxReporters = 16

function listenToProcess(worker: ChildProcess | ClusterWorker, accept: Accept): () => void {
  const reporters = new Map<string, LinkEvents>()
  const find = (token: unknown): LinkEvents | undefined => {
    if (typeof token !== 'string' || token.length > 64) return undefined
    const known = reporters.get(token)
    if (known !== undefined || reporters.size >= maxReporters) return known
    const events = accept({
      reply: (reply) => send(worker, { [envelope]: { token, reply } }),
      drain: () => {},
      close: () => {},
    })
    if (events !== undefined) reporters.set(token, events)
    return events
  }
  const receive = (message: unknown): void => {
    const content = opened(message)
    if (!isObject(content)) return
    const { token, isOver, report } = content
    const reporter = find(token)
    if (isOver !== true) reporter?.message(report)
    else if (reporters.delete(token as string)) reporter?.closed()
  }
  const closed = (): void => {
    for (const reporter of reporters.values()) reporter.closed()
    reporters.clear()
  }
  const emitter: NodeJS.EventEmitter = worker
  emitter.on('message', receive)
  // Comes after the last message; the exit of the process may come before.
  emitter.on('disconnect', closed)
  return () => {
    emitter.off('message', receive)
    emitter.off('disconnect', closed)
    closed()
  }
}

function send(worker: ChildProcess | ClusterWorker, message: object): void {
  const isConnected = 'isConnected' in worker ? worker.isConnected() : worker.connected
  // The callback takes the error of a channel that closes meanwhile, which would be thrown otherwise.
  if (isConnected) worker.send(message, () => {})
}
