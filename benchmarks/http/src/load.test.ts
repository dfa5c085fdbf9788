import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Connection, lengthOf } from './connection.ts'
import { arrive, saturate } from './load.ts'

let server: Server | undefined
let connections: Connection[] = []

afterEach(() => {
  for (const connection of connections) connection.close()
  connections = []
  server?.closeAllConnections()
  server?.close()
})

/** Counts what comes, and how much of it at once. */
async function serve(answer: (res: ServerResponse) => void): Promise<{ seen: number; most: number }> {
  const counts = { seen: 0, most: 0 }
  let open = 0
  const made = createServer((_req: IncomingMessage, res) => {
    counts.seen += 1
    open += 1
    counts.most = Math.max(counts.most, open)
    res.on('finish', () => (open -= 1))
    answer(res)
  })
  server = made
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  const { port } = made.address() as AddressInfo
  connections = await Promise.all([1, 2, 3].map(() => Connection.open(port, '/')))
  return counts
}

function whole(res: ServerResponse): void {
  res.setHeader('content-length', 5)
  res.end('hello')
}

describe('load', () => {
  it('counts every request that the server saw, and has one a connection under way', async () => {
    const counts = await serve(whole)
    const { requests, seconds } = await saturate(connections, 50)
    expect(requests).toBe(counts.seen)
    expect(requests).toBeGreaterThan(3)
    expect(counts.most).toBeLessThanOrEqual(3)
    expect(seconds).toBeGreaterThanOrEqual(0.049)
  })

  it('goes on with the same connections', async () => {
    const counts = await serve(whole)
    const first = await saturate(connections, 20)
    const second = await saturate(connections, 20)
    const third = await arrive(connections, { rate: 500, ms: 50, seed: 3 })
    expect(first.requests + second.requests + third.requests).toBe(counts.seen)
  })

  it('sends as many requests as were decided, however slow the server is', async () => {
    const fast = await serve(whole)
    await arrive(connections, { rate: 1000, ms: 100, seed: 7 })
    const expected = fast.seen
    for (const connection of connections) connection.close()
    server?.close()
    const slow = await serve((res) => setTimeout(whole, 5, res))
    const { requests, p50, p99 } = await arrive(connections, { rate: 1000, ms: 100, seed: 7 })
    expect([slow.seen, requests]).toEqual([expected, expected])
    // Three connections bear 600 a second: what waits for one counts from when it was due.
    expect(p50).toBeGreaterThan(5)
    expect(p99).toBeGreaterThan(p50)
  })

  it('takes responses that come in pieces', async () => {
    const counts = await serve((res) => {
      res.setHeader('content-length', 5)
      res.write('hel')
      setImmediate(() => res.end('lo'))
    })
    const { requests } = await saturate(connections, 30)
    expect(requests).toBe(counts.seen)
  })
})

describe('lengthOf', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\n'

  it('knows when the head is there, and how much belongs to it', () => {
    expect(lengthOf(Buffer.from(head.slice(0, -1)))).toBeUndefined()
    expect(lengthOf(Buffer.from(head))).toBe(head.length + 5)
    expect(lengthOf(Buffer.from(`${head}hello`))).toBe(head.length + 5)
  })

  it('refuses what was not asked for', () => {
    expect(() => lengthOf(Buffer.from(head.replace('200', '503')))).toThrow('not what was asked for')
    expect(() => lengthOf(Buffer.from(head.replace('Length', 'Type')))).toThrow('no content-length')
  })
})
