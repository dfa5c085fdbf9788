/** R7: a request is observed once, however it ends, and as what it was. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { missing } from '../needs.ts'
import type { PublishedPromise, Trial } from '../promise.ts'
import { apps } from '../requests/apps.ts'
import type { App, Protocol } from '../requests/apps.ts'
import { endingsOfHttp1 } from '../requests/endings1.ts'
import { endingsOfHttp2 } from '../requests/endings2.ts'
import { endAtRandom } from '../requests/random-endings.ts'
import { Watched } from '../requests/watched.ts'
import type { Endings } from '../requests/watched.ts'

export const promise: PublishedPromise = {
  id: 'R7',
  says: 'A request is counted once and logged once, whole, failed, or given up by its client at whatever moment and in whatever way, and as what it was.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/express/src',
    'packages/fastify/src',
    'packages/hono/src',
    'packages/http/src',
    'packages/koa/src',
  ],
  async run(trial) {
    const wrong: string[] = []
    for (const app of apps) {
      for (const protocol of app.protocols) wrong.push(...(await tryAdapter(trial, app, protocol)))
    }
    // The figures say how many; this says which.
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'))
  },
  plants: [
    {
      bug: 'the end of a connection is not told to the requests on it',
      file: 'http/dist/connection-end.js',
      find: "connection.once('close', onClose);",
      replace: '',
    },
    {
      bug: 'an answer counts as whole as soon as its handler has ended it',
      file: 'http/dist/node-exchange.js',
      find: 'const whole = ended && handedOver && !broken;',
      replace: 'const whole = ended;',
    },
    {
      bug: 'a request that ends twice is counted twice',
      file: 'http/dist/observer.js',
      find: 'if (this.#ended)',
      replace: 'if (this.#ended && end.kind !== "finished")',
    },
    {
      bug: 'a connection that its client resets is taken for one that the service cut',
      file: 'http/dist/node-exchange.js',
      find: "return error !== null && 'syscall' in error;",
      replace: 'return false;',
    },
  ],
}

async function tryAdapter(trial: Trial, app: App, protocol: Protocol): Promise<string[]> {
  const name = app.protocols.length === 1 ? app.name : `${app.name}, ${protocol}`
  const service = await Watched.start(app, protocol)
  const wrong: string[] = []
  for (const ending of protocol === 'HTTP/1' ? endingsOfHttp1 : endingsOfHttp2) {
    const before = service.endings()
    await ending.run(service)
    await service.settled()
    const found = difference(service.endings(), before)
    if (!same(found, ending.expected)) wrong.push(`${ending.name}: ${JSON.stringify(found)}`)
  }
  const runs = trial.pick({ change: 40, nightly: 5000, release: 5000 })
  wrong.push(...(await endAtRandom(service, protocol, runs, trial.seed)))
  const isSlowToo = trial.tier !== 'change' && protocol === 'HTTP/1'
  const lacking = isSlowToo ? missing(['slowhttptest']) : []
  if (isSlowToo && lacking.length === 0) await slowly(service)
  await service.settled()
  const requests = service.reached.length
  const tell = (what: string, value: number, exactly?: number): void =>
    trial.figure({
      what: `${name}: ${what}`,
      value,
      unit: 'requests',
      ...(exactly === undefined ? {} : { exactly }),
    })
  for (const tool of lacking) tell(`left out: slow heads and bodies (needs ${tool})`, 1)
  tell('requests', requests)
  tell('counted', service.observed, requests)
  tell('logged', service.lines, requests)
  tell('in flight at the end', service.active, 0)
  trial.figure({ what: `${name}: wrong outcomes`, value: wrong.length, unit: 'conversations', exactly: 0 })
  await service.close()
  return wrong.map((one) => `${name}: ${one}`)
}

function difference(after: Endings, before: Endings): Endings {
  const grown = Object.entries(after).map(
    ([ending, count]) => [ending, count - (before[ending] ?? 0)] as const,
  )
  return Object.fromEntries(grown.filter(([, count]) => count !== 0))
}

function same(one: Endings, other: Endings): boolean {
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key])
}

/** Slow heads and slow bodies, 200 connections each, from the program that is known for them. */
async function slowly(service: Watched): Promise<void> {
  for (const kind of [['-H'], ['-B', '-s', '8192', '-t', 'POST']]) {
    const url = `http://127.0.0.1:${service.port}/read/1`
    const options = ['-c', '200', '-r', '100', '-i', '1', '-l', '8', '-p', '3', '-u', url]
    const program = spawn('slowhttptest', [...kind, ...options], { stdio: 'ignore' })
    await once(program, 'exit')
    await service.settled()
  }
}
