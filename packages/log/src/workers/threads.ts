// The line between the threads of one process: a broadcast channel whose name only they can know. The main thread
// makes it up, and its worker threads inherit it with their environment data, so that neither another tree nor
// another program hears or is heard.

import { randomUUID } from 'node:crypto'
import { BroadcastChannel, getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import { LogError } from '../errors.ts'
import type { OpenLink } from './link.ts'

/**
 * The line of the threads of this process for the tree of this name; undefined in a worker thread that was started
 * before the main thread shared its levels, or whose main thread does not.
 * Throws a `LogError` with code `KIT_LOG_BAD_OPTION` if the main thread shares a tree of this name already.
 */
export function threadLink(name: string): OpenLink | undefined {
  const key = `@kit/log@1/levels/${name}`
  const known = getEnvironmentData(key)
  if (!isMainThread) return typeof known === 'string' ? openChannel(known, () => undefined) : undefined
  if (known !== undefined && known !== null) {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      `The levels called '${name}' are shared already. Give these another name.`,
    )
  }
  const channel = `${key}/${randomUUID()}`
  setEnvironmentData(key, channel)
  return openChannel(channel, () => setEnvironmentData(key, undefined))
}

function openChannel(name: string, closed: () => void): OpenLink {
  return (receive) => {
    const channel = new BroadcastChannel(name)
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node 20's types have no other
    channel.onmessage = (event: unknown) => receive((event as { data: unknown }).data)
    // Nobody lives for the sake of levels.
    channel.unref()
    let isOpen = true
    return {
      teaches: isMainThread,
      post: (message) => {
        if (isOpen) channel.postMessage(message)
      },
      close() {
        if (!isOpen) return
        isOpen = false
        channel.close()
        closed()
      },
    }
  }
}
