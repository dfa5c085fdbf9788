import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { background } from '../index.ts'
import type { ManualClock } from '../manual-clock.ts'
import { manualClock } from '../manual-clock.ts'
import { destroyOnDone } from './destroy.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

async function serve(listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, server }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function close(server: Server): Promise<unknown> {
  server.closeAllConnections()
  server.close()
  return once(server, 'close')
}

describe('destroyOnDone', () => {
  it.each([
    ['a Readable', () => new Readable({ read() {} })],
    ['a Writable', () => new Writable({ write() {} })],
    ['a Duplex', () => new Duplex({ read() {}, write() {} })],
  ])('destroys %s with the error of the context, and returns it', async (_name, make) => {
    const ctx = background.withTimeout(50)
    const stream = make()
    expect(destroyOnDone(ctx, stream)).toBe(stream)
    const failed = once(stream, 'error')
    time.advance(50)
    expect(await failed).toEqual([ctx.err])
    expect(stream.destroyed).toBe(true)
  })

  it('leaves nothing on the context of a stream that closed by itself', async () => {
    const ctx = background.withTimeout(50)
    const stream = destroyOnDone(ctx, Readable.from(['a', 'b']))
    expect(time.pendingTimers).toBe(1)
    expect(await stream.toArray()).toEqual(['a', 'b'])
    if (!stream.closed) await once(stream, 'close')
    expect(time.pendingTimers).toBe(0)
  })

  it('leaves nothing on the context of a stream that never emits a close', async () => {
    const ctx = background.withTimeout(50)
    const emitClose = false
    const read = destroyOnDone(ctx, Readable.from(['a'], { emitClose }))
    const written = destroyOnDone(
      ctx,
      new Writable({ emitClose, write: (_chunk, _encoding, done) => done() }),
    )
    const both = destroyOnDone(ctx, new PassThrough({ emitClose }))
    const failing = destroyOnDone(ctx, new PassThrough({ emitClose }))
    expect(failing.listenerCount('error')).toBe(0) // an error that nobody listens to stays uncaught
    const failed = once(failing, 'error')
    failing.destroy(new Error('broken'))
    written.end('a')
    both.end('a')
    expect([await read.toArray(), await both.toArray()]).toEqual([['a'], [Buffer.from('a')]])
    await failed
    while ([read, written, both].some(({ destroyed }) => !destroyed)) await nextTurn()
    await nextTurn()
    expect(time.pendingTimers).toBe(0)
  })

  it('still destroys a stream that has ended and does not destroy itself', async () => {
    const ctx = background.withTimeout(50)
    const stream = destroyOnDone(ctx, new PassThrough({ autoDestroy: false }).resume())
    await once(stream.end('a'), 'end')
    const failed = once(stream, 'error')
    time.advance(50)
    expect(await failed).toEqual([ctx.err])
  })

  it('leaves nothing on the context of a stream that is being destroyed', () => {
    const ctx = background.withTimeout(50)
    destroyOnDone(ctx, new Readable({ emitClose: false, destroy: () => {} }).destroy())
    expect(time.pendingTimers).toBe(0)
  })

  it('leaves nothing on the context of a stream that had closed before', async () => {
    const ctx = background.withTimeout(50)
    const stream = new PassThrough()
    const { server, port } = await serve((_incoming, response) => response.end())
    const call = request({ port })
      .on('response', (response) => response.resume())
      .end()
    await Promise.all([once(stream.destroy(), 'close'), once(call, 'close')])
    destroyOnDone(ctx, stream)
    destroyOnDone(ctx, call)
    expect(time.pendingTimers).toBe(0)
    await close(server)
  })

  it('destroys at once, though not within the call, under a context that has ended', async () => {
    const ctx = background.withTimeout(0)
    const stream = destroyOnDone(ctx, new PassThrough())
    expect(stream.destroyed).toBe(false)
    expect(await once(stream, 'error')).toEqual([ctx.err])
  })

  it('makes a pipeline fail with the error of the context', async () => {
    const ctx = background.withCancel()
    const source = destroyOnDone(ctx, new Readable({ read() {} }))
    const piped = pipeline(source, new PassThrough(), new PassThrough().resume())
    ctx.cancel()
    await expect(piped).rejects.toBe(ctx.err)
  })

  it('ends http.request before the answer, and the response in the middle of its body', async () => {
    const arrived: IncomingMessage[] = []
    const { server, port } = await serve((incoming, response) => {
      arrived.push(incoming)
      if (incoming.url === '/body') response.write('a part')
    })
    const ctx = background.withTimeout(50)
    const waiting = destroyOnDone(ctx, request({ port, path: '/never' }))
    const reading = destroyOnDone(ctx, request({ port, path: '/body' }))
    const failed = [once(waiting, 'error'), once(reading, 'error')]
    waiting.end()
    reading.end()
    const [response] = (await once(reading, 'response')) as [IncomingMessage]
    const body = response.toArray().catch((error: unknown) => error)
    while (arrived.length < 2) await once(server, 'request')
    time.advance(50)
    expect([await Promise.all(failed), await body]).toEqual([[[ctx.err], [ctx.err]], ctx.err])
    await close(server)
    expect(time.pendingTimers).toBe(0)
  })

  it('leaves a request that was answered alone', async () => {
    const { server, port } = await serve((_incoming, response) => response.end('done'))
    const ctx = background.withTimeout(50)
    const call = destroyOnDone(ctx, request({ port })).end()
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    expect(String(Buffer.concat(await response.toArray()))).toBe('done')
    if (!call.closed) await once(call, 'close')
    expect(time.pendingTimers).toBe(0)
    await close(server)
  })

  it('ends sockets and streams of HTTP/2', async () => {
    const server = createHttp2Server(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    const socket = connect(port, '127.0.0.1')
    await Promise.all([once(session, 'connect'), once(socket, 'connect')])
    const ctx = background.withCancel()
    const stream = destroyOnDone(ctx, session.request({ ':path': '/' }))
    destroyOnDone(ctx, socket)
    const failed = Promise.all([once(stream, 'error'), once(socket, 'error')])
    ctx.cancel('enough')
    expect(await failed).toEqual([[ctx.err], [ctx.err]])
    session.destroy()
    server.close()
    await once(server, 'close')
  })

  it('refuses what cannot be destroyed', () => {
    for (const value of [null, undefined, {}, 'text', { destroy() {} }]) {
      expect(() => destroyOnDone(background, value as never)).toThrow(
        expect.objectContaining({ code: 'KIT_INVALID_STREAM' }),
      )
    }
    expect(() => destroyOnDone(null as never, new PassThrough())).toThrow(
      expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }),
    )
  })
})
