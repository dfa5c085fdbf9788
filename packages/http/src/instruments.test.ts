import { createMetrics } from '@kit/metrics'
import type { HistogramSnapshot, Metrics, NumberSnapshot } from '@kit/metrics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpInstruments } from './instruments.ts'
import type { Verdict } from './outcome.ts'

const ok: Verdict = { outcome: 'ok', errorType: '', status: '200', late: false }
const failed: Verdict = { outcome: 'error', errorType: '500', status: '500', late: false }
const late: Verdict = { outcome: 'deadline', errorType: 'deadline_exceeded', status: '500', late: true }

const names = ['http.request.method', 'url.scheme', 'http.route', 'http.response.status_code', 'error.type']

/** How often each set of labels was recorded. */
function durations(metrics: Metrics): Record<string, number> {
  const { metrics: all } = metrics.snapshot()
  const found = all.find(({ name }) => name === 'http.server.request.duration') as HistogramSnapshot
  return Object.fromEntries(
    found.series.map(({ labels, count }) => [names.map((name) => labels[name] ?? '').join(' '), count]),
  )
}

function overflowed(metrics: Metrics): number {
  const { metrics: all } = metrics.snapshot()
  const found = all.find(({ name }) => name === 'kit.metrics.dropped') as NumberSnapshot | undefined
  return found?.series.find(({ labels }) => labels['reason'] === 'overflow')?.value ?? 0
}

describe('httpInstruments', () => {
  it('keeps apart what has another method, scheme, route, status or error type', () => {
    const metrics = createMetrics()
    const instruments = httpInstruments(metrics)
    for (const method of ['GET', 'POST']) {
      for (const scheme of ['http', 'https']) {
        for (const route of ['/a', '/b']) {
          for (const verdict of [ok, failed, late]) {
            instruments.opened(method, scheme)
            instruments.opened(method, scheme)
            instruments.closed(method, scheme, route, verdict, 0.1)
            instruments.closed(method, scheme, route, verdict, 0.1)
          }
        }
      }
    }
    const counts = durations(metrics)
    expect(Object.keys(counts)).toHaveLength(24)
    expect(new Set(Object.values(counts))).toEqual(new Set([2]))
    expect(counts['POST https /b 500 deadline_exceeded']).toBe(2)
  })

  it('has the label of a route back that was first seen while it was blocked', () => {
    const metrics = createMetrics()
    const instruments = httpInstruments(metrics)
    metrics.updateFilter({ blockLabels: ['http.route'] })
    instruments.closed('GET', 'http', '/a', ok, 0.1)
    instruments.closed('GET', 'http', '/a', ok, 0.1)
    metrics.updateFilter({ blockLabels: [] })
    instruments.closed('GET', 'http', '/a', ok, 0.1)
    expect(durations(metrics)['GET http /a 200 ']).toBe(1)
  })

  it('counts each request that there was no series for', () => {
    const metrics = createMetrics({ maxSeries: 20 })
    const instruments = httpInstruments(metrics)
    for (let n = 0; n < 20; n += 1) instruments.closed('GET', 'http', `/${n}`, ok, 0.1)
    expect(overflowed(metrics)).toBe(0)
    for (let n = 0; n < 3; n += 1) instruments.closed('GET', 'http', '/c', ok, 0.1)
    expect(overflowed(metrics)).toBe(3)
  })

  it('loses nothing, whatever routes and statuses there are', () => {
    const routes = fc.array(
      fc.record({ route: fc.string({ maxLength: 3 }), status: fc.integer({ min: 100, max: 599 }) }),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(routes, (requests) => {
        const metrics = createMetrics()
        const instruments = httpInstruments(metrics)
        for (const { route, status } of requests) {
          instruments.closed('GET', 'http', route, { ...ok, status: String(status) }, 0.1)
        }
        const counts = Object.values(durations(metrics))
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(requests.length)
      }),
    )
  })

  it('records into the series of its labels beyond the routes and statuses that it keeps', () => {
    const metrics = createMetrics({ maxSeries: 5000 })
    const instruments = httpInstruments(metrics)
    for (let route = 0; route < 1100; route += 1) instruments.closed('GET', 'http', `/${route}`, ok, 0.1)
    for (let route = 0; route < 1100; route += 1) instruments.closed('GET', 'http', `/${route}`, ok, 0.1)
    for (let status = 201; status < 300; status += 1) {
      for (let times = 0; times < 2; times += 1) {
        instruments.closed('GET', 'http', '/0', { ...ok, status: String(status) }, 0.1)
      }
    }
    const counts = Object.values(durations(metrics))
    expect(counts).toHaveLength(1100 + 99)
    expect(new Set(counts)).toEqual(new Set([2]))
  })
})
