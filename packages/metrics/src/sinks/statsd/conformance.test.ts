import { describe, expect, it } from 'vitest'
import { sinkConformance, type SinkHarness } from '../../testing/index.ts'
import { keyOf, unspell, WireServer } from './grammar.ts'
import { statsd, type StatsdDialect } from './index.ts'

/** A client as far as this sink uses one, in front of a server in memory. */
function serverOf(dialect: StatsdDialect): {
  server: WireServer
  client: { close(): void; sendMessage(text: string, done: () => void): void }
} {
  const server = new WireServer(dialect)
  return {
    server,
    client: {
      close() {},
      sendMessage(text, done) {
        server.receive(text)
        queueMicrotask(done)
      },
    },
  }
}

/** Finds a series by its logical name and labels, by undoing the escapes of everything that the server has. */
function find<V>(
  dialect: StatsdDialect,
  map: Map<string, V>,
  name: string,
  labels: readonly (readonly [string, string])[],
): V | undefined {
  const wanted = keyOf(name, dialect === 'statsd' ? labels.map(([, value]) => ['', value] as const) : labels)
  for (const [key, value] of map) {
    const [spelled, pairs] = JSON.parse(key) as [string, [string, string][]]
    const found =
      dialect === 'statsd'
        ? undotted(spelled, name)
        : keyOf(
            unspell(spelled),
            pairs.map(([label, text]) => [unspell(label), unspell(text)] as const),
          )
    if (found === wanted) return value
  }
  return undefined
}

function undotted(spelled: string, name: string): string | undefined {
  if (spelled !== name && !spelled.startsWith(`${name}.`)) return undefined
  const segments = spelled.slice(name.length + 1).split('.')
  return keyOf(
    name,
    segments.filter((segment) => segment !== '' && segment !== '_').map((segment) => ['', unspell(segment)]),
  )
}

const dialects: StatsdDialect[] = ['statsd', 'dogstatsd', 'telegraf', 'graphite-tags']

describe.each(dialects)('conformance in %s', (dialect) => {
  const make = (samples: number) => (): SinkHarness => {
    const { server, client } = serverOf(dialect)
    return {
      sink: statsd({ client, dialect, samples }),
      async read({ name, kind, unit, labels }) {
        const pairs = Object.entries(labels)
          .map(([label, value]) => [label, String(value)] as const)
          .filter(([, value]) => value !== '')
        if (kind === 'counter') return find(dialect, server.counters, name, pairs)
        if (kind === 'gauge') return find(dialect, server.gauges, name, pairs)
        if (samples === 0) {
          const count = find(dialect, server.counters, `${name}.count`, pairs)
          const sum = find(dialect, server.counters, `${name}.sum`, pairs)
          return count === undefined || sum === undefined ? undefined : { count, sum }
        }
        const found = find(dialect, server.samples, name, pairs)
        const factor = unit === 's' && dialect !== 'dogstatsd' ? 1000 : 1
        return found === undefined ? undefined : { count: found.count, sum: found.sum / factor }
      },
    }
  }
  it.each(sinkConformance(make(512)))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  // Telegraf has no fractions in counters, and the sum of one case has.
  const totals = sinkConformance(make(0)).filter(
    ({ name }) => dialect !== 'telegraf' || name !== 'reports count and sum of histograms',
  )
  it.each(totals)('with totals: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
