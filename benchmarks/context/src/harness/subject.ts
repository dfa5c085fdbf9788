/*
 * The parent's side of the process of one case. It is started with the given Node and with nothing of this process's
 * flags, and answers one question at a time.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Answer, Command } from './worker.ts'

/** Which case to start, and with what. */
export interface SubjectOptions {
  /** The binary of Node. */
  readonly node: string
  /** The compiled worker. */
  readonly worker: URL
  /** The compiled module that exports the suite. */
  readonly suite: URL
  readonly group: string
  readonly case: string
}

/** A case that takes longer for one answer hangs. */
const patienceMs = 120_000

/** One case in a process of its own. */
export class Subject {
  readonly #child: ChildProcess
  readonly #exited: Promise<never>
  readonly #answers: AsyncIterator<string>

  constructor({ node, worker, suite, group, case: name }: SubjectOptions) {
    const env = { ...process.env }
    delete env['NODE_OPTIONS']
    const child = spawn(node, ['--expose-gc', fileURLToPath(worker), suite.href, group, name], {
      env,
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)))
    // What the end of the process leaves unsent is reported by the end itself.
    child.stdin?.on('error', () => {})
    this.#exited = new Promise((_, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) =>
        reject(new Error(`the process ended (${signal ?? code}) ${complaint}`.trim())),
      )
    })
    this.#exited.catch(() => {})
    this.#answers = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]()
  }

  /** Sends a command and waits for the answer; rejects when the process says so, ends or hangs. */
  async ask<T>(command: Command): Promise<T> {
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs)
    try {
      this.#child.stdin?.write(`${JSON.stringify(command)}\n`)
      const line = await Promise.race([this.#next(), this.#exited])
      const answer = JSON.parse(line) as Answer
      if ('failed' in answer) throw new Error(answer.failed)
      return answer.found as T
    } finally {
      clearTimeout(patience)
    }
  }

  /** Ends the process and waits for that. */
  async end(): Promise<void> {
    this.#child.stdin?.end()
    await this.#exited.catch(() => {})
  }

  /** At the end of the answers the process is about to say how it ended. */
  async #next(): Promise<string> {
    const { done, value } = await this.#answers.next()
    return done === true ? this.#exited : value
  }
}
