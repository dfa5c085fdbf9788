import { setTimeout as later } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { background, current } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { beforeEach, describe, expect, it } from 'vitest'
import { observeFetch } from './fetch.ts'
import type { FetchOptions } from './fetch.ts'
import type { HttpOptions } from './index.ts'
import { internal } from './index.ts'

// A machine that does other work too takes its time.
const patience = { timeout: 20_000 }

let metrics = createMetrics()
let destination = memoryDestination()
let options: FetchOptions
beforeEach(() => {
  metrics = createMetrics()
  destination = memoryDestination()
  options = { metrics, log: createLogger({ level: 'info', format: 'json', destination }), route: () => '/x' }
})

const failure = (): Error => new Error('meant to be')

/** What was counted, as `count method route status error`. */
function counted(): string[] {
  return metrics.snapshot().metrics.flatMap((metric) => {
    if (metric.kind !== 'histogram') return []
    return metric.series.map(({ labels, count }) => {
      const names = ['http.request.method', 'http.route', 'http.response.status_code', 'error.type']
      return [count, ...names.map((name) => labels[name] || '-')].join(' ')
    })
  })
}

function lateResponses(): unknown {
  const metric = metrics.snapshot().metrics.find(({ name }) => name === 'kit.http.late_responses')
  return metric?.series[0] && 'value' in metric.series[0] ? metric.series[0].value : 0
}

function nothing(): never {
  throw failure()
}

const request = (init?: RequestInit): Request => new Request('https://shop.test/x?q=1', init)

