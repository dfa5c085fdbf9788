/**
 * S4: names, labels and values from anywhere become the one line, or the one series, that they are meant to be, in StatsD and
 * on Prometheus pages. (There are no events in kit; the labels that a sink gives to all series are tried among the labels.)
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { prometheus } from '@kit/metrics/prometheus'
import type { PrometheusSink } from '@kit/metrics/prometheus'
import { statsd } from '@kit/metrics/statsd'
import type { StatsdDialect, StatsdSink } from '@kit/metrics/statsd'
import type { PublishedPromise, Trial } from '../promise.ts'
import { readPage } from '../tools/exposition-lines.ts'
import { hostileText, naughtyStrings, randomFrom } from '../tools/naughty.ts'
import { StatsdDaemon } from '../tools/statsd-daemon.ts'
import { readStatsdLine } from '../tools/statsd-lines.ts'

export const promise: PublishedPromise = {
  id: 'S4',
  says: 'Nothing that is recorded forges a metric: one call is one line of StatsD and one series of a Prometheus page, whatever names, labels and values hold.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/metrics/src/sinks/statsd',
    'packages/metrics/src/sinks/prometheus/label-block.ts',
    'packages/metrics/src/sinks/prometheus/text.ts',
    'packages/metrics/src/sinks/prometheus/utf8.ts',
    'packages/metrics/src/labels.ts',
    'packages/metrics/src/naming.ts',
    'packages/metrics/src/verbs.ts',
  ],
  async run(trial) {
    const found = { ...nothing }
    const random = randomFrom(trial.seed)
    const rounds = trial.pick({ change: 1, nightly: 60, release: 60 })
    for (let round = 0; round < rounds; round += 1) {
      const texts = textsOf(random)
      for (const dialect of dialects) {
        for (let at = 0; at < texts.length; at += atOnce) {
          await overUdp(dialect, texts.slice(at, at + atOnce), found)
        }
      }
      trial.progress(round + 1, rounds, 'rounds')
    }
    await byTheDaemon(trial, textsOf(random), found)
    report(trial, found)
  },
  plants: [
    {
      bug: 'short values are not escaped in StatsD',
      file: 'metrics/dist/sinks/statsd/spelling.js',
      find: "if (short && !text.includes('_x') && this.#allSafe.test(text))",
      replace: 'if (short)',
    },
    {
      bug: 'what looks like an escape is not escaped itself',
      file: 'metrics/dist/sinks/statsd/spelling.js',
      find: "if (short && !text.includes('_x') && this.#allSafe.test(text))",
      replace: 'if (short && this.#allSafe.test(text))',
    },
    {
      bug: 'quotes are not escaped on pages',
      file: 'metrics/dist/sinks/prometheus/utf8.js',
      find: 'code === backslash || code === quote || code === newline',
      replace: 'code === backslash || code === newline',
    },
    {
      bug: 'a gauge can be set to NaN and infinity',
      file: 'metrics/dist/cell.js',
      find: `    set(value) {
        if (Number.isFinite(value)) {`,
      replace: `    set(value) {
        if (typeof value === 'number') {`,
    },
  ],
}

const dialects: readonly StatsdDialect[] = ['statsd', 'dogstatsd', 'telegraf', 'graphite-tags']

/** So many texts are sent by one flush: the system keeps no more than that for a reader that is in the same process. */
const atOnce = 250

/** What was found wrong, over all rounds. */
const nothing = {
  calls: 0,
  lines: 0,
  unreadable: 0,
  strays: 0,
  merged: 0,
  lost: 0,
  pages: 0,
  badPages: 0,
  badSeries: 0,
}
type Found = typeof nothing

/** Texts that a careless way to escape makes one. */
const twins = [
  '',
  '_',
  '__',
  '_x_',
  '\n',
  '_x0a_',
  '_xa_',
  '_x5f_xa_',
  '_x5f_x0a_',
  ' ',
  '_x20_',
  '.',
  '-',
  'a.b',
  'a_b',
  'a b',
]

