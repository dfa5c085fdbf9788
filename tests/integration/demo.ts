/** Runs the demo as a user would, as a process of its own, on ports that are free. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** A demo under way. */
export interface Demo {
  readonly process: ChildProcess
  readonly adminUrl: string
  readonly inventoryAdminUrl: string
  /** Resolves with what it printed so far once that holds `text`; rejects when it ends without. */
  says(text: string): Promise<string>
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>
}

/** Starts `examples/shop`, built before, with these arguments and two pairs of free ports. */
export async function startDemo(...args: string[]): Promise<Demo> {
  const port = await freePair()
  const adminPort = await freePair()
  const ports = ['--port', String(port), '--admin-port', String(adminPort)]
  return watch(
    spawn(process.execPath, ['examples/shop/dist/main.js', ...ports, ...args], options()),
    adminPort,
  )
}

/** Follows a process that was started elsewhere. */
export function watch(child: ChildProcess, adminPort = 0): Demo {
  let output = ''
  const waiting = new Set<() => void>()
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
    for (const look of waiting) look()
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }))
  })
  return {
    process: child,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    inventoryAdminUrl: `http://127.0.0.1:${adminPort + 1}`,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!output.includes(text)) return
          waiting.delete(look)
          resolve(output)
        }
        waiting.add(look)
        look()
        void ended.then(() => reject(new Error(`the demo ended without saying "${text}":\n${output}`)))
      }),
  }
}

/** What every process of these tests is started with. */
export function options(): { cwd: string; stdio: ['ignore', 'pipe', 'pipe'] } {
  return { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }
}

/** A port that is free, and whose successor is. */
export async function freePair(): Promise<number> {
  for (;;) {
    const port = await listenOnce(0)
    try {
      await listenOnce(port + 1)
      return port
    } catch {
      // taken: try elsewhere
    }
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return bound
}
