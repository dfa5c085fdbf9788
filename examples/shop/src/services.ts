/** The two services as processes of their own: started, watched, ended. */

import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import type { ServiceMessage } from './service.ts'

/** A service that serves. */
export interface RunningService {
  readonly url: string
  readonly adminUrl: string
  /** Asks it to drain and end, and waits for that at most 5 s. */
  stop(): Promise<void>
}

/** Starts a service and resolves when it serves; rejects with one line that says why it does not. */
export async function startService(module: string, env: Record<string, string>): Promise<RunningService> {
  const child = fork(new URL(module, import.meta.url), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const message = await new Promise<ServiceMessage>((resolve) => {
    child.once('message', (first) => resolve(first as ServiceMessage))
    child.once('exit', (code, signal) => {
      resolve({
        kind: 'failed',
        reason: `${module} ended before it served (${signal ?? `exit code ${code}`})`,
      })
    })
  })
  if (message.kind === 'failed') throw new Error(message.reason)
  return { url: message.url, adminUrl: message.adminUrl, stop: () => stop(child, exited) }
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exited
  clearTimeout(patience)
}
