/**
 * The behaviour that every adapter owes, whatever the framework: each case starts an app of the framework with the
 * adapter mounted first, talks to it over real connections, and looks at metrics, log lines and answers.
 */

import type { IncomingMessage } from 'node:http'
import type { HttpOptions } from '../options.ts'
import { countingCases } from './cases/counting.ts'
import { endingCases } from './cases/ending.ts'
import { hostileCases } from './cases/hostile.ts'
import { identityCases } from './cases/identity.ts'
import { sizeCases } from './cases/sizes.ts'
import { streamCases } from './cases/streams.ts'
import { trafficCases } from './cases/traffic.ts'
import { unchangedCases } from './cases/unchanged.ts'
import { upgradeCases } from './cases/upgrades.ts'
import { Rig } from './rig.ts'

/** One case: passes when `run` resolves. Give it to any test runner, unless it is not applicable. */
export interface ConformanceCase {
  /** What it is about, in a word or two. */
  readonly theme: string
  /** What the adapter does. Unique. */
  readonly name: string
  /** Why this adapter cannot be asked; undefined where it is. */
  readonly notApplicable: string | undefined
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
 * - `GET /items/:id` answers JSON `{ id, requestId, address, logged }`: the parameter, `requestIdKey` and `clientAddressKey` in
 *   `current()`, and whether the adapter's logger is where the framework's handlers find it; and logs `handling` at debug
 * - `GET /orgs/:org/users/:id`, in a router mounted at `/orgs/:org`, answers the same
 * - `GET /orgs/:org/boom`, in that router, throws
 * - `GET /plain` answers `plain` as text
 * - `GET /guarded/:id` has a guard of its own that answers 401
 * - `GET /fall/:id` hands the request on, to nobody
 * - `POST /echo` reads its body, lets a turn of the event loop pass, and answers with the body, or with 500 when
 *   `current()` has ended by then
 * - `GET /sync-error` throws, `GET /async-error` fails after a turn
 * - `GET /wait` waits for the end of its context, then fails with the context's error
 * - `GET /late` waits for the end of its context, then sets a header and answers 200
 * - `GET /stream` answers `first` at once and ends when its context ends
 * - `GET /events` answers `data: first` and an empty line, as `text/event-stream`, at once and ends when its context ends
 * - `GET /broken` writes `first`, then fails after a turn
 * - `GET /large` answers 32 MiB in one write
 * - `GET /redirect` answers 302 to `/items/1`
 * - `GET /ws/:room`, where handlers can reach the connection, writes the head of a 101 to it and leaves it open, and answers
 *   nothing by the framework
 */
export type StartConformanceApp = (options: HttpOptions, times: number) => Promise<ConformanceServer>

/** What sets an adapter, its framework or its server apart. */
export interface ConformanceTraits {
  /** What the app speaks; cases about the bytes of a connection are for HTTP/1.1. Default: HTTP/1.1. */
  readonly protocol?: 'HTTP/1.1' | 'HTTP/2'
  /** Cases that cannot be asked, by their name or their theme, and why: a whole sentence, for the reader of the table. */
  readonly notApplicable?: Readonly<Record<string, string>>
  /** Whether the adapter gets to see a request: false for those that the framework refuses before. Default: it does. */
  readonly reaches?: (request: IncomingMessage) => boolean
}

/** An adapter and its cases, as a test and a table of all adapters want them. */
export interface ConformanceSuite {
  /** The adapter's framework and its major, and what it runs on where there is a choice. */
  readonly adapter: string
  readonly cases: readonly ConformanceCase[]
}

const themes = {
  Counting: countingCases,
  Endings: endingCases,
  Identity: identityCases,
  'Body sizes': sizeCases,
  Streams: streamCases,
  Upgrades: upgradeCases,
  Traffic: trafficCases,
  'Hostile traffic': hostileCases,
}

/**
 * All cases for an adapter, the same for every one. Route templates are expected in the `/items/:id` spelling.
 *
 * @throws Error for a `notApplicable` that is neither a case nor a theme.
 */
export function adapterConformance(
  start: StartConformanceApp,
  traits: ConformanceTraits = {},
): ConformanceCase[] {
  const cases = [
    ...Object.entries(themes).flatMap(([theme, all]) =>
      all.map(([name, options, run, { times, bytes } = {}]) => ({
        theme,
        name,
        notApplicable: whyNot(traits, theme, name, bytes),
        run: () => withRig(Rig.start(start, traits, options, times), run),
      })),
    ),
    ...unchangedCases.map(([name, options, run, { bytes } = {}]) => ({
      theme: unchanged,
      name,
      notApplicable: whyNot(traits, unchanged, name, bytes),
      run: () =>
        withRig(Rig.start(start, traits, {}, 0), (bare) =>
          withRig(Rig.start(start, traits, options), (observed) => run(bare, observed)),
        ),
    })),
  ]
  const names = new Set(cases.flatMap(({ theme, name }) => [theme, name]))
  const stray = Object.keys(traits.notApplicable ?? {}).find((name) => !names.has(name))
  if (stray !== undefined) throw new Error(`There is no case or theme "${stray}".`)
  return cases
}

/** Those that are to be run, as a test runner's tables want them: the name, and what is to resolve. */
export function applicable(cases: readonly ConformanceCase[]): [name: string, run: () => Promise<void>][] {
  return cases
    .filter(({ notApplicable }) => notApplicable === undefined)
    .map((one) => [one.name, () => one.run()])
}

const unchanged = 'Unchanged answers'

function whyNot(
  { protocol, notApplicable = {} }: ConformanceTraits,
  theme: string,
  name: string,
  bytes = false,
): string | undefined {
  if (bytes && protocol === 'HTTP/2') return 'It is about the bytes of HTTP/1.1.'
  return notApplicable[name] ?? notApplicable[theme]
}

async function withRig(starting: Promise<Rig>, use: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await starting
  try {
    await use(rig)
  } finally {
    await rig.close()
  }
}
