/** An OTLP receiver: an HTTP server that decodes what exporters send, and can be told to fail or to hang. */

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it does with a request: takes it, refuses it for good, or takes it and does not answer. */
export type Conduct = 'accept' | 'refuse' | 'hang'

/** A running receiver of items: data points, log records. */
export interface Receiver<Item> {
  readonly url: string
  conduct: Conduct
  /** The items of each accepted request. */
  readonly batches: Item[][]
  /** Resolves when so many requests have come, whatever became of them. */
  requests(count: number): Promise<void>
  /** Ends all connections. */
  close(): Promise<void>
}

/** Starts a receiver on a free port of the loopback interface. `decode` reads the body of a request. */
export async function startReceiver<Item>(
  path: string,
  decode: (body: Buffer) => Item[],
): Promise<Receiver<Item>> {
  const batches: Item[][] = []
  const hanging: ServerResponse[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  let seen = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen++
      if (receiver.conduct === 'accept') {
        batches.push(decode(Buffer.concat(chunks)))
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      } else if (receiver.conduct === 'refuse') response.writeHead(400).end()
      else hanging.push(response)
      for (const { count, resolve } of waiting) if (seen >= count) resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver<Item> = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    conduct: 'accept',
    batches,
    requests: (count) =>
      new Promise((resolve) => {
        if (seen >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    async close() {
      for (const response of hanging) response.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}
