import { manualClock, type ManualClock } from '@kit/context/testing'
import { StatsD } from 'hot-shots'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from '../../index.ts'
import { FakeClient } from './fake-client.ts'
import { statsd, type StatsdDialect, type StatsdOptions, type StatsdSink } from './index.ts'

let time: ManualClock

beforeEach(() => {
  time = manualClock()
})

afterEach(() => {
  time[Symbol.dispose]()
})

interface Bench {
  metrics: Metrics
  sink: StatsdSink
  client: FakeClient
  /** Flushes, and returns the packets of that flush. */
  flushed(): Promise<string[]>
  dropped(reason: string): number
}

function bench(dialect: StatsdDialect, options: StatsdOptions = {}, client = new FakeClient(dialect)): Bench {
  const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
  const sink = statsd({ client, dialect, ...options })
  metrics.attach(sink)
  return {
    metrics,
    sink,
    client,
    async flushed() {
      const before = client.server.packets.length
      await metrics.flush(0)
      return client.server.packets.slice(before)
    },
    dropped(reason) {
      metrics.updateFilter({})
      const { metrics: all } = metrics.snapshot()
      const drops = all.find(({ name }) => name === 'kit.metrics.dropped')
      const series = drops?.series.find(({ labels }) => labels['reason'] === reason)
      return series !== undefined && 'value' in series ? series.value : NaN
    },
  }
}