describe('a response', () => {
  it('keeps its status, headers and bytes, and gets the request id', async () => {
    const headers = new Headers({ etag: '"1"' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    const init = { status: 418, statusText: 'Short and stout', headers }
    const handler = observeFetch(() => new Response(new Uint8Array([0, 255, 7]), init), options)
    const response = await handler(request())
    const { status, statusText } = response
    expect({ status, statusText }).toEqual({ status: 418, statusText: 'Short and stout' })
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    const names = [...response.headers.keys()]
    expect(names).toEqual(['etag', 'set-cookie', 'set-cookie', 'x-request-id'])
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 7])
    expect(counted()).toEqual(['1 GET /x 418 -'])
  })

  it.each([
    ['whose headers cannot be changed', () => Response.redirect('https://shop.test/y', 302), '302'],
    ['without a body', () => new Response(null, { status: 204 }), '204'],
  ])('%s is over when it is returned, and has the request id', async (_, answer, status) => {
    const response = await observeFetch(answer, options)(request())
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
    expect(String(response.status)).toBe(status)
    expect(counted()).toEqual([`1 GET /x ${status} -`])
  })

  it('that requests share is changed for none of them', async () => {
    const shared = new Response(null, { status: 204 })
    const handler = observeFetch(() => shared, options)
    const ids = await Promise.all([handler(request()), handler(request())])
    expect(new Set(ids.map(({ headers }) => headers.get('x-request-id'))).size).toBe(2)
    expect(shared.headers.has('x-request-id')).toBe(false)
  })

  it('to HEAD is over when it is returned, whether its body is read or not', async () => {
    await observeFetch(() => new Response('body'), options)(request({ method: 'HEAD' }))
    expect(counted()).toEqual(['1 HEAD /x 200 -'])
  })

  it('that cannot be made anew, or is none, is passed on as it is', async () => {
    const failed = Response.error()
    expect(await observeFetch(() => failed, options)(request())).toBe(failed)
    const upgraded = observeFetch(() => undefined as unknown as Response, options)
    expect(await upgraded(request())).toBeUndefined()
    const odd = {
      status: 200,
      get headers() {
        return nothing()
      },
    } as unknown as Response
    expect(await observeFetch(() => odd, options)(request())).toBe(odd)
    const read = new Response('body')
    const reader = read.body?.getReader()
    expect(await observeFetch(() => read, options)(request())).toBe(read)
    await reader?.cancel()
    expect(counted()).toEqual(['1 GET /x - server_abort', '2 GET /x - -', '1 GET /x 200 -'])
  })

  it('is not read before it is asked for, and ends the request with its last chunk', async () => {
    const pulled: number[] = []
    const source = {
      pull(controller: ReadableStreamDefaultController<Uint8Array>) {
        pulled.push(pulled.length)
        if (pulled.length > 2) controller.close()
        else controller.enqueue(new Uint8Array([pulled.length]))
      },
    }
    let ctx = background
    const handler = observeFetch(() => {
      ctx = current()
      return new Response(new ReadableStream(source, { highWaterMark: 0 }))
    }, options)
    const { body } = await handler(request())
    const reader = body?.getReader()
    expect(pulled).toEqual([])
    expect((await reader?.read())?.value).toEqual(new Uint8Array([1]))
    expect(pulled).toEqual([0])
    expect([ctx.err, counted()]).toEqual([undefined, []])
    await reader?.read()
    expect((await reader?.read())?.done).toBe(true)
    expect(ctx.cause).toBe('finished')
    expect(counted()).toEqual(['1 GET /x 200 -'])
  })

  it('that is made while it is read finds its context', async () => {
    const handler = observeFetch(
      () => {
        const ctx = current()
        let left = 3
        const body = new ReadableStream({
          pull(controller) {
            controller.enqueue(Buffer.from(`${current() === ctx} `))
            if ((left -= 1) === 0) controller.close()
          },
        })
        return new Response(body)
      },
      { metrics: createMetrics(), log: false },
    )
    const response = await handler(new Request('http://x/'))
    expect(await response.text()).toBe('true true true ')
  })

  it('that its server gives up is one whose client left, and its source is told', async () => {
    let told: unknown
    let ctx = background
    const handler = observeFetch(() => {
      ctx = current()
      return new Response(new ReadableStream({ cancel: (reason) => void (told = reason) }))
    }, options)
    await (await handler(request())).body?.cancel('gone')
    expect([told, ctx.cause]).toEqual(['gone', 'client disconnected'])
    expect(counted()).toEqual(['1 GET /x 200 client_abort'])
  })

  it('whose source fails is an error of the service, and the reader gets that error', async () => {
    const error = failure()
    const body = new ReadableStream({ pull: () => Promise.reject(error) })
    const response = await observeFetch(() => new Response(body), options)(request())
    await expect(response.text()).rejects.toBe(error)
    expect(counted()).toEqual(['1 GET /x 200 server_abort'])
    expect(destination.records[0]).toMatchObject({ level: 'error', err: { message: 'meant to be' } })
  })

  it('that is dropped unread leaves nothing behind', async () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const handler = observeFetch(() => new Response('never read'), options)
    const drop = async (): Promise<void> => void (await handler(request()))
    await drop()
    await expect
      .poll(async () => {
        collect()
        await later(1)
        return counted()
      }, patience)
      .toEqual(['1 GET /x 200 client_abort'])
  })
})

