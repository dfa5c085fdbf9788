/** What is answered on a connection that asked for another protocol: by whoever has it then, in bytes of its own. */

import type { Duplex } from 'node:stream'

const statusLine = /^HTTP\/1\.[01] (\d{3})/

/** Watches a connection until something is written to it. */
export class FirstAnswer {
  /**
   * The status of the answer; undefined while there is none. Bytes that are no answer of HTTP's come from somebody who
   * switched protocols before: 101.
   */
  status: number | undefined = undefined

  constructor(socket: Duplex) {
    for (const name of ['write', 'end'] as const) {
      const plain = socket[name] as (...args: unknown[]) => unknown
      const value = (...args: unknown[]): unknown => {
        this.status ??= statusOf(args[0])
        return Reflect.apply(plain, socket, args)
      }
      Object.defineProperty(socket, name, { value, configurable: true, writable: true })
    }
  }
}

function statusOf(chunk: unknown): number | undefined {
  const bytes = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.slice(0, 16) : ''
  if (bytes.length === 0) return undefined
  const [, status] =
    statusLine.exec(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')) ?? []
  return status === undefined ? 101 : Number(status)
}