/** Texts that are different label values, as many as an instrument takes by default, and some room. */
function textsOf(random: () => number): string[] {
  const texts = new Set([...twins, ...naughtyStrings].map(canonical))
  while (texts.size < 1900) texts.add(canonical(hostileText(random, 16)))
  return [...texts]
}

/** What `@kit/metrics` says that a label value is: well-formed, and no longer than this. */
function canonical(text: string): string {
  return (text.slice(0, 1024) as string & { toWellFormed(): string }).toWellFormed()
}

const values = [0, 1, 0.1, 1e-7, 1e21, 1e308, 2 ** 53, 5e-324, 123_456_789.123]
const noValues: readonly unknown[] = [Number.NaN, Infinity, -Infinity, '1|c\nforged:1|c', {}, [1], 1n, null]

/** Calls with these texts wherever a text can go. Each that is taken makes a series of its own. */
function record(metrics: Metrics, texts: readonly string[]): void {
  const hits = metrics.counter('hits', { labels: ['who'] })
  const level = metrics.gauge('level', { labels: ['who'] })
  const size = metrics.histogram('size', { labels: ['who'], buckets: [1, 1000] })
  texts.forEach((who, i) => {
    hits.inc({ who })
    level.set({ who }, values[i % values.length]!)
    size.observe({ who }, values[i % values.length]! % 1e9)
    // None of these is a value, a name or a label: they are dropped, and counted as that.
    const bad = noValues[i % noValues.length] as number
    hits.inc({ who }, bad)
    level.set({ who }, bad)
    size.observe({ who }, bad)
    if (!/^[\w./-]{0,200}$/.test(who)) metrics.incrCounter(who)
    if (!/^[\w./-]*$/.test(who)) metrics.incrCounter('odd', 1, { [who]: who })
    if (i % 20 === 0 && who !== '') metrics.counter(`help.${i}`, { help: who }).inc()
  })
}

/** How many series there are to be sent. */
function seriesOf(metrics: Metrics): number {
  return metrics
    .snapshot()
    .metrics.filter(({ name }) => !name.startsWith('kit.'))
    .reduce((sum, { series }) => sum + series.length, 0)
}

async function overUdp(dialect: StatsdDialect, texts: readonly string[], found: Found): Promise<void> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const lines: string[] = []
  socket.on('message', (packet) => lines.push(...packet.toString().split('\n')))
  const metrics = createMetrics({ prefix: 'attack' })
  const page = prometheus()
  metrics.attach(page)
  const { port } = socket.address()
  const labels = dialect === 'statsd' ? {} : { labels: { env: texts[7]! } }
  const sink = statsd({ dialect, host: '127.0.0.1', port, ...labels })
  metrics.attach(sink)
  try {
    record(metrics, texts)
    await metrics.flush()
    await arrival(sink, socket, lines)
    compare(dialect, metrics, texts, lines, found)
    for (const format of ['text', 'openmetrics'] as const) await readBack(page, format, texts, found)
  } finally {
    await metrics.shutdown()
    socket.close()
  }
}

/** Waits until all that was sent is there. */
async function arrival(sink: StatsdSink, socket: Socket, lines: readonly string[]): Promise<void> {
  while (lines.length < sink.stats().lines) {
    await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })
  }
}

function compare(
  dialect: StatsdDialect,
  metrics: Metrics,
  texts: readonly string[],
  lines: readonly string[],
  found: Found,
): void {
  const expected = seriesOf(metrics)
  const series = new Set<string>()
  let count = 0
  let hits = 0
  for (const line of lines) {
    try {
      const read = readStatsdLine(line, dialect)
      if (read.name.startsWith('kit.metrics.')) continue
      if (!read.name.startsWith('attack.')) found.strays += 1
      count += 1
      series.add(read.series)
      if (/^attack\.hits(?:\.|$)/.test(read.name)) hits += read.values[0]!
    } catch {
      found.unreadable += 1
    }
  }
  found.calls += expected
  found.lines += Math.abs(count - expected)
  found.merged += expected - series.size
  found.lost += Math.abs(hits - texts.length)
}

