/** Requests of strangers, and callbacks of the application that fail: each request is answered, observed once, and nothing comes out. */

import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { createObserver, formatTraceparent, internal, isRequestId, parseTraceparent } from '@kit/http'
import type { Exchange, HttpOptions } from '@kit/http'
import { observeClient } from '@kit/http/client'
import { healthEndpoint, levelEndpoint, metricsEndpoint } from '@kit/http/endpoints'
import { observeFetch } from '@kit/http/fetch'
import { observeListener, observeNode } from '@kit/http/node'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { headerText, never } from './subject.ts'
import type { Given, Subject } from './subject.ts'

const headerNames = [
  'x-request-id',
  'traceparent',
  'tracestate',
  'baggage',
  'grpc-timeout',
  'request-timeout',
  'x-forwarded-for',
  'content-length',
  'content-type',
]

/** The subject. */
export function httpCalls(): Subject {
  const metrics = createMetrics({ maxSeries: 500 })
  const log = createLogger({ level: 'debug', destination: { write: () => true } })
  const page = prometheus()
  metrics.attach(page)
  const missing: string[] = []
  let made = 0
  let accounted = 0
  let failures = 0
  let failuresBefore = 0
  /** What callbacks of the application throw, while there is something. */
  let failing: { readonly error: unknown } | undefined
  const callback =
    <T>(result: T) =>
    (): T => {
      if (failing === undefined) return result
      failures += 1
      throw failing.error
    }
  const options: HttpOptions = {
    ...internal,
    metrics,
    log,
    timeoutMs: 60_000,
    bodySizes: true,
    requestId: { trust: callback(true), generate: callback('id') },
    address: { trust: 1 },
    skip: callback(false),
    recorder: { when: callback(true) },
  }
  const observer = createObserver(options)
  let handler: () => unknown = () => new Response('well')
  const route = callback('/things/:id')
  const onFetch = observeFetch(() => handler() as Response, { ...options, route })
  // Where what the handler does matters, nobody's deadline may come before it.
  const onOwnFetch = observeFetch(() => handler() as Response, {
    ...options,
    route,
    deadline: { trust: false },
  })
  const onNode = observeListener(() => handler(), { ...options, route, onError: () => {} })
  const client = observeClient((() => handler()) as unknown as typeof fetch, { metrics })
  const health = healthEndpoint({ thing: () => handler() })
  const levels = levelEndpoint(log.levels, { authorize: () => handler() as boolean })
  const scrape = metricsEndpoint(page)

  return {
    calls: {
      'isRequestId, parseTraceparent and formatTraceparent': never(({ values: [first], text }) => {
        isRequestId(first.value)
        parseTraceparent(text)
        formatTraceparent({ traceId: text, spanId: text, flags: text })
      }),
      'observer.begin of an exchange': never((given) => {
        made += 1
        const { observation } = observer.begin({}, exchangeOf(given))
        observation.fail(given.values[0].value)
        observation.route(() => {
          throw given.values[1].value
        })
        failures += 1
        observation.end({ kind: 'cut', status: given.dice < 0.5 ? undefined : 500 })
        observation.end({ kind: 'finished', status: 200 })
      }),
      'observer.begin with callbacks that throw': never((given) => {
        made += 1
        failing = { error: given.values[0].value }
        const { observation } = observer.begin({}, exchangeOf(given))
        observation.route(() => undefined)
        observation.end({ kind: 'finished', status: 200 })
        failing = undefined
      }),
      'fetch: a request of a stranger': never(async (given) => {
        made += 1
        handler = () => new Response(given.text, { headers: { 'x-answer': headerText(given.text) } })
        await (await onFetch(requestOf(given))).text()
      }),
      'fetch: a handler that rejects with it': never(async (given) => {
        made += 1
        handler = () => Promise.reject(given.values[0].value)
        await passedOn(missing, given, onOwnFetch(requestOf(given)))
      }),
      'fetch: a handler that throws it': never(async (given) => {
        made += 1
        handler = () => {
          throw given.values[0].value
        }
        await passedOn(missing, given, onOwnFetch(requestOf(given)))
      }),
      'fetch: a handler that answers it': never(async (given) => {
        made += 1
        const boxed = { value: given.values[0].value }
        handler = () => boxed
        if (((await onOwnFetch(requestOf(given))) as unknown) !== boxed)
          missing.push('an answer that is none')
      }),
      'fetch: a body that fails with it': never(async (given) => {
        made += 1
        const body = new ReadableStream({ pull: (stream) => stream.error(given.values[0].value) })
        handler = () => new Response(body)
        await (await onFetch(requestOf(given))).text().catch(() => {})
      }),
      'fetch: callbacks that throw it': never(async (given) => {
        made += 1
        failing = { error: given.values[0].value }
        handler = () => new Response('well')
        await (await onFetch(requestOf(given))).text()
        failing = undefined
      }),
      'node: a request of a stranger': never((given) => {
        made += 1
        handler = () => undefined
        const { req, res } = messagesOf(given)
        onNode(req, res)
        res.end(given.text)
        res.emit('close')
      }),
      'node: a listener that throws it': never((given) => {
        made += 1
        handler = () => {
          throw given.values[0].value
        }
        const { req, res } = messagesOf(given)
        onNode(req, res)
        res.emit('close')
      }),
      'node: a listener that rejects with it': never(async (given) => {
        made += 1
        handler = () => Promise.reject(given.values[0].value)
        const { req, res } = messagesOf(given)
        onNode(req, res)
        await new Promise((resolve) => setImmediate(resolve))
        res.emit('close')
      }),
      'node: callbacks that throw it': never((given) => {
        made += 1
        failing = { error: given.values[0].value }
        handler = () => undefined
        const { req, res } = messagesOf(given)
        observeNode(observer, req, res, { route }, () => res.end('well'))
        res.emit('close')
        failing = undefined
      }),
      'client: a fetch that rejects with it': never(async (given) => {
        handler = () => Promise.reject(given.values[0].value)
        await passedOn(missing, given, client('http://x.test/'))
      }),
      'client: a fetch that throws it': never(async (given) => {
        handler = () => {
          throw given.values[0].value
        }
        await passedOn(missing, given, client('http://x.test/'))
      }),
      'health of a check that throws it': never(async ({ values: [first] }) => {
        handler = () => {
          throw first.value
        }
        await health(new Request('http://x.test/health'))
      }),
      'levels of an authorization that throws it': never(async ({ values: [first], text }) => {
        handler = () => Promise.reject(first.value)
        await levels(new Request(`http://x.test/log/levels/${urlText(text)}`))
      }),
      'levels of a stranger': never(async ({ text, dice }) => {
        handler = () => true
        const path = `http://x.test/log/levels/${urlText(text)}`
        await levels(new Request(path, dice < 0.5 ? {} : { method: 'PUT', body: text }))
      }),
      'metrics page': never(async (given) => {
        if (given.dice < 0.005) await (await scrape(requestOf(given))).text()
      }),
    },
    audit() {
      const found = sumOf(metrics, 'http.server.request.duration')
      if (found !== accounted + made) missing.push(`of ${made} requests ${found - accounted} are observed`)
      accounted = found
      made = 0
      const active = sumOf(metrics, 'http.server.active_requests')
      if (active !== 0) missing.push(`${active} requests that are over are taken for active`)
      const counted = sumOf(metrics, 'kit.http.failed_callbacks')
      if (counted - failuresBefore !== failures) {
        missing.push(`of ${failures} callbacks that threw ${counted - failuresBefore} are counted`)
      }
      failuresBefore = counted
      failures = 0
      return missing.splice(0)
    },
    close: () => metrics.shutdown(10),
  }
}

