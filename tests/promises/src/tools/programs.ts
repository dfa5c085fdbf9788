/** Programs of this workspace in processes of their own. */

import { fork, type ChildProcess, type ForkOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Where the built program is; in a copy with a bug, that of the copy. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}.js`, import.meta.url))
}

/** Starts a program with a channel to it. */
export function forkProgram(
  name: string,
  args: readonly string[] = [],
  options: ForkOptions = {},
): ChildProcess {
  return fork(programPath(name), args, { execArgv: [], ...options })
}

/** The next message from a program. Rejects if it ends without one. */
export function nextMessage<T>(program: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      program.off('message', onMessage)
      program.off('exit', onExit)
    }
    const onMessage = (message: unknown): void => {
      settle()
      resolve(message as T)
    }
    const onExit = (code: number | null, signal: string | null): void => {
      settle()
      reject(new Error(`The program ended with ${code ?? signal} and said nothing.`))
    }
    program.on('message', onMessage)
    program.on('exit', onExit)
  })
}
