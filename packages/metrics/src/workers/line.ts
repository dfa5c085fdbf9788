/**
 * One reporter of a worker: its messages on their way to the peer, at no more than a bounded rate, and the answers.
 */

import { clock } from '@kit/context'
import type { Catalog } from './catalog.ts'
import type { CollectorLink } from './collector-link.ts'
import { Peer, type PeerEvents } from './peer.ts'

/** So many messages a second are taken over, and as many at once. A worker that keeps to the rules sends a few. */
const maxRate = 1000
/** Who floods so long is cut off. */
const maxFlood = 10_000

/** The line to one reporter. */
export class Line {
  /** When the latest message came, on the monotonic clock. */
  heardAt: number = clock.now()
  readonly #link: CollectorLink
  readonly #events: PeerEvents
  readonly #peer: Peer
  readonly #asked = new Map<number, (isAnswered: boolean) => void>()
  #isOpen = true
  #credit = maxRate
  #creditAt = clock.now()
  #flooded = 0
  #missed = false

  constructor(link: CollectorLink, name: string, catalog: Catalog, events: PeerEvents, maxSeries: number) {
    this.#link = link
    this.#events = events
    this.#peer = new Peer(name, catalog, events, maxSeries)
  }

  /** Takes a message over. Never throws. */
  receive(message: unknown): void {
    if (!this.#isOpen) return
    if (!this.#isAffordable()) {
      this.#missed = true
      this.#events.dropped('flood')
      if (++this.#flooded >= maxFlood) this.close()
      return
    }
    this.heardAt = clock.now()
    const { report, isPuzzled } = this.#peer.receive(message)
    this.#missed ||= isPuzzled
    if (report?.isLast !== true) return
    if (report.answers !== undefined) this.#asked.get(report.answers)?.(true)
    this.#link.reply({ got: report.sequence, resync: this.#missed })
    this.#missed = false
  }

  /** Takes over what has arrived already. */
  drain(limit: number): void {
    if (this.#isOpen) this.#link.drain(limit)
  }

  /** Asks for a report; resolves to whether it came in time. */
  ask(question: number, timeoutMs: number): Promise<boolean> {
    if (!this.#isOpen) return Promise.resolve(false)
    return new Promise((resolve) => {
      const answer = (isAnswered: boolean): void => {
        timer.cancel()
        this.#asked.delete(question)
        resolve(isAnswered)
      }
      const timer = clock.setTimer(timeoutMs, () => answer(false), { ref: true })
      this.#asked.set(question, answer)
      this.#link.reply({ ask: question })
    })
  }

  /** The reporter is gone: what it counted stays. */
  end(): void {
    if (!this.#isOpen) return
    this.forget()
    this.#peer.end()
  }

  /** Takes nothing over any more, and leaves all as it is. */
  forget(): void {
    this.#isOpen = false
    for (const answer of this.#asked.values()) answer(false)
  }

  /** Ends it from here. */
  close(): void {
    this.end()
    this.#link.close()
  }

  #isAffordable(): boolean {
    const now = clock.now()
    this.#credit = Math.min(maxRate, this.#credit + ((now - this.#creditAt) * maxRate) / 1000)
    this.#creditAt = now
    if (this.#credit < 1) return false
    this.#credit--
    return true
  }
}
