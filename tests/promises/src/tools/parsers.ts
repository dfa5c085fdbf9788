/** Everything in the packages that takes a text from outside, and the texts that parsers are slow at. */

import { background } from '@kit/context'
import { extractDeadline } from '@kit/context/wire'
import type { Exchange } from '@kit/http'
import { createObserver, internal, isRequestId, parseTraceparent } from '@kit/http'
import { observeFetch } from '@kit/http/fetch'
import { createLogger, levelHandler, withRequest } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import { parseExposition } from '@kit/metrics/testing'
import { sinkFromUrl } from '@kit/metrics/url'

/** Is given a text from outside and makes of it what the packages are given: the work that is theirs is what it returns. */
export type Parser = (text: string) => () => unknown

/** Pieces of which hostile texts are made, by repetition: what parsers look for, and the beginnings of what they look for. */
export const pieces: readonly string[] = [
  'a',
  '0',
  ' ',
  '\t',
  '"',
  '\\',
  '\\"',
  '{',
  '[',
  '{"a":',
  '=',
  'a=',
  'a=b,',
  ',',
  ';',
  ':',
  '/',
  '%',
  '%2',
  'broken%3D',
  '-',
  '00-',
  '://',
  'a://b:c',
  'password=',
  'Bearer ',
  'Bearer a',
  'PRIVATE KEY-----BEGIN ',
  '-----BEGIN PRIVATE KEY',
  '-----BEGIN ',
  'at a (',
  '# HELP a A\n',
  'a{b="',
  '\u2028',
  '\u0000',
  '\uD800',
  '1h',
  'é',
]

/** Before all of them: what looks for secrets looks further only where there is one. */
export const head = 'PRIVATE KEY Bearer '

/** As much as is read of a body. */
const bodyLength = 4_096
const levels = 'http://localhost/log/levels'

/** By what they take. */
export function allParsers(): Readonly<Record<string, Parser>> {
  const metrics = createMetrics()
  const counter = metrics.counter('texts', { labels: ['text'] })
  const page = prometheus()
  metrics.attach(page)
  const log = createLogger({ destination: { write: () => true } })
  log.levels.override({ when: { baggage: { debug: '1' } }, level: 'debug' })
  const handler = levelHandler(log.levels, { authorize: 'none' })
  const observed = observeFetch(() => new Response(), { ...internal, metrics, log })
  return {
    traceparent: (text) => () => parseTraceparent(text),
    'request id': (text) => () => isRequestId(text),
    deadline: (text) => () => extractDeadline({ 'grpc-timeout': text, 'request-timeout': text }),
    'X-Forwarded-For': requestWith('x-forwarded-for'),
    Forwarded: requestWith('forwarded'),
    baggage: (text) => {
      const asking = log.withContext(withRequest(background, { header: () => text }))
      return () => asking.debug('seen')
    },
    message: (text) => () => log.info(text),
    field: (text) => () => log.info({ text }, 'text'),
    'name of a field': (text) => () => log.info({ [text]: 1 }, 'text'),
    error: (text) => {
      const err = Object.assign(new Error(text), { stack: text })
      return () => log.error({ err }, 'failed')
    },
    'label value': (text) => () => counter.inc({ text }),
    'cause of a cancellation': (text) => () => background.withCancel().cancel(text),
    'headers of a request': (text) => {
      const request = requestOf(text)
      return () => observed(request)
    },
    'headers of a scrape': (text) => {
      const request = requestOf(text)
      return () => page.handler(request)
    },
    'headers to the levels': (text) => {
      const request = requestOf(text, levels)
      return () => handler(request)
    },
    'path of the levels': (text) => {
      const request = new Request(`${levels}/${encodeURIComponent(inHeader(text))}`)
      return () => handler(request)
    },
    'body of the levels': (text) => {
      const request = put(text.slice(0, bodyLength))
      return () => handler(request)
    },
    'JSON of the levels': (text) => {
      const request = put(JSON.stringify({ [text.slice(0, 200)]: text.slice(0, bodyLength / 4) }))
      return () => handler(request)
    },
    'page of metrics': (text) => () => caught(() => parseExposition(`# EOF\n${text}`, 'openmetrics')),
    'URL of a sink': (text) => {
      const url = `prometheus://?prefix=${encodeURIComponent(inHeader(text))}`
      return () => caught(() => sinkFromUrl(url))
    },
  }
}

function requestWith(header: 'x-forwarded-for' | 'forwarded'): Parser {
  const trust = ['127.0.0.0/8', '::1']
  const observer = createObserver({ log: false, metrics: createMetrics(), address: { header, trust } })
  return (text) => () => {
    const exchange: Exchange = {
      method: 'GET',
      target: '/',
      scheme: 'http',
      protocolVersion: '1.1',
      peerAddress: '127.0.0.1',
      header: () => text,
    }
    observer.begin({}, exchange).observation.end({ kind: 'finished', status: 200 })
  }
}

/** Those that kit reads. */
const headers = [
  'traceparent',
  'tracestate',
  'x-request-id',
  'grpc-timeout',
  'request-timeout',
  'accept',
  'content-type',
  'content-length',
  'if-match',
  'if-none-match',
  'origin',
]

function requestOf(text: string, url = 'http://localhost/'): Request {
  const value = inHeader(text)
  return new Request(url, { headers: Object.fromEntries(headers.map((name) => [name, value])) })
}

/** Headers are bytes; what else is in a text cannot come as one. */
function inHeader(text: string): string {
  return text.replaceAll(/[^\x20-\x7E]/g, '.')
}

function put(body: string): Request {
  return new Request(levels, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body,
  })
}

function caught(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}
