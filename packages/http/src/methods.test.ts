import { createMetrics } from '@kit/metrics'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { observeClient } from './client.ts'
import { observeFetch } from './fetch.ts'
import { callMethodLabels, methodLabels } from './methods.ts'

const variable = 'OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS'
const label = (list: string | undefined, method: string): string =>
  methodLabels(list === undefined ? {} : { [variable]: list })(method)

describe('methodLabels', () => {
  it('knows the methods of the RFCs, by their case, and no other', () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']
    expect(methods.map((method) => label(undefined, method))).toEqual(methods)
    const others = ['get', 'BREWCOFFEE', 'PROPFIND', '', '__proto__', 'constructor', ' GET']
    expect(others.map((method) => label(undefined, method))).toEqual(others.map(() => '_OTHER'))
  })

  it('replaces the whole list by that of the environment', () => {
    const list = 'PURGE, get ,GET'
    expect(['PURGE', 'get', 'GET', 'POST', 'purge'].map((method) => label(list, method))).toEqual([
      'PURGE',
      'get',
      'GET',
      '_OTHER',
      '_OTHER',
    ])
  })

  it('takes a list without methods for none', () => {
    for (const list of ['', ' ', ',', ' , ', '"GET"', 'G ET,\n']) expect(label(list, 'POST')).toBe('POST')
  })

  it('makes no label but those on the list and _OTHER, whatever comes', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), (list, methods) => {
        const allowed = list.split(',').map((method) => method.trim())
        const made = methods.concat(allowed).map((method) => label(`GET,${list}`, method))
        expect(made.filter((one) => !['GET', '_OTHER', ...allowed].includes(one))).toEqual([])
      }),
    )
  })
})

describe('callMethodLabels', () => {
  it('knows a method by its upper-case spelling too, and one of the list as it stands there', () => {
    const known = callMethodLabels({ [variable]: 'GET,report' })
    expect(['get', 'GET', 'report', 'REPORT', 'put'].map(known)).toEqual([
      'GET',
      'GET',
      'report',
      '_OTHER',
      '_OTHER',
    ])
  })
})

describe('the environment', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('is asked by servers and clients when they are made', async () => {
    vi.stubEnv(variable, 'PURGE')
    const metrics = createMetrics()
    const handler = observeFetch(async () => new Response(null), { metrics, log: false })
    const client = observeClient(async () => new Response(null), { metrics })
    vi.stubEnv(variable, 'GET')
    for (const method of ['PURGE', 'GET']) {
      await handler(new Request('http://shop.test/', { method }))
      await client('http://shop.test/', { method })
    }
    // By name: there is a histogram of the streams, too, and nothing of these requests is in it.
    const methods = (name: string): unknown =>
      metrics
        .snapshot()
        .metrics.find((metric) => metric.name === name)
        ?.series.map(({ labels }) => labels['http.request.method'])
    expect(methods('http.server.request.duration')).toEqual(['PURGE', '_OTHER'])
    expect(methods('http.client.request.duration')).toEqual(['PURGE', '_OTHER'])
    expect(methods('http.server.stream.duration')).toEqual([])
  })
})
