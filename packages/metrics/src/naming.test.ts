import { describe, expect, it } from 'vitest'
import { prometheusLabelName, prometheusName, prometheusUnit, type InstrumentKind } from './naming.ts'

describe('Prometheus names', () => {
  it.each<[string, string, InstrumentKind, string]>([
    ['http.server.request.duration', 's', 'histogram', 'http_server_request_duration_seconds'],
    ['http.request.duration.seconds', 's', 'histogram', 'http_request_duration_seconds'],
    ['sent', 'By', 'counter', 'sent_bytes'],
    ['sent.total', 'By', 'counter', 'sent_bytes'],
    ['sent_bytes_total', 'By', 'counter', 'sent_bytes'],
    ['requests_total', '', 'counter', 'requests'],
    ['latency', 'ms', 'gauge', 'latency_milliseconds'],
    ['utilization', '1', 'gauge', 'utilization_ratio'],
    ['hits', '1', 'counter', 'hits'],
    ['active', '{request}', 'gauge', 'active'],
    ['flow', 'By/s', 'gauge', 'flow_bytes_per_second'],
    ['rate', '{request}/s', 'gauge', 'rate_per_second'],
    ['load', '%', 'gauge', 'load_percent'],
    ['a-b/c..d', '', 'gauge', 'a_b_c_d'],
    ['odd', 'foo', 'gauge', 'odd_foo'],
    ['odd', 'k{cow}h', 'gauge', 'odd_kh'],
    ['odd', '{a{b}c}', 'gauge', 'odd_ac'],
    ['odd', 'constructor', 'gauge', 'odd_constructor'],
    ['seconds', 's', 'gauge', 'seconds'],
  ])('%s in %j as a %s is %s', (name, unit, kind, spelled) => {
    expect(prometheusName(name, unit, kind)).toBe(spelled)
  })

  it('spell labels', () => {
    expect(prometheusLabelName('http.request.method')).toBe('http_request_method')
    expect(prometheusUnit('s', 'counter')).toBe('seconds')
  })
})