describe('lines', () => {
  it.each<[StatsdDialect, string[]]>([
    ['statsd', ['shop.hits.a_x2e_b._:2|c', 'shop.temp:1.5|g', 'shop.took:250|ms', 'shop.size:3|ms']],
    [
      'dogstatsd',
      [
        'shop.hits:2|c|#env:x,route:a.b',
        'shop.temp:1.5|g|#env:x',
        'shop.took:0.25|d|#env:x',
        'shop.size:3|d|#env:x',
      ],
    ],
    [
      'telegraf',
      [
        'shop.hits,env=x,route=a.b:2|c',
        'shop.temp,env=x:1.5|g',
        'shop.took,env=x:250|ms',
        'shop.size,env=x:3|h',
      ],
    ],
    [
      'graphite-tags',
      [
        'shop.hits;env=x;route=a.b:2|c',
        'shop.temp;env=x:1.5|g',
        'shop.took;env=x:250|ms',
        'shop.size;env=x:3|ms',
      ],
    ],
  ])('of %s', async (dialect, lines) => {
    const labels = dialect === 'statsd' ? {} : { labels: { env: 'x' } }
    const { metrics, flushed } = bench(dialect, { prefix: 'shop.', ...labels })
    metrics.counter('hits', { labels: ['route', 'status'] }).inc({ route: 'a.b', status: '' }, 2)
    metrics.gauge('temp').set(1.5)
    metrics.histogram('took', { unit: 's' }).observe(0.25)
    metrics.histogram('size').observe(3)
    await expect(flushed()).resolves.toEqual([lines.join('\n')])
  })

  it('say nothing of counters and histograms that stood still, and everything of gauges', async () => {
    const { metrics, flushed } = bench('statsd')
    metrics.counter('c').inc()
    metrics.counter('never')
    metrics.gauge('g').set(0)
    metrics.histogram('h').observe(1)
    await flushed()
    await expect(flushed()).resolves.toEqual(['g:0|g'])
  })

  it('bring a gauge below zero in one packet, where a sign means a change', async () => {
    const { metrics, flushed } = bench('statsd', { maxPacketBytes: 64 })
    metrics.counter(`c${'o'.repeat(45)}`).inc()
    metrics.gauge('level').set(-3)
    await expect(flushed()).resolves.toEqual([`c${'o'.repeat(45)}:1|c`, 'level:0|g\nlevel:-3|g'])
    const datadog = bench('dogstatsd')
    datadog.metrics.gauge('level').set(-3)
    await expect(datadog.flushed()).resolves.toEqual(['level:-3|g'])
  })

  it("give a label of the series precedence over the sink's", async () => {
    const { metrics, flushed } = bench('dogstatsd', { labels: { env: 'prod', zone: 1, gone: '' } })
    metrics.counter('c', { labels: ['env'] }).inc({ env: 'test' })
    metrics.counter('d', { labels: ['env'] }).inc({ env: '' })
    await expect(flushed()).resolves.toEqual(['c:1|c|#zone:1,env:test\nd:1|c|#env:prod,zone:1'])
  })

  it('keep apart a label value and the name of another instrument', async () => {
    const { metrics, flushed } = bench('statsd')
    const requests = metrics.counter('requests', { labels: ['method', 'code'] })
    metrics.counter('requests.errors', { labels: ['code'] }).inc({ code: 1 }, 7)
    metrics.counter('requests._.x').inc(9)
    requests.inc({ method: 'errors', code: 1 })
    requests.inc({ method: '', code: 'x' }, 2)
    requests.inc({ method: '_', code: 'x' }, 3)
    const lines = [
      'requests._x65_rrors.1:1|c',
      'requests._x_.x:2|c',
      'requests._x5f_.x:3|c',
      'requests.errors.1:7|c',
      'requests._.x:9|c',
    ]
    await expect(flushed()).resolves.toEqual([lines.join('\n')])
  })

  it('begin anew with an observed total that did', async () => {
    const { metrics, flushed } = bench('statsd')
    const totals = [100, 40, 60]
    metrics.observable('o', { kind: 'counter' }, () => totals.shift()!)
    await expect(flushed()).resolves.toEqual(['o:100|c'])
    await expect(flushed()).resolves.toEqual([])
    await expect(flushed()).resolves.toEqual(['o:20|c'])
  })

  it('hold fractions back for Telegraf, which would cut them off', async () => {
    const { metrics, flushed } = bench('telegraf')
    const counter = metrics.counter('c')
    const sent: string[] = []
    for (let i = 0; i < 5; i++) {
      counter.inc(0.75)
      sent.push(...(await flushed()))
    }
    expect(sent).toEqual(['c:1|c', 'c:1|c', 'c:1|c'])
  })

  it('fall silent when a filter hides them, and go on where they were', async () => {
    const { metrics, flushed } = bench('statsd')
    const counter = metrics.counter('c')
    counter.inc(5)
    metrics.updateFilter({ block: ['c', 'kit.metrics.*'] })
    counter.inc(100)
    await expect(flushed()).resolves.toEqual([])
    metrics.updateFilter({ block: ['kit.metrics.*'] })
    counter.inc(2)
    await expect(flushed()).resolves.toEqual(['c:7|c'])
  })

  it('that fit into no packet are dropped and counted, and no others', async () => {
    const { metrics, sink, flushed, dropped } = bench('statsd', { maxPacketBytes: 64 })
    metrics.counter(`c.${'o'.repeat(80)}`).inc()
    metrics.gauge(`g.${'o'.repeat(80)}`).set(1)
    metrics.histogram(`h.${'o'.repeat(80)}`).observe(1)
    metrics.counter('c').inc()
    await expect(flushed()).resolves.toEqual(['c:1|c'])
    expect([sink.stats().tooLong, dropped('line_too_long')]).toEqual([3, 3])
  })
})

