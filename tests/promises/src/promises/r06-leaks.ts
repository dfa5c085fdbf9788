/** R6: requests leave nothing behind, nor does what is made and taken down again. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { PublishedPromise, Trial } from '../promise.ts'
import { apps, bareApps } from '../requests/apps.ts'
import type { App } from '../requests/apps.ts'
import type { Leftover } from '../requests/lifecycles.ts'
import type { Reading } from '../requests/server.ts'
import { soak } from '../requests/soak.ts'
import type { Service, Soaked } from '../requests/soak.ts'
import { slopeOf } from '../tools/slope.ts'
import type { Slope } from '../tools/slope.ts'

/**
 * The compilers that optimise keep data of their own on the heap for as long as they learn, some 300,000 requests, which is
 * more than the shorter trials have.
 */
const settledCompilers = [
  '--no-opt',
  '--no-maglev',
  '--always-sparkplug',
  '--no-lazy-feedback-allocation',
  '--no-flush-bytecode',
]

export const promise: PublishedPromise = {
  id: 'R6',
  says: 'Requests leave nothing behind, be they answered or given up by their clients: no memory, no handle, no listener, no request in flight. Nor does what is made and disposed of.',
  tiers: ['change', 'nightly', 'release'],
  speaksOf: [
    'packages/context/src',
    'packages/express/src',
    'packages/fastify/src',
    'packages/hono/src',
    'packages/http/src',
    'packages/koa/src',
    'packages/log/src',
    'packages/metrics/src',
  ],
  async run(trial) {
    const total = trial.pick({ change: 11_760, nightly: 1_000_000, release: 10_000_000 })
    let done = 0
    let told = 0
    const progress = (requests: number): void => {
      done += requests
      if (done - told < total / 100) return
      told = done
      trial.progress(Math.min(done, total), total, 'requests')
    }
    const services = apps.map(serviceOf)
    if (trial.tier === 'change') {
      // All in one process, which starts sooner, and whose garbage is collected once for all.
      const [soaked] = await Promise.all([soakServices(trial, services, total, progress), lifecycles(trial)])
      report(trial, 'all adapters', soaked)
      return
    }
    // Where the compilers that optimise are at work, their own data grow for longer than anybody waits: that is compared.
    const bare = trial.tier === 'release' ? bareApps.map(serviceOf) : []
    const each = total / services.length
    const found = new Map<Service, Soaked>()
    // The last is the dearest: it comes first, so that the others fill the time.
    const left = [...services.toReversed(), ...bare]
    const work = async (): Promise<void> => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) {
        found.set(one, await soakServices(trial, [one], each, bare.includes(one) ? () => {} : progress))
      }
    }
    // One more than usual processors: each waits for its clients now and then.
    await Promise.all([work(), work(), work(), lifecycles(trial)])
    const bareGrowth = new Map(bare.map((one) => [one.protocol, growthOf(found.get(one)!)]))
    for (const one of bare) plot(trial, one.adapter, found.get(one)!)
    for (const one of services) {
      report(trial, one.adapter, found.get(one)!, bareGrowth.get(one.protocol))
    }
  },
  plants: [
    {
      bug: 'a connection goes on telling requests that are over of its end',
      file: 'http/dist/connection-end.js',
      find: 'connection[openOf]?.delete(one);',
      replace: '',
    },
    {
      bug: 'each request listens to the end of its connection',
      file: 'http/dist/connection-end.js',
      find: 'open.add(one);',
      replace: "open.add(one); connection.on('close', onClose);",
    },
    {
      bug: 'a request given up by its client stays in flight',
      file: 'http/dist/instruments.js',
      find: 'of.active.dec();',
      replace: "if (verdict.outcome !== 'canceled') of.active.dec();",
    },
    {
      bug: 'the end of a fetch-style response leaves it where unread ones are waited for',
      file: 'http/dist/response-body.js',
      find: 'unread.register(watched, ending, ending);',
      replace: 'unread.register(watched, () => end.call(reader, watched));',
    },
  ],
}

function serviceOf({ name, protocols }: App): Service {
  return { adapter: name, protocol: protocols[0] ?? 'HTTP/1' }
}

function soakServices(
  trial: Trial,
  services: readonly Service[],
  requests: number,
  progress: (requests: number) => void,
): Promise<Soaked> {
  return soak({
    services,
    requests: requests * 0.7,
    warmUp: requests * 0.3,
    readings: trial.pick({ change: 5, nightly: 40, release: 60 }),
    collections: trial.pick({ change: 2, nightly: 5, release: 5 }),
    clients: trial.pick({ change: 1, nightly: 8, release: 8 }),
    flags: trial.pick({ change: settledCompilers, nightly: settledCompilers, release: [] }),
    progress,
  })
}

