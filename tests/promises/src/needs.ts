/** Whether this machine has the programs and the features of its system which a trial needs. */

import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Tool } from './promise.ts'

/** How one finds out, each in a way that fails where the program is there and may not do its work. */
const probes: Readonly<Record<Tool, () => boolean>> = {
  promtool: () => runs('promtool', '--version'),
  strace: () => runs('strace', '-f', '-e', 'inject=sync:error=EIO', 'true'),
  faketime: () => runs('faketime', '-f', '+1h', 'true'),
  // It never ends well, not even when it is asked how it is used.
  slowhttptest: () => spawnSync('slowhttptest', ['-h'], { stdio: 'ignore' }).error === undefined,
  'network namespace': () => runs('unshare', '--net', 'ip', 'link') && runs('nsenter', '--version'),
  tmpfs: () => runs('unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt'),
  '/dev/full': () => isDevice('/dev/full'),
  chromium: () => runs('chromium', '--version'),
}

const found = new Map<Tool, boolean>()

/** Those of `tools` that are not here. Each is looked for once. */
export function missing(tools: readonly Tool[] = []): Tool[] {
  return tools.filter((tool) => {
    const known = found.get(tool) ?? probes[tool]()
    found.set(tool, known)
    return !known
  })
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0
}

function isDevice(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isCharacterDevice() ?? false
}