describe('samples', () => {
  it('are all sent while they are few, packed where the dialect can', async () => {
    const { metrics, flushed } = bench('dogstatsd', { samples: 10 })
    const histogram = metrics.histogram('h')
    for (const value of [1, 2.5, 1e-7]) histogram.observe(value)
    await expect(flushed()).resolves.toEqual(['h:1:2.5:1e-7|d'])
    const plain = bench('statsd', { samples: 10 })
    const timer = plain.metrics.histogram('h', { unit: 's' })
    for (const value of [1, 2.5]) timer.observe(value)
    await expect(plain.flushed()).resolves.toEqual(['h:1000|ms\nh:2500|ms'])
  })

  it.each<StatsdDialect>(['statsd', 'dogstatsd', 'telegraf'])(
    'are weighted in whole numbers, so that %s counts every observation',
    async (dialect) => {
      const { metrics, client, flushed } = bench(dialect, { samples: 7, maxPacketBytes: 90 })
      const histogram = metrics.histogram('h')
      for (let seen = 1; seen < 400; seen += 13) {
        for (let i = 0; i < seen; i++) histogram.observe(5)
        client.server.samples.clear()
        await flushed()
        expect([...client.server.samples.values()]).toMatchObject([{ count: seen, sum: seen * 5 }])
      }
    },
  )

  it('are chosen evenly over the interval', async () => {
    let state = 1
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const { metrics, client, flushed } = bench('dogstatsd', { samples: 50, random })
    const histogram = metrics.histogram('h')
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 1000; i++) histogram.observe(i)
      await flushed()
    }
    const { count, sum, values } = [...client.server.samples.values()].at(0)!
    expect(count).toBe(100_000)
    expect(Math.abs(sum / count - 499.5)).toBeLessThan(20)
    const thirds = [0, 1, 2].map(
      (third) => values.filter((value) => Math.floor(value / 333.4) === third).length,
    )
    expect(Math.min(...thirds)).toBeGreaterThan(1500)
  })

  it('that failed are due again, weight and all, in bounded memory', async () => {
    const { metrics, client, flushed } = bench('dogstatsd', { samples: 10 })
    const histogram = metrics.histogram('h')
    client.outcome = () => 'refused'
    for (let flush = 0; flush < 50; flush++) {
      for (let i = 0; i < 100; i++) histogram.observe(flush)
      await flushed()
    }
    client.outcome = () => 'taken'
    await flushed()
    const { count, values } = [...client.server.samples.values()].at(0)!
    expect([count, values.length]).toEqual([5000, 10])
    expect(new Set(values).size).toBeGreaterThan(3)
  })

  it('that are negative cannot be timers, and are counted as dropped', async () => {
    const { metrics, flushed, dropped } = bench('statsd')
    const histogram = metrics.histogram('h', { buckets: [-10, 0, 10] })
    histogram.observe(-1)
    histogram.observe(1)
    await expect(flushed()).resolves.toEqual(['h:1|ms'])
    expect(dropped('unsendable')).toBe(1)
  })

  it('may be left out for count and sum', async () => {
    const { metrics, flushed } = bench('statsd', { samples: 0 })
    metrics.counter('h.count').inc()
    const histogram = metrics.histogram('h', { labels: ['a'], unit: 's', buckets: [-1, 1] })
    histogram.observe({ a: 'x' }, 0.5)
    await expect(flushed()).resolves.toEqual(['h.count:1|c\nh.count_.x:1|c\nh.sum.x:0.5|c'])
    histogram.observe({ a: 'x' }, -0.75)
    await expect(flushed()).resolves.toEqual(['h.count_.x:1|c\nh.sum.x:-0.75|c'])
  })
})