describe('a request', () => {
  it('that was given up in the middle of its answer leaves nothing behind', async () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const handler = observeFetch(() => {
      const ctx = current()
      const body = new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => ctx.afterFunc(resolve))
          controller.close()
        },
      })
      return new Response(body)
    }, options)
    const giveUp = async (): Promise<WeakRef<object>> => {
      const { body } = await handler(request())
      const reader = body?.getReader()
      const read = reader?.read()
      await later(1)
      await reader?.cancel()
      await read
      return new WeakRef(body ?? {})
    }
    const given = await giveUp()
    await expect
      .poll(async () => {
        collect()
        await later(1)
        return given.deref() === undefined
      }, patience)
      .toBe(true)
  })

  it('whose client leaves is cancelled, before the answer and after it', async () => {
    const left = new AbortController()
    const handler = observeFetch(async () => {
      left.abort()
      return new Response(String(current().cause))
    }, options)
    expect(await (await handler(request({ signal: left.signal }))).text()).toBe('client disconnected')
    const leaving = new AbortController()
    const streaming = observeFetch(() => new Response('body'), options)
    await streaming(request({ signal: leaving.signal }))
    leaving.abort()
    expect(counted()).toEqual(['1 GET /x - client_abort', '1 GET /x 200 client_abort'])
  })

  it('that fails counts as the 500 that its server makes of it, with the error as it was', async () => {
    const error = failure()
    const thrower = observeFetch(() => {
      throw error
    }, options)
    await expect(thrower(request())).rejects.toBe(error)
    await expect(observeFetch(async () => Promise.reject(error), options)(request())).rejects.toBe(error)
    expect(counted()).toEqual(['2 GET /x 500 500'])
    expect(destination.records[0]).toMatchObject({ level: 'error', err: { message: 'meant to be' } })
  })

  it('whose deadline passes is answered with 503, and what its handler says later is let go', async () => {
    using time = manualClock()
    let told: unknown
    const late = new Response(new ReadableStream({ cancel: (reason) => void (told = reason ?? 'canceled') }))
    let answer: (response: Response) => void = () => {}
    const handler = observeFetch(() => new Promise<Response>((resolve) => (answer = resolve)), {
      ...options,
      timeoutMs: 50,
    })
    const pending = handler(request())
    time.advance(50)
    const response = await pending
    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable\n'])
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
    answer(late)
    await expect.poll(() => told, patience).toBe('canceled')
    expect(lateResponses()).toBe(1)
    expect(counted()).toEqual(['1 GET /x 503 deadline_exceeded'])
  })

  it('whose handler fails after the deadline was answered once, and disturbs nobody', async () => {
    using time = manualClock()
    const handler = observeFetch(
      async () => {
        await new Promise((resolve) => current().afterFunc(resolve))
        throw failure()
      },
      { ...options, timeoutMs: 50 },
    )
    const pending = handler(request())
    time.advance(50)
    expect(await (await pending).text()).toBe('Service Unavailable\n')
    expect([counted(), lateResponses()]).toEqual([['1 GET /x 503 deadline_exceeded'], 0])
  })

  it('that comes too late is answered with 504, without the handler', async () => {
    let called = false
    const handler = observeFetch(
      () => {
        called = true
        return new Response()
      },
      { ...options, ...internal },
    )
    const response = await handler(request({ headers: { 'grpc-timeout': '0m' } }))
    expect([response.status, await response.text(), called]).toEqual([504, 'Gateway Timeout\n', false])
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(counted()).toEqual(['1 GET /x 504 deadline_exceeded'])
  })

  it('reaches the handler with whatever else its server gives, this included', async () => {
    const app = {
      greeting: 'hello',
      fetch: observeFetch(function fetch(this: { greeting: string }, _: Request, env: { name: string }) {
        return new Response(`${this.greeting} ${env.name}`)
      }, options),
    }
    expect(await (await app.fetch(request(), { name: 'ann' })).text()).toBe('hello ann')
  })

  it('is seen as it was sent, and has no route where the option has none', async () => {
    const seen: unknown[] = []
    const skip: HttpOptions['skip'] = ({ method, target, scheme, peerAddress, header }) => {
      seen.push({ method, target, scheme, peerAddress })
      return header === undefined
    }
    const { route: _, ...rest } = options
    const handler = observeFetch(() => new Response(null), { ...rest, skip })
    await handler(request({ method: 'PUT' }))
    await handler(new Request('http://shop.test'))
    expect(seen).toEqual([
      { method: 'PUT', target: '/x?q=1', scheme: 'https', peerAddress: undefined },
      { method: 'GET', target: '/', scheme: 'http', peerAddress: undefined },
    ])
    expect(counted()).toEqual(['1 PUT - 200 -', '1 GET - 200 -'])
  })

  it('is refused where its options are wrong', () => {
    expect(() => observeFetch(nothing, { ...options, rout: 1 } as FetchOptions)).toThrow(/no option "rout"/)
  })
})
