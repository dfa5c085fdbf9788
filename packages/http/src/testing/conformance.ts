/**
 * The behaviour that every adapter owes, whatever the framework: each case starts an app of the framework with the
 * adapter mounted first, talks to it over real connections, and looks at metrics, log lines and answers.
 */

import assert from 'node:assert/strict'
import type { HttpOptions } from '../options.ts'
import { countingCases } from './cases/counting.ts'
import { endingCases } from './cases/ending.ts'
import { hostileCases } from './cases/hostile.ts'
import { identityCases } from './cases/identity.ts'
import { sizeCases } from './cases/sizes.ts'
import { streamCases } from './cases/streams.ts'
import { trafficCases } from './cases/traffic.ts'
import { upgradeCases } from './cases/upgrades.ts'
import { Rig } from './rig.ts'
import type { Case } from './rig.ts'

/** One case: passes when `run` resolves. Give it to any test runner. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/** A conformance app that listens. */
export interface ConformanceServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts the conformance app on a free port of 127.0.0.1 with the adapter mounted `times` times before everything
 * else; 0 times means without it. Errors are answered by the framework's own handler, without stack traces. The app:
 *
 * - `GET /items/:id` answers JSON `{ id, requestId, logged }`: the parameter, `current().value(requestIdKey)`, and
 *   whether the adapter's logger is where the framework's handlers find it; and logs `handling` at debug
 * - `GET /orgs/:org/users/:id`, in a router mounted at `/orgs/:org`, answers the same
 * - `GET /orgs/:org/boom`, in that router, throws
 * - `POST /echo` reads its body, lets a turn of the event loop pass, and answers with the body, or with 500 when its
 *   context has ended by then
 * - `GET /sync-error` throws, `GET /async-error` fails after a turn
 * - `GET /wait` waits for the end of its context, then fails with the context's error
 * - `GET /late` waits for the end of its context, then sets a header and answers 200
 * - `GET /stream` answers `first` at once and ends when its context ends
 * - `GET /events` answers `data: first` and an empty line, as `text/event-stream`, at once and ends when its context ends
 * - `GET /broken` writes `first`, then fails after a turn
 * - `GET /large` answers 32 MiB in one write
 * - `GET /redirect` answers 302 to `/items/1`
 */
export type StartConformanceApp = (options: HttpOptions, times: number) => Promise<ConformanceServer>

/** All cases for an adapter. Route templates are expected in the `/items/:id` spelling. */
export function adapterConformance(start: StartConformanceApp): ConformanceCase[] {
  const cases = [
    ...countingCases,
    ...endingCases,
    ...identityCases,
    ...sizeCases,
    ...streamCases,
    ...trafficCases,
  ]
  return [
    ...casesOn(start, cases),
    { name: 'changes no status, header or body', run: () => unchanged(start) },
  ]
}

/**
 * Further cases, for frameworks that hand every request of node:http to the adapter: smuggled and malformed requests,
 * resets, half-closed connections, each counted as often as Node took it for a request.
 */
export function hostileConformance(start: StartConformanceApp): ConformanceCase[] {
  return casesOn(start, hostileCases)
}

/**
 * Further cases, for frameworks whose handlers can reach the connection: requests for another protocol that a WebSocket library takes
 * through the router. The app, besides: `GET /ws/:room` writes the head of a 101 to the connection and leaves it open, and answers
 * nothing by the framework.
 */
export function upgradeConformance(start: StartConformanceApp): ConformanceCase[] {
  return casesOn(start, upgradeCases)
}

function casesOn(start: StartConformanceApp, cases: readonly Case[]): ConformanceCase[] {
  return cases.map(([name, options, run, times]) => ({
    name,
    async run() {
      const rig = await Rig.start(start, options, times)
      try {
        await run(rig)
      } finally {
        await rig.close()
      }
    },
  }))
}

/** Requests that an app answers alike whether or not there is a context. */
const alike = [
  ...['/redirect', '/nowhere', '/sync-error', '/async-error', '/orgs/a/boom', '/'].flatMap((path) => [
    `GET ${path}`,
    `HEAD ${path}`,
  ]),
  'OPTIONS /items/1',
  'DELETE /items/1',
  'PROPFIND /redirect',
]

/** An app must not be able to tell whether it is observed, and neither must its clients: to the byte. */
async function unchanged(start: StartConformanceApp): Promise<void> {
  const bare = await Rig.start(start, {}, 0)
  const observed = await Rig.start(start)
  try {
    for (const request of alike) {
      const bytes = `${request} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n`
      const [before, after] = await Promise.all([bare.client.raw(bytes), observed.client.raw(bytes)])
      assert.match(before, /^HTTP\/1\.1 [2345]\d\d /)
      assert.match(after, requestIdLine)
      assert.equal(after.replace(requestIdLine, '').replace(dateLine, ''), before.replace(dateLine, ''))
    }
  } finally {
    await bare.close()
    await observed.close()
  }
}

const requestIdLine = /^x-request-id: [0-9a-f]{32}\r\n/im
const dateLine = /^date: .*\r\n/im
