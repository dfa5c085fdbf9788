// One word for all the trees of a program: what is done to the levels of one is done to those of its worker threads
// and of the processes of its cluster.

import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import type { Worker as ClusterWorker } from 'node:cluster'
import { isMainThread } from 'node:worker_threads'
import { checkOptionNames, LogError } from '../errors.ts'
import type { LevelTree } from '../levels.ts'
import { Member } from './member.ts'
import { childLink, parentLink } from './processes.ts'
import { threadLink } from './threads.ts'

/** How levels are shared. */
export interface ShareLevelsOptions {
  /** Which tree, where a program has several: trees of one name belong together. Default `'default'`. */
  name?: string | undefined
  /** How long a change waits for the others to say that they have made it, in milliseconds. Default 1,000. */
  waitMs?: number | undefined
  /** Whether a process that was forked, and is no worker of a cluster, shares with its parent. Default false. */
  parent?: boolean | undefined
}

/** Levels that are shared. */
export interface SharedLevels extends Disposable {
  /** Shares with a process that was forked and says `parent: true`. Returns how to stop. Workers of a cluster need none. */
  add(child: ChildProcess): () => void
  /** Shares no more. Levels stay as they are. Idempotent. */
  close(): void
}

/**
 * Shares the levels of a tree with the trees of the program's other threads and processes that are shared too, under
 * the same name. Call it in the main thread before it starts its workers, and in each worker:
 *
 *     const log = createLogger()
 *     shareLevels(log.levels)
 *
 * What is done to one tree (levels, resets, overrides whose condition is data) is done to all; of two changes that
 * meet the later one counts everywhere. Who starts later is told how things are. A temporary level returns by itself
 * in each. `levels.applied()`, and the replies of `levelHandler`, say where a change has been made, as far as others
 * have said so within `waitMs`; one that is busy makes it when it comes to it.
 *
 * Keeps neither a thread nor a process alive. Where a worker thread was started before the main thread shared, this
 * does nothing.
 *
 * Throws `LogError`: `KIT_LOG_BAD_OPTION`, also where the main thread shares a tree of this name already;
 * `KIT_LOG_UNKNOWN_OPTION`.
 */
export function shareLevels(levels: LevelTree, options: ShareLevelsOptions = {}): SharedLevels {
  checkOptionNames('shareLevels', options, ['name', 'waitMs', 'parent'])
  const { name = 'default', waitMs = 1000, parent = false } = options
  if (typeof name !== 'string' || name === '' || name.length > 64) {
    throw new LogError('KIT_LOG_BAD_OPTION', 'name is a text of 1 to 64 characters.')
  }
  if (typeof waitMs !== 'number' || !(waitMs >= 0 && Number.isFinite(waitMs))) {
    throw new LogError('KIT_LOG_BAD_OPTION', 'waitMs is a number of milliseconds, 0 or more.')
  }
  const threads = threadLink(name)
  const member = new Member(levels, waitMs)
  if (threads !== undefined) member.join(threads)
  const addChild = (child: ChildProcess | ClusterWorker): (() => void) => member.join(childLink(child, name))
  const forked = (worker: ClusterWorker): void => {
    addChild(worker)
  }
  if (isMainThread) {
    if (cluster.isWorker || (parent && process.send !== undefined)) member.join(parentLink(name))
    if (cluster.isPrimary) {
      for (const worker of Object.values(cluster.workers ?? {})) if (worker !== undefined) addChild(worker)
      cluster.on('fork', forked)
    }
  }
  const close = (): void => {
    cluster.off('fork', forked)
    member.close()
  }
  return { add: addChild, close, [Symbol.dispose]: close }
}