function growthOf({ between }: Soaked): Slope {
  return slopeOf(between.map(([sent, { heapBytes }]) => [sent, heapBytes]))
}

/** `bare`: how the heap of a service without kit grew. */
function report(trial: Trial, name: string, soaked: Soaked, bare?: Slope): void {
  const { asked, before, after, between } = soaked
  const { requests, aborted } = asked
  const observed = Object.values(after.counted).reduce((sum, count) => sum + count, 0)
  const growth = growthOf(soaked)
  const rest = between.map(([, reading]) => reading)
  const listeners = differences([before, after], 'listeners') + differences(rest, 'listeners')
  const tell = (what: string, value: number, unit: string, bound: object = {}): void =>
    trial.figure({ what: `${name}: ${what}`, value, unit, ...bound })
  tell('requests', requests, 'requests')
  tell('given up by their clients', (100 * aborted) / requests, '%', { atLeast: 5 })
  tell('requests observed', observed, 'requests', { exactly: requests })
  tell('given up and counted so', after.counted['client_abort'] ?? 0, 'requests', { exactly: aborted })
  tell('in flight at the end', after.active, 'requests', { exactly: 0 })
  tell('requests and contexts left', after.objects, 'objects', { atMost: 100 })
  tell('handles more or fewer', differences([before, after], 'handles'), 'handles', { exactly: 0 })
  tell('listeners more or fewer', listeners, 'listeners', { exactly: 0 })
  // What the heap of Node does by itself, up and down, is some tens of kilobytes: the more requests, the less of it each has.
  // Whatever holds a request holds hundreds of bytes, and a tenth of one is a small object in some 160 requests.
  tell('heap a request', growth.slope, 'B', {
    atMost: trial.pick({ change: 80, nightly: 0.5, release: 1 }),
  })
  tell('heap a request, lower end of the 95 % interval', growth.low, 'B')
  tell('heap a request, upper end of the 95 % interval', growth.high, 'B')
  if (bare !== undefined) {
    tell('heap a request of a service without kit', bare.slope, 'B')
    tell('heap a request, surely beyond that of a service without kit', growth.low - bare.high, 'B', {
      atMost: 0.1,
    })
  }
  plot(trial, name, soaked)
}

function plot(trial: Trial, name: string, { between }: Soaked): void {
  trial.plot(
    `${name}: heap after garbage collection`,
    'requests',
    'MiB',
    between.map(([sent, { heapBytes }]) => [sent, heapBytes / 2 ** 20]),
  )
}

/** How many more or fewer there are of each kind, from the first reading to the last. */
function differences(readings: readonly Reading[], of: 'handles' | 'listeners'): number {
  const first = readings.at(0)?.[of] ?? {}
  const last = readings.at(-1)?.[of] ?? {}
  return differencesOf(first, last)
}

function differencesOf(
  first: Readonly<Record<string, number>>,
  last: Readonly<Record<string, number>>,
): number {
  const kinds = new Set([...Object.keys(first), ...Object.keys(last)])
  return [...kinds].reduce((sum, kind) => sum + Math.abs((last[kind] ?? 0) - (first[kind] ?? 0)), 0)
}

async function lifecycles(trial: Trial): Promise<void> {
  const cycles = trial.pick({ change: 100, nightly: 1000, release: 1000 })
  const child = fork(new URL('../requests/lifecycles.js', import.meta.url), [String(cycles), trial.folder], {
    execArgv: ['--expose-gc', '--no-warnings', ...settledCompilers],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    const [{ before, after }] = (await once(child, 'message')) as [{ before: Leftover; after: Leftover }]
    const what = `after ${cycles} times made and disposed of`
    const bound = { exactly: 0 }
    const handles = differencesOf(before.handles, after.handles)
    const descriptors = after.descriptors - before.descriptors
    const listeners = after.listeners - before.listeners
    trial.figure({ what: `handles more or fewer ${what}`, value: handles, unit: 'handles', ...bound })
    trial.figure({ what: `descriptors more ${what}`, value: descriptors, unit: 'descriptors', ...bound })
    trial.figure({ what: `listeners more ${what}`, value: listeners, unit: 'listeners', ...bound })
    const bytes = (after.heapBytes - before.heapBytes) / cycles
    trial.figure({ what: `heap each time ${what}`, value: bytes, unit: 'B', atMost: 2000 })
  } finally {
    child.kill()
  }
}
