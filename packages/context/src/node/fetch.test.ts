import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { background, createKey, isDeadlineExceeded } from '../index.ts'
import { manualClock } from '../manual-clock.ts'
import { liveContexts } from '../testing.ts'
import { followBody } from './body.ts'
import { fetch } from './fetch.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

let server: Server
let url: string
let answer: (response: ServerResponse) => void
beforeEach(async () => {
  answer = (response) => void response.end('all of it')
  server = createServer((request, response) => {
    request.resume()
    answer(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterEach(async () => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
})

const posted = { method: 'POST', headers: { 'x-a': 'b' }, body: 'a body' }
const streamed = () =>
  ({ method: 'POST', body: new Blob(['streamed']).stream(), duplex: 'half' }) as const satisfies RequestInit

async function echo(response: ServerResponse): Promise<void> {
  const { method, headers } = response.req
  const chunks = await response.req.toArray()
  response.end(JSON.stringify([method, headers, String(Buffer.concat(chunks))]))
}

class Options {
  get method() {
    return 'PATCH'
  }
  get body() {
    return 'from a getter'
  }
}

/** Whether anything is watched below the context: a call that is not over. */
const pending = (): boolean => liveContexts().some(({ name, watched }) => watched && name.startsWith(marker))
const marker = 'background.withTimeout(77777ms)'
const root = background.withTimeout(77_777)

describe('fetch', () => {
  it('is the one of the platform, and leaves nothing behind once the body was read', async () => {
    for (const init of [{}, { method: 'POST', body: 'x' }]) {
      const response = await fetch(root, url, init)
      expect([response.status, response.url, response.redirected]).toEqual([200, url, false])
      expect(pending()).toBe(true)
      expect(await response.text()).toBe('all of it')
      expect(pending()).toBe(false)
    }
    const { status } = await fetch(root, new Request(url, { method: 'HEAD' }))
    expect([status, pending()]).toEqual([200, false])
  })

  it.each<[string, () => Parameters<typeof globalThis.fetch>]>([
    ['nothing', () => [url, null as never]],
    ['a Request', () => [url, new Request('http://elsewhere/', posted)]],
    ['a Request over a Request', () => [new Request(url, { method: 'PUT' }), new Request(url, posted)]],
    ['a Request with a stream', () => [url, new Request(url, streamed())]],
    ['a stream', () => [url, streamed()]],
    ['an object with a prototype', () => [url, Object.create(posted)]],
    ['an instance', () => [url, new Options()]],
    ['a function', () => [url, Object.assign(() => {}, posted)]],
  ])('sends what the platform sends for an init that is %s', async (_name, make) => {
    answer = (response) => void echo(response)
    const expected: unknown = await (await globalThis.fetch(...make())).json()
    expect(await (await fetch(root, ...make())).json()).toEqual(expected)
    expect(pending()).toBe(false)
  })

  it('reads each member of an init once, and obeys the signal of a Request there', async () => {
    answer = () => {}
    const own = new AbortController()
    let reads = 0
    const hostile = {
      get signal() {
        return reads++ === 0 ? own.signal : AbortSignal.abort('another')
      },
    }
    const reason = { mine: true }
    const failed = [hostile, new Request(url, { signal: own.signal })].map((init) =>
      fetch(root, url, init).catch((error: unknown) => error),
    )
    for (let arrived = 0; arrived < 2; arrived++) await once(server, 'request')
    own.abort(reason)
    expect([await Promise.all(failed), reads, pending()]).toEqual([[reason, reason], 1, false])
  })

  it('takes a null for the signal of a Request away, as the platform does', async () => {
    const request = new Request(url, { signal: AbortSignal.abort() })
    expect(await (await fetch(root, request, { signal: null })).text()).toBe('all of it')
  })

  it('refuses an init that is none, and leaves nothing behind', async () => {
    const hostile = {
      get headers(): never {
        throw new RangeError('mine')
      },
    }
    await expect(fetch(root, url, hostile)).rejects.toThrow('mine')
    await expect(fetch(root, url, 'POST' as never)).rejects.toBeInstanceOf(TypeError)
    for (const signal of ['', 0, {}]) {
      await expect(fetch(root, url, { signal: signal as never })).rejects.toMatchObject({
        code: 'KIT_INVALID_SIGNAL',
      })
    }
    expect(pending()).toBe(false)
  })

  it('leaves a response without a body as good as it was', async () => {
    answer = (response) => void response.writeHead(204, { 'x-a': 'b' }).end()
    const response = await fetch(root, url)
    expect([response.status, response.headers.get('x-a'), response.body, pending()]).toEqual([
      204,
      'b',
      null,
      false,
    ])
    expect([await response.clone().text(), await response.text()]).toEqual(['', ''])
    expect(await (await fetch(root, url, { method: 'HEAD' })).text()).toBe('')
  })

  it('takes no buffer away from anybody, and skips empty chunks', async () => {
    const shared = Buffer.from('shared')
    const neighbour = Buffer.from('neighbour')
    const chunks = [new Uint8Array(0), shared, shared]
    const body = new ReadableStream({
      pull: (controller) => {
        const chunk = chunks.shift()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
    })
    const nothing = (): void => {}
    const followed = followBody(new Response(body), {
      ended: nothing,
      dropped: nothing,
      failed: (error) => error,
    })
    expect(await followed.text()).toBe('sharedshared')
    expect([String(shared), String(neighbour), String(Buffer.from('new'))]).toEqual([
      'shared',
      'neighbour',
      'new',
    ])
  })

  it('is over when the body is cancelled', async () => {
    answer = (response) => void response.write('a part')
    const response = await fetch(root, url)
    await response.body?.cancel()
    expect(pending()).toBe(false)
  })

  it('is over when nobody has the body any more, and not before', async () => {
    answer = (response) => void response.write('a part')
    const [closed] = await Promise.all([once(server, 'request'), fetch(root, url).then(() => undefined)])
    const gone = once(closed[1] as ServerResponse, 'close')
    while (pending()) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    await gone

    // Who reads the body need not keep the response.
    let finish: () => void = () => {}
    answer = (response) => {
      response.write('a part')
      finish = () => response.end(', and the rest')
    }
    const chunks: string[] = []
    const reader = await fetch(root, url).then(({ body }) =>
      body?.pipeThrough(new TextDecoderStream()).getReader(),
    )
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    finish()
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done) break
      chunks.push(value)
    }
    expect(chunks.join('')).toBe('a part, and the rest')
  })

  it('ends with the context before the head, with its error', async () => {
    const time = manualClock()
    answer = () => {}
    const ctx = background.withTimeout(50)
    const failed = fetch(ctx, url).catch((error: unknown) => error)
    await once(server, 'request')
    time.advance(50)
    expect(await failed).toBe(ctx.err)
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
    await expect(fetch(ctx, url)).rejects.toBe(ctx.err)
    time[Symbol.dispose]()
  })

  it('ends with the context in the middle of the body, with its error, and the server sees it go', async () => {
    let gone: Promise<unknown> = Promise.resolve()
    answer = (response) => {
      response.write('a part')
      gone = once(response, 'close')
    }
    const ctx = background.withCancel()
    const response = await fetch(ctx, url)
    const failed = response.text().catch((error: unknown) => error)
    ctx.cancel('enough')
    expect(await failed).toBe(ctx.err)
    await gone
  })

  it("obeys the caller's own signal as well, and gives its reason back", async () => {
    answer = () => {}
    const reason = { mine: true }
    for (const start of [
      (signal: AbortSignal) => fetch(root, url, { signal }),
      (signal: AbortSignal) => fetch(root, new Request(url, { signal })),
    ]) {
      const own = new AbortController()
      const failed = start(own.signal).catch((error: unknown) => error)
      await once(server, 'request')
      own.abort(reason)
      expect([await failed, pending()]).toEqual([reason, false])
    }
    await expect(fetch(root, url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('fails as the platform does where there is no server, and refuses what is no context', async () => {
    await expect(fetch(root, 'http://127.0.0.1:1/')).rejects.toBeInstanceOf(TypeError)
    await expect(fetch(root, 'not an address')).rejects.toBeInstanceOf(TypeError)
    expect(pending()).toBe(false)
    const lookalike = { ...root, value: () => createKey('k') }
    for (const ctx of [null, undefined, {}, lookalike, url]) {
      await expect(fetch(ctx as never, url)).rejects.toMatchObject({ code: 'KIT_INVALID_CONTEXT' })
    }
  })
})