describe('a flush', () => {
  it('comes every interval, on the grid of the first', async () => {
    const { metrics, client } = bench('statsd', { intervalMs: 1000 })
    metrics.gauge('g').set(1)
    time.advance(3500)
    expect(client.server.packets).toHaveLength(3)
    await metrics.shutdown(0)
    time.advance(10_000)
    expect(client.server.packets).toHaveLength(5)
    expect(time.pendingTimers).toBe(0)
  })

  it('is withheld while too much waits in the socket, and loses nothing', async () => {
    const { metrics, sink, client, flushed } = bench('statsd', { maxQueueBytes: 1000 })
    const counter = metrics.counter('c')
    client.queuedBytes = 1001
    for (let i = 0; i < 10; i++) {
      counter.inc()
      await expect(flushed()).resolves.toEqual([])
    }
    client.queuedBytes = 1000
    await expect(flushed()).resolves.toEqual(['c:10|c'])
    expect(sink.stats()).toMatchObject({ withheld: 10, packets: 1 })
  })

  it('is cut where the queue is full, and the next one begins there', async () => {
    const { metrics, client, flushed } = bench('statsd', { maxPacketBytes: 64, maxQueueBytes: 100 })
    for (let i = 0; i < 60; i++) metrics.gauge(`gauge.number.${i}`).set(1)
    client.outcome = () => {
      client.queuedBytes += 64
      return 'taken'
    }
    const seen = new Set<string>()
    for (let flush = 0; flush < 12; flush++) {
      client.queuedBytes = 0
      for (const packet of await flushed()) for (const line of packet.split('\n')) seen.add(line)
    }
    expect(seen.size).toBe(60)
  })

  it('keeps memory bounded while packets vanish without an answer', async () => {
    const { metrics, sink, client, flushed } = bench('statsd', { maxQueueBytes: 5000 })
    client.outcome = () => 'lost'
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let flush = 0; flush < 200; flush++) {
      for (let i = 0; i < 100; i++) counter.inc({ i })
      await flushed()
    }
    expect(sink.stats().underway).toBeLessThan(10)
  })

  it('leaves in bursts, and finishes when the next one needs it', async () => {
    const { metrics, client } = bench('statsd', { maxPacketBytes: 64 })
    for (let i = 0; i < 100; i++) metrics.counter(`counter.with.a.longer.name.${i}`).inc()
    const flush = metrics.flush(5000)
    expect(client.server.packets).toHaveLength(16)
    time.advance(1)
    expect(client.server.packets).toHaveLength(32)
    await metrics.flush(0)
    await flush
    expect(client.server.lines).toBe(100)
  })

  it('sends no more bytes in one go when its packets are longer', async () => {
    const { metrics, client } = bench('statsd', { maxPacketBytes: 8000 })
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let i = 0; i < 900; i++) counter.inc({ i: `${'long.'.repeat(10)}${i}` })
    const flush = metrics.flush(5000)
    // Three of them are more than the 22,912 bytes of sixteen short ones.
    expect(client.server.packets).toHaveLength(3)
    time.advance(1)
    expect(client.server.packets).toHaveLength(6)
    await metrics.flush(0)
    await flush
    expect(client.server.lines).toBe(900)
  })

  it('of thousands of new series takes several turns, unless nobody waits for them', async () => {
    const { metrics, client } = bench('statsd')
    const counter = metrics.counter('c', { labels: ['i'], maxSeries: 20_000 })
    for (let i = 0; i < 9000; i++) counter.inc({ i })
    const flush = metrics.flush(5000)
    time.advance(3)
    expect(client.server.packets).toHaveLength(0)
    for (let ms = 0; ms < 100; ms++) time.advance(1)
    expect(client.server.lines).toBe(9000)
    await flush
    for (let i = 9000; i < 18_000; i++) counter.inc({ i })
    const second = metrics.flush(5000)
    expect(client.server.lines).toBe(9000)
    void metrics.shutdown(0)
    expect(client.server.lines).toBe(18_000)
    await second
  })

  it('that fails counts as an error of the sink', async () => {
    const { metrics, client, sink } = bench('statsd')
    metrics.updateFilter({})
    client.outcome = () => 'refused-later'
    metrics.counter('c').inc()
    await metrics.flush()
    client.outcome = () => 'taken'
    await metrics.flush()
    expect(client.server.counters.get('["kit.metrics.sink.errors.statsd.flush",[]]')).toBe(1)
    expect(sink.stats()).toMatchObject({ errors: 1, packets: 1 })
  })
})

describe('a packet', () => {
  /** The longest one of a flush that fills many. */
  async function longest(client: FakeClient, options: StatsdOptions = {}): Promise<number> {
    const { metrics, flushed } = bench('statsd', options, client)
    const counter = metrics.counter('counter', { labels: ['i'] })
    for (let i = 0; i < 1500; i++) counter.inc({ i })
    return Math.max(...(await flushed()).map((packet) => packet.length))
  }

  it.each<[string, number]>([
    ['127.0.0.1', 3600],
    ['127.8.8.8', 3600],
    ['::1', 3600],
    ['localhost', 3600],
    ['192.0.2.1', 1432],
    ['statsd', 1432],
    ['127.example', 1432],
    ['localhost.example', 1432],
    ['::2', 1432],
  ])('to %s is at most %i bytes long', async (host, atMost) => {
    const client = new FakeClient('statsd')
    client.host = host
    const bytes = await longest(client)
    expect(bytes).toBeLessThanOrEqual(atMost)
    expect(bytes).toBeGreaterThan(atMost - 20)
    await expect(longest(client, { maxPacketBytes: 512 })).resolves.toBeLessThanOrEqual(512)
    await expect(longest(client, { maxPacketBytes: 7680 })).resolves.toBeGreaterThan(7660)
  })

  it('fits into a frame where the client does not say where it goes', async () => {
    await expect(longest(new FakeClient('statsd'))).resolves.toBeLessThanOrEqual(1432)
    const child = new FakeClient('statsd')
    child.host = '127.0.0.1'
    child.isChild = true
    await expect(longest(child)).resolves.toBeLessThanOrEqual(1432)
  })
})

