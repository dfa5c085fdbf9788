// One level tree among those that share their levels. What is done to it goes out over all its lines; what comes in
// over one is done here and goes out over the others. The lines form no circles, so nothing comes twice. Whoever
// hands a deed on waits for those behind and then answers with the places where it was done.

import { randomUUID } from 'node:crypto'
import { threadId } from 'node:worker_threads'
import { clock } from '@kit/context'
import type { Timer } from '@kit/context'
import type { LevelCarrier, LevelOperation, Place } from '../level-operation.ts'
import type { LevelTree } from '../levels.ts'
import type { Link, OpenLink } from './link.ts'
import { isBefore, never, Order } from './order.ts'
import type { Stamp } from './order.ts'
import { readMessage } from './protocol.ts'
import type { Deed, Message } from './protocol.ts'

/** Known members on one line; what is more is forgotten, oldest first, and only not waited for. */
const MAX_PEERS = 4096
/** Of the time that one waits, what those behind it have, so that their answer arrives in time. */
const SHARE_BEHIND = 0.75

interface Line {
  readonly link: Link
  /** Who has been heard, and whether it answers. One that did not is told everything, but not waited for. */
  readonly peers: Map<string, boolean>
}

/** An answer that is being waited for. */
interface Pending {
  readonly missing: Map<string, Line>
  readonly places: Place[]
  readonly timer: Timer
  readonly resolve: (places: readonly Place[]) => void
}

/** A member. */
export class Member implements LevelCarrier {
  readonly id: string = randomUUID()
  readonly #levels: LevelTree
  readonly #waitMs: number
  readonly #order: Order = new Order(this.id)
  readonly #lines = new Set<Line>()
  readonly #pending = new Map<string, Pending>()
  readonly #stop: () => void

  constructor(levels: LevelTree, waitMs: number) {
    this.#levels = levels
    this.#waitMs = waitMs
    this.#stop = levels.carry(this)
  }

  /** Adds a line and says hello on it. Returns how to end it. */
  join(open: OpenLink): () => void {
    const peers = new Map<string, boolean>()
    const end = (): void => {
      this.#lines.delete(line)
      for (const peer of peers.keys()) this.#forget(line, peer)
      line.link.close()
    }
    const line: Line = { link: open((message) => this.#receive(line, message), end), peers }
    this.#lines.add(line)
    line.link.post({ kind: 'hello', from: this.id })
    return () => {
      line.link.post({ kind: 'bye', from: this.id })
      end()
    }
  }

  send(operation: LevelOperation): Promise<readonly Place[]> {
    const stamp = this.#order.next()
    this.#order.take(operation, stamp)
    return this.#spread({ id: randomUUID(), stamp, operation, waitMs: this.#waitMs }, undefined)
  }

  close(): void {
    this.#stop()
    for (const line of this.#lines) {
      line.link.post({ kind: 'bye', from: this.id })
      line.link.close()
    }
    this.#lines.clear()
    for (const id of this.#pending.keys()) this.#settle(id)
  }

  #receive(line: Line, received: unknown): void {
    const message = readMessage(received)
    if (message === undefined || message.from === this.id || !this.#lines.has(line)) return
    if ('to' in message && message.to !== this.id) return
    if (message.kind === 'bye') this.#forget(line, message.from)
    else {
      meet(line, message.from)
      this.#answer(line, message)
    }
  }

  #answer(line: Line, message: Exclude<Message, { kind: 'bye' }>): void {
    const { from } = message
    switch (message.kind) {
      case 'hello':
        line.link.post({
          kind: 'here',
          from: this.id,
          to: from,
          deeds: line.link.teaches ? this.#state() : [],
        })
        return
      case 'here':
        for (const deed of message.deeds) void this.#do(line, deed)
        return
      case 'deed': {
        const { deed } = message
        void this.#do(line, deed).then((places) =>
          line.link.post({ kind: 'done', from: this.id, to: from, id: deed.id, places }),
        )
        return
      }
      case 'done': {
        const pending = this.#pending.get(message.id)
        if (pending?.missing.get(from) !== line) return
        pending.places.push(...message.places)
        this.#strike(message.id, pending, from)
      }
    }
  }

  /** Does here what was done elsewhere, then has those behind do it. Never rejects. */
  async #do(from: Line, deed: Deed): Promise<readonly Place[]> {
    const here = this.#apply(deed) ? [{ pid: process.pid, thread: threadId }] : []
    const behind = await this.#spread(deed, from)
    return [...here, ...behind]
  }

  #apply({ operation, stamp }: Deed): boolean {
    try {
      const newer = operation.kind === 'reset' && operation.name === undefined ? this.#since(stamp) : []
      if (!this.#order.take(operation, stamp)) return true
      this.#levels.apply(operation, this)
      for (const kept of newer) this.#levels.apply(kept, this)
      return true
    } catch {
      // A tree that is full, or one whose names this one does not take.
      return false
    }
  }

  /** What of this tree is newer than a reset that arrives late. */
  #since(stamp: Stamp): LevelOperation[] {
    return this.#levels
      .operations()
      .filter((one) => one.kind === 'set' && isBefore(stamp, this.#order.newest(one.name)))
  }

  #spread(deed: Deed, except: Line | undefined): Promise<readonly Place[]> {
    const missing = new Map<string, Line>()
    const behind: Deed = { ...deed, waitMs: deed.waitMs * SHARE_BEHIND }
    const lines = [...this.#lines].filter((line) => line !== except && line.peers.size > 0)
    for (const line of lines) {
      for (const [peer, answers] of line.peers) if (answers) missing.set(peer, line)
    }
    const answered =
      missing.size === 0
        ? Promise.resolve([])
        : new Promise<readonly Place[]>((resolve) => {
            const timer = clock.setTimer(deed.waitMs, () => this.#giveUp(deed.id))
            this.#pending.set(deed.id, { missing, places: [], timer, resolve })
          })
    for (const { link } of lines) link.post({ kind: 'deed', from: this.id, deed: behind })
    return answered
  }

  /** Where this tree is, for one that has just started. */
  #state(): Deed[] {
    return this.#levels.operations().map((operation) => ({
      id: randomUUID(),
      stamp: operation.kind === 'set' ? this.#order.newest(operation.name) : never,
      operation,
      waitMs: this.#waitMs,
    }))
  }

  #forget(line: Line, peer: string): void {
    line.peers.delete(peer)
    for (const [id, pending] of this.#pending) {
      if (pending.missing.get(peer) === line) this.#strike(id, pending, peer)
    }
  }

  #giveUp(id: string): void {
    for (const [peer, { peers }] of this.#pending.get(id)?.missing ?? []) {
      if (peers.has(peer)) peers.set(peer, false)
    }
    this.#settle(id)
  }

  #strike(id: string, pending: Pending, peer: string): void {
    pending.missing.delete(peer)
    if (pending.missing.size === 0) this.#settle(id)
  }

  #settle(id: string): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    pending?.timer.cancel()
    pending?.resolve(pending.places)
  }
}

function meet({ peers }: Line, peer: string): void {
  peers.delete(peer)
  peers.set(peer, true)
  const [oldest] = peers.keys()
  if (peers.size > MAX_PEERS && oldest !== undefined) peers.delete(oldest)
}
