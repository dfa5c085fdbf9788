/**
 * The outbox: writes what is due into packets, hands them to the socket, and takes back what failed. Packets leave in
 * bursts, so that a flush neither takes the event loop for long nor overruns the buffer of a receiver that would have
 * kept up; and none leave while too much waits in the socket.
 */

import { clock, type Timer } from '@kit/context'
import type { MetricSource } from '../../sink.ts'
import type { Carrier } from './client.ts'
import type { Entry } from './entries.ts'
import { framePacketBytes, Packer, type Packet } from './packet.ts'
import type { Plan } from './plan.ts'

/** What became of packets since the sink was attached. */
export interface StatsdStats {
  /** Packets that the socket took, and what was in them. */
  readonly packets: number
  readonly lines: number
  readonly bytes: number
  /** Packets that failed. What they told of counters and histograms is due again. */
  readonly errors: number
  /** Flushes that were put off, wholly or in part, because too much waited in the socket. */
  readonly withheld: number
  /** Lines that fitted into no packet, and were dropped. */
  readonly tooLong: number
  /** Packets that the socket has neither taken nor refused yet. */
  readonly underway: number
}

/**
 * Packets in one go, or as many bytes as these have in Ethernet frames, and the pause after them. The usual receive
 * buffer, 212,992 bytes, holds some 90 such packets.
 */
const burstPackets = 16
const burstPauseMs = 1

/** A packet that the socket has neither taken nor refused yet, and its place among those. */
interface Flight {
  readonly packet: Packet
  readonly round: Round
  place: number
}

interface Round {
  ok: boolean
  written: boolean
  underway: number
  finish(): void
}

/** Sends what a plan has to say. */
export class Outbox {
  readonly #source: MetricSource
  readonly #plan: Plan
  readonly #carrier: Carrier
  readonly #maxQueueBytes: number
  readonly #packer: Packer
  readonly #rounds = new Set<Promise<boolean>>()
  readonly #counts = { packets: 0, lines: 0, bytes: 0, errors: 0, withheld: 0, tooLong: 0 }
  /**
   * In any order. No set, since one that grows leaves its former table to the garbage, with all that was in it and a
   * reference to the next: once one of them is old, the garbage collector copies every packet since.
   */
  readonly #flights: Flight[] = []
  #underwayBytes = 0
  #failed = false
  /** The round that is being written, and where it is. */
  #round: Round | undefined
  /** Undefined until they are prepared. */
  #entries: readonly Entry[] | undefined
  #visited = 0
  #offset = 0
  #burst = 0
  #full = false
  #pause: Timer | undefined

  constructor(
    source: MetricSource,
    plan: Plan,
    carrier: Carrier,
    maxPacketBytes: number,
    maxQueueBytes: number,
  ) {
    this.#source = source
    this.#plan = plan
    this.#carrier = carrier
    this.#maxQueueBytes = maxQueueBytes
    this.#packer = new Packer(maxPacketBytes, (packet) => this.#emit(packet))
  }

  stats(): StatsdStats {
    return { ...this.#counts, underway: this.#flights.length }
  }

  /**
   * Sends what is due; resolves when the socket has taken or refused it all, and what was under way before, to whether
   * it has taken everything. `urgent` hands everything over before it returns. Never rejects.
   */
  async send(urgent: boolean): Promise<boolean> {
    const earlier = [...this.#rounds]
    const results = await Promise.all([...earlier, this.#begin(urgent)])
    return results.every(Boolean)
  }

  /** Gives up, for good: what the socket has not taken by now is due for ever. */
  stop(): void {
    this.#pause?.cancel()
    for (const flight of this.#flights.slice()) this.#settle(flight, false)
  }

  #begin(urgent: boolean): Promise<boolean> {
    // One that is pausing goes on without, so that this one may tell what was recorded meanwhile.
    if (this.#round !== undefined) this.#write(Infinity)
    const idle = this.#flights.length === 0
    if (this.#failed && idle) this.#carrier.renew()
    this.#failed = false
    const { promise, round } = this.#open()
    this.#plan.begin(idle)
    this.#entries = undefined
    this.#round = round
    this.#write(urgent ? Infinity : burstPackets)
    return promise
  }

  #open(): { promise: Promise<boolean>; round: Round } {
    let finish: () => void = () => {}
    const round: Round = { ok: true, written: false, underway: 0, finish: () => finish() }
    const promise = new Promise<boolean>((resolve) => {
      finish = () => resolve(round.ok)
    })
    this.#rounds.add(promise)
    void promise.then(() => this.#rounds.delete(promise))
    return { promise, round }
  }

  #write(burst: number): void {
    const round = this.#round!
    this.#pause?.cancel()
    this.#burst = burst
    if (!this.#plan.prepare(burst === Infinity)) {
      this.#goOnLater()
      return
    }
    const entries = (this.#entries ??= this.#start())
    while (this.#visited < entries.length && !this.#full) {
      if (this.#burst <= 0) {
        this.#goOnLater()
        return
      }
      const entry = entries[(this.#offset + this.#visited) % entries.length]!
      this.#visited++
      const tooLong = entry.write(this.#packer)
      if (tooLong > 0) {
        this.#counts.tooLong += tooLong
        this.#source.drop('line_too_long', tooLong)
      }
    }
    this.#packer.flush()
    if (this.#visited < entries.length) {
      this.#counts.withheld++
      round.ok = false
      // The next round begins with those that were not heard in this one.
      this.#offset += this.#visited
    } else this.#offset = 0
    this.#round = undefined
    round.written = true
    if (round.underway === 0) round.finish()
  }

  #start(): readonly Entry[] {
    const { entries } = this.#plan
    this.#visited = 0
    this.#offset %= Math.max(1, entries.length)
    this.#full = this.#isFull(false)
    return entries
  }

  #goOnLater(): void {
    this.#pause = clock.setTimer(burstPauseMs, () => this.#write(burstPackets))
  }

  #emit(packet: Packet): void {
    const round = this.#round!
    round.underway++
    this.#underwayBytes += packet.bytes
    this.#burst -= Math.max(1, packet.bytes / framePacketBytes)
    const flight: Flight = { packet, round, place: this.#flights.length }
    this.#flights.push(flight)
    this.#carrier.send(packet.text, (error) => this.#settle(flight, error === undefined || error === null))
    this.#full = this.#isFull(this.#burst === Infinity)
  }

  /** What comes of a packet; only the first that is heard of it counts. */
  #settle(flight: Flight, taken: boolean): void {
    const { packet, round, place } = flight
    if (this.#flights[place] !== flight) return
    const last = this.#flights.pop()!
    if (last !== flight) {
      last.place = place
      this.#flights[place] = last
    }
    this.#underwayBytes -= packet.bytes
    if (taken) {
      this.#counts.packets++
      this.#counts.lines += packet.lines
      this.#counts.bytes += packet.bytes
    } else {
      this.#counts.errors++
      this.#failed = true
      round.ok = false
      packet.speakers.forEach((speaker, i) => speaker.unsaid(packet.amounts[i]!))
    }
    round.underway--
    if (round.written && round.underway === 0) round.finish()
  }

  /**
   * Whether too much waits. What has not been called back counts too, since a datagram that waits for a name is in no
   * queue; but not within one turn, in which nothing can be called back.
   */
  #isFull(sameTurn: boolean): boolean {
    const queued = this.#carrier.queuedBytes()
    return (sameTurn ? queued : Math.max(queued, this.#underwayBytes)) > this.#maxQueueBytes
  }
}
