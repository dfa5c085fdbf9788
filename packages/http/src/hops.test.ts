import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, bind, current, isCanceled, isDeadlineExceeded, run } from '@kit/context'
import { createMetrics } from '@kit/metrics'
import { withMetrics } from '@kit/observe'
import { afterEach, expect, it, vi } from 'vitest'
import { observeClient } from './client.ts'
import { internal } from './options.ts'
import { observeListener } from './node.ts'

/* Three services in a row over real sockets, each behind the same observation. */

const metrics = createMetrics()
const fetch = observeClient(globalThis.fetch, { metrics })
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function service(listener: RequestListener): Promise<string> {
  const server = createServer(observeListener(listener, { ...internal, metrics, log: false }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
    return once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

it('what is left of the deadline shrinks strictly from hop to hop [I40]', async () => {
  const left: number[] = []
  const third = await service((_request, response) => {
    left.push(current().remaining)
    response.end('done')
  })
  const second = await service((_request, response) => {
    left.push(current().remaining)
    void fetch(third).then(async (answer) => response.end(await answer.text()))
  })
  const answer = await run(background.withTimeout(60_000), async () => {
    left.push(current().remaining)
    return (await fetch(second)).text()
  })
  expect([answer, left.length]).toEqual(['done', 3])
  expect(left[1]).toBeLessThan(left[0] ?? 0)
  expect(left[2]).toBeLessThan(left[1] ?? 0)
})

it('the third hop refuses work whose time is up, before its handler, and the second does not even call [I40]', async () => {
  const reached: string[] = []
  const third = await service((_request, response) => {
    reached.push('third')
    response.end()
  })
  const expired = await globalThis.fetch(third, { headers: { 'grpc-timeout': '0m' } })
  expect([expired.status, reached]).toEqual([504, []])

  const errors: unknown[] = []
  const second = await service((_request, response) => {
    // With four milliseconds left a call is not worth making.
    const late = current().withTimeout(4)
    void run(late, () => fetch(third))
      .catch((error: unknown) => errors.push(error))
      .finally(() => response.end('gave up'))
  })
  const answer = await run(background.withTimeout(60_000), async () => (await fetch(second)).text())
  expect([answer, reached, errors.map(isDeadlineExceeded)]).toEqual(['gave up', [], [true]])
})

it('a client that leaves ends what is done for it two services on; that its body was read does not [I41]', async () => {
  const log: unknown[] = []
  let reached: () => void = () => {}
  let ended: () => void = () => {}
  const reaching = new Promise<void>((resolve) => (reached = resolve))
  const ending = new Promise<void>((resolve) => (ended = resolve))
  const third = await service(() => {
    current().afterFunc((err) => {
      log.push(['third', isCanceled(err)])
      ended()
    })
    reached()
  })
  const second = await service((request, response) => {
    const ctx = current()
    const call = bind(() => fetch(third, { method: 'POST', body: 'x' }).catch((error: unknown) => error))
    request.resume().once('end', () => {
      log.push(['second', ctx.err])
      void call().then((error) => log.push(['call', error === ctx.err]))
    })
    response.once('close', () => process.nextTick(() => log.push(['closed', ctx.signal.aborted])))
  })
  const client = new AbortController()
  const left = globalThis.fetch(second, { method: 'POST', body: 'y'.repeat(100_000), signal: client.signal })
  await reaching
  client.abort()
  await Promise.allSettled([left, ending])
  expect(log).toEqual([
    ['second', undefined],
    ['closed', true],
    ['call', true],
    ['third', true],
  ])
})

it('a request costs one run of the storage, and a wrapped function none', async () => {
  const inner = withMetrics('inner', async () => current().remaining, { metrics })
  const outer = withMetrics('outer', async () => (await inner()) + (await inner()), { metrics })
  let runsInHandler = -1
  const handle = async (response: ServerResponse): Promise<void> => {
    const before = runs.mock.calls.length
    await outer()
    runsInHandler = runs.mock.calls.length - before
    response.end()
  }
  const url = await service((_request, response) => void handle(response))
  const runs = vi.spyOn(AsyncLocalStorage.prototype, 'run')
  await (await globalThis.fetch(url)).text()
  expect([runs.mock.calls.length, runsInHandler]).toEqual([1, 0])
})