async function readBack(
  page: PrometheusSink,
  format: 'text' | 'openmetrics',
  texts: readonly string[],
  found: Found,
): Promise<void> {
  const content = await page.text(format === 'text' ? 'text/plain' : 'application/openmetrics-text')
  found.pages += 1
  try {
    const samples = readPage(content, format)
    const of = (name: string): Map<string, number> =>
      new Map(
        samples
          .filter((sample) => sample.name === name)
          .map(({ labels, value }) => [labels.get('who') ?? '', value]),
      )
    const [hits, level, count] = [of('attack_hits_total'), of('attack_level'), of('attack_size_count')]
    found.badSeries += samples.filter(({ name }) => !/^(?:attack|kit)_/.test(name)).length
    for (const read of [hits, level, count]) found.badSeries += Math.abs(read.size - texts.length)
    texts.forEach((who, i) => {
      const isTrue =
        hits.get(who) === 1 && level.get(who) === values[i % values.length] && count.get(who) === 1
      if (!isTrue) found.badSeries += 1
    })
  } catch {
    found.badPages += 1
  }
}

/** The same calls, as the daemon of the npm package statsd reads them. */
async function byTheDaemon(trial: Trial, texts: readonly string[], found: Found): Promise<void> {
  const daemon = await StatsdDaemon.start(trial.folder)
  let expected = 0
  try {
    for (const dialect of ['statsd', 'graphite-tags'] as const) {
      const metrics = createMetrics({ prefix: dialect === 'statsd' ? 'plain' : 'tagged' })
      const { port } = daemon
      metrics.attach(statsd({ dialect, protocol: 'tcp', host: '127.0.0.1', port }))
      record(metrics, texts)
      metrics.incrCounter('last')
      expected += seriesOf(metrics)
      await metrics.shutdown()
    }
    await daemon.until(() => daemon.counters.has('plain.last') && daemon.counters.has('tagged.last'))
  } finally {
    await daemon.stop()
  }
  const isOurs = (name: string): boolean => /^(?:plain|tagged)\./.test(name)
  const names = [...daemon.counters.keys(), ...daemon.gauges.keys(), ...daemon.timers.keys()]
  const samples = [...daemon.timers.values()].reduce((sum, one) => sum + one, 0)
  found.strays += names.filter((name) => !isOurs(name) && !/^(?:statsd|kit\.metrics)\./.test(name)).length
  trial.figure({
    what: 'series that the daemon `statsd` has beyond or below those of the calls',
    value: Math.abs(names.filter(isOurs).length - expected),
    unit: 'series',
    exactly: 0,
  })
  trial.figure({
    what: 'samples that it has beyond or below one a call',
    value: Math.abs(samples - 2 * texts.length),
    unit: 'samples',
    exactly: 0,
  })
  trial.figure({
    what: 'lines that it refused',
    value: daemon.counters.get('statsd.bad_lines_seen') ?? 0,
    unit: 'lines',
    exactly: 0,
  })
}

function report(trial: Trial, found: Found): void {
  const none = (what: string, value: number, unit: string): void =>
    trial.figure({ what, value, unit, exactly: 0 })
  trial.figure({ what: 'calls, in all dialects', value: found.calls, unit: 'calls' })
  none('lines of StatsD beyond or below one a call', found.lines, 'lines')
  none('lines that a strict reader of the dialect refuses', found.unreadable, 'lines')
  none('lines under a name that was not recorded', found.strays, 'lines')
  none('calls that share a series with another', found.merged, 'calls')
  none('increments that the lines do not add up to', found.lost, 'increments')
  trial.figure({ what: 'Prometheus pages', value: found.pages, unit: 'pages' })
  none('pages that a strict reader refuses', found.badPages, 'pages')
  none('series of the pages that are not those of the calls', found.badSeries, 'series')
}
