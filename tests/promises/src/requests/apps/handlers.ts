/** What the handlers of all services do, whatever they are written with. */

import type { Readable } from 'node:stream'
import type { Context } from '@kit/context'

/** All that `/large/:id` sends. */
export const largeBytes: number = 8 * 2 ** 20

const part = Buffer.alloc(64 * 1024, 'x')

/** What `/heavy/:id` answers. */
export const heavy: string = 'x'.repeat(2 ** 20)

/** The route of a path, for adapters of what has no router. */
export function templateOf(path: string): string | undefined {
  const kind = /^\/(whole|heavy|streamed|failed|unanswered|begun|large|read)\//.exec(path)?.[1]
  return kind === undefined ? undefined : `/${kind}/:id`
}

/** What `/whole/:id` answers. */
export function item(id: string): object {
  return { id, name: 'a thing', tags: ['new', 'blue'], stock: { berlin: 3, lyon: 0 } }
}

/** What `/failed/:id` fails with. */
export function failure(): Error {
  return new Error('meant to be')
}

/** Resolves when the context has ended. */
export function ended(ctx: Context): Promise<void> {
  return new Promise((resolve) => ctx.afterFunc(() => resolve()))
}

/** What `/begun/:id` sends. */
export async function* begun(ctx: Context): AsyncGenerator<string> {
  yield 'one'
  await ended(ctx)
}

/** What `/large/:id` sends. */
export async function* parts(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < largeBytes; sent += part.length) yield part
}

/** The body of a fetch-style response. */
export function stream(of: Iterable<string> | AsyncIterable<string | Buffer>): ReadableStream<Uint8Array> {
  const read = Symbol.asyncIterator in of ? of[Symbol.asyncIterator]() : of[Symbol.iterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await read.next()
      if (done === true) controller.close()
      else controller.enqueue(typeof value === 'string' ? Buffer.from(value) : value)
    },
  })
}

/** What `/read/:id` answers. */
export async function lengthOf(body: Readable): Promise<number> {
  let length = 0
  for await (const chunk of body) length += (chunk as Buffer).length
  return length
}

/** For promises that may reject. */
export function nothing(): undefined {
  return undefined
}