/** Awaits what must be rejected with the first value. */
async function passedOn(
  missing: string[],
  { values: [first] }: Given,
  result: Promise<unknown>,
): Promise<void> {
  try {
    await result
  } catch (error) {
    if (Object.is(error, first.value)) return
  }
  missing.push(`the error ${first.what}`)
}

function exchangeOf({ text, dice }: Given): Exchange {
  return {
    method: dice < 0.3 ? text : 'GET',
    target: text,
    scheme: 'http',
    protocolVersion: '1.1',
    peerAddress: dice < 0.5 ? text : '127.0.0.1',
    header: () => text,
  }
}

function requestOf({ text, dice }: Given): Request {
  const headers = Object.fromEntries(
    headerNames.filter((_name, i) => (i + dice * 10) % 2 < 1.2).map((name) => [name, headerText(text)]),
  )
  const url = `http://x.test/${urlText(text)}`
  return new Request(url, dice < 0.5 ? { headers } : { headers, method: 'POST', body: text })
}

function messagesOf({ text, dice, values: [, second] }: Given): {
  req: IncomingMessage
  res: ServerResponse
} {
  const req = new IncomingMessage(new Socket())
  req.method = dice < 0.3 ? text : 'GET'
  req.url = text
  for (const name of headerNames) req.headers[name] = dice < 0.7 ? text : [text, text].join(', ')
  // What frameworks and tools put there, which may be anything.
  Object.assign(req, { params: second.value, body: second.value })
  return { req, res: new ServerResponse(req) }
}

/** A text as a segment of a path; half a character has no bytes there. */
function urlText(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).slice(0, 200)
}

function sumOf(metrics: Metrics, name: string): number {
  const found = metrics.snapshot().metrics.find((one) => one.name === name)
  return (found?.series ?? []).reduce((sum, point) => sum + ('value' in point ? point.value : point.count), 0)
}
