// The line between two processes, over the channel that Node gives to a child that was forked: in an envelope, so that
// what the application says over it passes undisturbed.

import type { ChildProcess } from 'node:child_process'
import type { Worker as ClusterWorker } from 'node:cluster'
import type { OpenLink } from './link.ts'
import { isObject } from './protocol.ts'

const ENVELOPE = '@kit/log@1/levels'

/** The parent's end of the line to a child, for the tree of this name. */
export function childLink(child: ChildProcess | ClusterWorker, name: string): OpenLink {
  return (receive, ended) => {
    const emitter: NodeJS.EventEmitter = child
    const opened = (message: unknown): void => open(message, name, receive)
    emitter.on('message', opened)
    // Comes after the last message; the exit of the process may come before.
    emitter.on('disconnect', ended)
    return {
      teaches: true,
      post(message) {
        const isConnected = 'isConnected' in child ? child.isConnected() : child.connected
        // The callback takes the error of a channel that closes meanwhile, which would be thrown otherwise.
        if (isConnected) child.send({ [ENVELOPE]: { name, message } }, () => undefined)
      },
      close() {
        emitter.off('message', opened)
        emitter.off('disconnect', ended)
      },
    }
  }
}

/** The child's end of the line to the process that forked it. */
export function parentLink(name: string): OpenLink {
  return (receive, ended) => {
    const counted = process.channel as { refCounted?(): void; unrefCounted?(): void } | undefined
    const opened = (message: unknown): void => open(message, name, receive)
    process.on('message', opened)
    process.on('disconnect', ended)
    // Each such listener has the channel keep the process alive; these two are not worth that.
    for (let i = 0; i < 2; i += 1) counted?.unrefCounted?.()
    let isOpen = true
    return {
      teaches: false,
      post(message) {
        if (process.connected) process.send?.({ [ENVELOPE]: { name, message } }, () => undefined)
      },
      close() {
        if (!isOpen) return
        isOpen = false
        if (process.connected) for (let i = 0; i < 2; i += 1) counted?.refCounted?.()
        process.off('message', opened)
        process.off('disconnect', ended)
      },
    }
  }
}

function open(message: unknown, name: string, receive: (message: unknown) => void): void {
  const content = isObject(message) ? message[ENVELOPE] : undefined
  if (isObject(content) && content['name'] === name) receive(content['message'])
}
