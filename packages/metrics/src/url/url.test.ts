import { manualClock, type ManualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics, type MetricsError } from '../index.ts'
import { sinkFromUrl } from './index.ts'

const loadedWithTheModule = Object.keys(createRequire(import.meta.url).cache).filter((file) =>
  file.includes('hot-shots'),
)

let time: ManualClock

beforeEach(() => {
  time = manualClock()
})

afterEach(() => {
  time[Symbol.dispose]()
})

function failure(url: string): { code: string; message: string } {
  try {
    sinkFromUrl(url)
  } catch (error) {
    const { code, message, cause } = error as MetricsError
    return { code, message: cause === undefined ? message : inspect(error) }
  }
  return { code: '', message: '' }
}

describe('a URL', () => {
  it('needs no hot-shots before a StatsD sink is attached', () => {
    expect(loadedWithTheModule).toEqual([])
  })

  it('makes a StatsD sink that sends what it says', async () => {
    const server = createSocket('udp4')
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
    const sink = sinkFromUrl(
      `statsd://127.0.0.1:${server.address().port}?dialect=dogstatsd&prefix=shop.&interval=1.5s&label.env=a%20b&samples=0`,
    )
    metrics.attach(sink)
    metrics.counter('orders').inc(3)
    metrics.histogram('size').observe(2)
    const received = once(server, 'message')
    time.advance(1500)
    const [message] = (await received) as [Buffer]
    server.close()
    await metrics.shutdown(0)
    const lines = String(message).split('\n')
    expect(lines.map((line) => line.replace(/\|c:.*/, ''))).toEqual([
      'shop.orders:3|c|#env:a_x20_b',
      'shop.size.count:1|c|#env:a_x20_b',
      'shop.size.sum:2|c|#env:a_x20_b',
    ])
    expect(sink.stats()).toMatchObject({ packets: 1, lines: 3 })
  })

  it('makes a memory sink with its times', () => {
    const sink = sinkFromUrl('memory://?interval=1s&retain=2s')
    createMetrics().attach(sink)
    time.advance(10_000)
    expect(sink.data().intervals.map(({ sequence }) => sequence)).toEqual([8, 9, 10])
  })

  it('makes a Prometheus sink with its prefix', async () => {
    const metrics = createMetrics()
    const sink = sinkFromUrl('prometheus://?prefix=shop_')
    metrics.attach(sink)
    metrics.counter('orders').inc()
    await expect(sink.text()).resolves.toContain('shop_orders_total 1\n')
  })

  it.each([
    'statsd://localhost',
    'statsd://[::1]:8125/',
    'statsd+tcp://localhost:8125?dialect=telegraf',
    'statsd+unix:///var/run/datadog/dsd.socket?dialect=dogstatsd&sampleType=h',
    new URL('statsd://localhost?maxPacketBytes=512&maxQueueBytes=100&dnsTtl=5m'),
  ])('may be %s', (url) => {
    expect(sinkFromUrl(url)).toMatchObject({ name: 'statsd' })
  })
})

describe('a URL that is wrong', () => {
  it.each([
    ['', 'INVALID'],
    ['localhost', 'INVALID'],
    ['http://localhost', 'UNKNOWN'],
    ['constructor:', 'UNKNOWN'],
    ['statsd:', 'INVALID'],
    ['statsd://', 'INVALID'],
    ['statsd://?prefix=a.', 'INVALID'],
    ['statsd://h:0', 'INVALID'],
    ['statsd://h:99999', 'INVALID'],
    ['statsd://h/path', 'INVALID'],
    ['statsd://h#x', 'INVALID'],
    ['statsd://h%zz', 'INVALID'],
    ['statsd://user@h', 'INVALID'],
    ['statsd://h?dialect=spoken', 'INVALID'],
    ['statsd://h?label.env=x', 'INVALID'],
    ['statsd://h?sampleType=d', 'INVALID'],
    ['statsd://h?label.=x', 'INVALID'],
    ['statsd://h?interval=10', 'INVALID'],
    ['statsd://h?interval=0s', 'INVALID'],
    ['statsd://h?interval=1e3s', 'INVALID'],
    ['statsd://h?interval=1s&interval=2s', 'INVALID'],
    ['statsd://h?samples=-1', 'INVALID'],
    ['statsd://h?samples=1.5', 'INVALID'],
    ['statsd://h?prefix=a|b', 'INVALID'],
    ['statsd://h?token=x', 'UNKNOWN'],
    ['statsd://h?client=x', 'UNKNOWN'],
    ['statsd+unix://h/path', 'INVALID'],
    ['statsd+unix://', 'INVALID'],
    ['memory://h', 'INVALID'],
    ['memory://?duration=10s', 'UNKNOWN'],
    ['memory://?retain=1s', 'INVALID'],
    ['prometheus://?prefix=1', 'INVALID'],
    ['prometheus://?retain=1s', 'UNKNOWN'],
  ])('such as %s throws %s', (url, code) => {
    expect(failure(url).code).toBe(`KIT_METRIC_OPTION_${code}`)
  })

  it('is never repeated, so that no secret shows', () => {
    const secret = 'canary7f3a'
    const scheme = fc.constantFrom('statsd', 'statsd+tcp', 'statsd+unix', 'memory', 'prometheus', 'redis', '')
    const around = fc.string({ maxLength: 6 })
    const place = fc.constantFrom(
      (text: string) => `://user:${text}@h`,
      (text: string) => `://${text}@h:99999`,
      (text: string) => `://h:${text}`,
      (text: string) => `://h/${text}`,
      (text: string) => `://h?${text}=1`,
      (text: string) => `://h?prefix=${text}|`,
      (text: string) => `://h?dialect=${text}`,
      (text: string) => `://h?interval=${text}`,
      (text: string) => `://h?${text}=1&${text}=2`,
      (text: string) => `://h?label.${text}%20=1`,
      (text: string) => `://h#${text}`,
    )
    fc.assert(
      fc.property(scheme, place, around, (name, put, filler) => {
        expect(failure(name + put(secret + filler)).message).not.toContain(secret)
      }),
    )
  })
})