describe('the end', () => {
  it('tries again for a while, then counts what it still owes', async () => {
    const { metrics, client, dropped } = bench('statsd')
    client.outcome = () => 'refused'
    metrics.counter('c').inc()
    metrics.histogram('h').observe(1)
    metrics.gauge('g').set(1)
    const end = metrics.shutdown(5000)
    for (let turn = 0; turn < 20; turn++) {
      await new Promise(setImmediate)
      time.advance(100)
    }
    await end
    expect(dropped('undelivered')).toBe(2)
    expect(time.pendingTimers).toBe(0)
  })

  it('counts what was in packets that nobody answered for', async () => {
    const { metrics, client, sink, dropped } = bench('statsd', { maxPacketBytes: 64 })
    client.outcome = () => 'lost'
    for (let i = 0; i < 12; i++) metrics.counter(`counter.with.a.longer.name.${i}`).inc()
    const end = metrics.shutdown(5000)
    expect(sink.stats().underway).toBe(12)
    for (let turn = 0; turn < 100; turn++) {
      await new Promise(setImmediate)
      time.advance(100)
    }
    await end
    expect(sink.stats()).toMatchObject({ underway: 0, errors: 12 })
    expect(dropped('undelivered')).toBe(12)
  })

  it('without time hands everything over before it returns', () => {
    const { metrics, client } = bench('statsd', { maxPacketBytes: 64 })
    for (let i = 0; i < 100; i++) metrics.counter(`counter.with.a.longer.name.${i}`).inc()
    void metrics.shutdown(0)
    expect(client.server.lines).toBe(100)
  })

  it('leaves the client of the user open, and takes its taps out', async () => {
    const { metrics, client } = bench('statsd')
    await metrics.shutdown()
    expect(client.closed).toBe(false)
  })
})

describe('a hot-shots client', () => {
  it('is used with all that it adds to a line', async () => {
    const parent = new StatsD({
      mock: true,
      prefix: 'app',
      globalTags: { env: 'a b', bare: '1' },
      datadog: true,
      originDetection: false,
      containerID: 'id',
    })
    const client = parent.childClient({ suffix: 'end', globalTags: { child: 'yes' } })
    const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
    metrics.attach(statsd({ client, prefix: 'shop.' }))
    metrics.counter('c').inc()
    metrics.counter('d', { labels: ['bare'] }).inc({ bare: 2 })
    await metrics.shutdown()
    expect(client.mockBuffer).toEqual([
      'app.shop.c.end:1|c|#env:a_x20_b,bare:1,child:yes|c:id',
      'app.shop.d.end:1|c|#env:a_x20_b,child:yes,bare:2|c:id',
    ])
    parent.close()
  })

  it.each([
    [{ client: {} }, 'KIT_METRIC_OPTION_INVALID'],
    [{ client: new FakeClient('statsd'), host: 'h' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ port: 0 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ port: 65_536 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ host: 'a b' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ protocol: 'uds' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ path: '/x', protocol: 'udp' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ path: '/x', port: 1 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ dialect: 'etsy' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ sampleType: 'd' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ labels: { env: 'x' } }, 'KIT_METRIC_OPTION_INVALID'],
    [{ dialect: 'dogstatsd', labels: { 'e:v': 'x' } }, 'KIT_METRIC_OPTION_INVALID'],
    [{ dialect: 'dogstatsd', labels: { env: {} } }, 'KIT_METRIC_OPTION_INVALID'],
    [{ prefix: 'a:' }, 'KIT_METRIC_OPTION_INVALID'],
    [{ intervalMs: 0 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ samples: -1 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ maxPacketBytes: 63 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ random: 4 }, 'KIT_METRIC_OPTION_INVALID'],
    [{ sample: 4 }, 'KIT_METRIC_OPTION_UNKNOWN'],
  ])('and options are checked: %o', (options, code) => {
    expect(() => statsd(options as StatsdOptions)).toThrow(expect.objectContaining({ code }))
  })
})
