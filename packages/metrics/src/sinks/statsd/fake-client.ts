/**
 * For tests: a client as far as this sink uses hot-shots, in front of a server in memory, with every way to fail.
 */

import type { StatsdClient } from './client.ts'
import type { StatsdDialect } from './dialects.ts'
import { unspell, WireServer } from './grammar.ts'

/** What becomes of a packet: at once, in a later turn, or when the test says so. */
export type Outcome =
  | 'taken'
  | 'refused'
  | 'thrown'
  | 'taken-later'
  | 'refused-later'
  | 'taken-when-told'
  | 'taken-then-refused'
  | 'refused-twice'
  | 'lost'

/** A client that does with each packet what it is told. */
export class FakeClient implements StatsdClient {
  readonly server: WireServer
  readonly protocol: string = 'udp'
  host: string | undefined
  isChild: boolean | undefined
  readonly prefix: string = ''
  readonly globalTags: readonly string[] = []
  /** Asked for each packet. */
  outcome: () => Outcome = () => 'taken'
  /** What the socket says that it has waiting. */
  queuedBytes = 0
  closed = false
  readonly held: (() => void)[] = []
  /** A transport like those of hot-shots, whose listeners see the socket as `this`. */
  readonly socket: object = {
    on: (_event: string, listener: () => void) => {
      listener.call({ getSendQueueSize: () => this.queuedBytes })
    },
  }

  constructor(dialect: StatsdDialect) {
    this.server = new WireServer(dialect)
  }

  sendMessage(text: string, done: (error?: Error) => void): void {
    const outcome = this.outcome()
    const take = (): void => {
      this.server.receive(text)
      done()
    }
    const refuse = (): void => done(new Error('refused'))
    if (outcome === 'taken') take()
    else if (outcome === 'refused') refuse()
    else if (outcome === 'thrown') throw new Error('thrown')
    else if (outcome === 'taken-later') queueMicrotask(take)
    else if (outcome === 'refused-later') queueMicrotask(refuse)
    else if (outcome === 'taken-when-told') this.held.push(take)
    else if (outcome === 'taken-then-refused') {
      take()
      refuse()
    } else if (outcome === 'refused-twice') {
      refuse()
      refuse()
    }
  }

  /** Lets the packets go that wait for it. */
  release(): void {
    for (const take of this.held.splice(0)) take()
  }

  close(): void {
    this.closed = true
  }
}

/**
 * The logical identity of what a server has under a key: the name, then the values of these labels, '' where one is
 * absent. `instruments` has the label names of each instrument, in order.
 */
export function logical(
  dialect: StatsdDialect,
  key: string,
  instruments: Readonly<Record<string, readonly string[]>>,
): string {
  const [spelled, labels] = JSON.parse(key) as [string, [string, string][]]
  if (dialect !== 'statsd') {
    const name = unspell(spelled)
    const values = new Map(labels.map(([label, value]) => [unspell(label), unspell(value)]))
    const known = instruments[name] ?? []
    if ([...values.keys()].some((label) => !known.includes(label)))
      throw new RangeError(`unknown labels: ${key}`)
    return JSON.stringify([name, ...known.map((label) => values.get(label) ?? '')])
  }
  // Of instruments whose names are part of one another's, the longer one owns its name.
  const names = Object.keys(instruments).filter((name) => `${spelled}.`.startsWith(`${plain(name)}.`))
  const [name] = names.toSorted((a, b) => b.length - a.length)
  if (name === undefined) return JSON.stringify([unspell(spelled)])
  const segments = spelled.slice(plain(name).length + 1).split('.')
  const values = segments.map((segment) => (segment === '_' || segment === '_x_' ? '' : unspell(segment)))
  return JSON.stringify(spelled === plain(name) ? [name] : [name, ...values])
}

function plain(name: string): string {
  return name.replace(/_(?=x)/g, '_x5f_').replace(/\//g, '_x2f_')
}
