/**
 * Name resolution for datagrams: one lookup at a time, kept for a while. Node resolves the host for every datagram, and
 * hot-shots' cache does so for every datagram of a burst that begins while it has no answer; each such lookup takes
 * one of the four threads that file access shares.
 */

import { clock } from '@kit/context'
import { lookup as platformLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

type Answer = (error: Error | null, address: string, family: number) => void

/** How long a failure is believed, in milliseconds. */
const failureTtlMs = 1000

/** Resolves one host. While a new answer is sought, the old one serves; it also serves when there is no new one. */
export class CachedLookup {
  /** For `dgram.createSocket`. */
  readonly lookup: (hostname: string, options: unknown, answer: Answer) => void
  readonly #ttlMs: number
  readonly #resolve: LookupFunction
  #address: string | undefined
  #family = 4
  #error: Error | undefined
  #freshUntil = -Infinity
  #pending = false
  #waiting: Answer[] = []

  constructor(ttlMs: number, resolve: LookupFunction = platformLookup) {
    this.#ttlMs = ttlMs
    this.#resolve = resolve
    this.lookup = (hostname, options, answer) => this.#lookup(hostname, options, answer)
  }

  #lookup(hostname: string, options: unknown, answer: Answer): void {
    const ip = isIP(hostname)
    if (ip !== 0) {
      answer(null, hostname, ip)
      return
    }
    const fresh = clock.now() < this.#freshUntil
    if (!fresh && !this.#pending) this.#ask(hostname, options === 6 ? 6 : 4)
    if (this.#address !== undefined) answer(null, this.#address, this.#family)
    else if (this.#pending) this.#waiting.push(answer)
    else answer(this.#error ?? new Error('the host has no address'), '', 0)
  }

  #ask(hostname: string, family: number): void {
    this.#pending = true
    try {
      this.#resolve(hostname, { family }, (error, address) => {
        const [first] = Array.isArray(address) ? address : [{ address, family }]
        this.#settle(error, first?.address, family)
      })
    } catch (error) {
      this.#settle(error instanceof Error ? error : new Error('the lookup threw'), undefined, family)
    }
  }

  #settle(error: Error | null, address: string | undefined, family: number): void {
    if (!this.#pending) return
    this.#pending = false
    if (error === null && address !== undefined) {
      this.#address = address
      this.#family = family
      this.#error = undefined
    } else this.#error = error ?? new Error('the host has no address')
    this.#freshUntil = clock.now() + (this.#error === undefined ? this.#ttlMs : failureTtlMs)
    const waiting = this.#waiting
    this.#waiting = []
    for (const answer of waiting) {
      if (this.#address === undefined) answer(this.#error!, '', 0)
      else answer(null, this.#address, this.#family)
    }
  }
}
