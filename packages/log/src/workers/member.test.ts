import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger } from '../index.ts'
import type { Logger } from '../index.ts'
import { memoryDestination } from '../testing.ts'
import type { OpenLink } from './link.ts'
import { Member } from './member.ts'
import type { Message } from './protocol.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => time[Symbol.dispose]())

/** A line on which each message waits, for each hearer, until it is delivered. */
class Wire {
  readonly #ends: { receive: (message: unknown) => void; queue: Message[] }[] = []

  open(teaches: boolean): OpenLink {
    return (receive) => {
      const end = { receive, queue: [] as Message[] }
      this.#ends.push(end)
      return {
        teaches,
        post: (message) => {
          for (const other of this.#ends) if (other !== end) other.queue.push(structuredClone(message))
        },
        close: () => {
          this.#ends.splice(this.#ends.indexOf(end), 1)
        },
      }
    }
  }

  /** Delivers one message to one of those who have some; false when nobody has. */
  deliver(pick: number): boolean {
    const waiting = this.#ends.filter(({ queue }) => queue.length > 0)
    const end = waiting[pick % Math.max(1, waiting.length)]
    const message = end?.queue.shift()
    if (end === undefined || message === undefined) return false
    end.receive(message)
    return true
  }

  say(message: unknown): void {
    for (const { receive } of this.#ends) receive(message)
  }
}

interface Node {
  readonly log: Logger
  readonly member: Member
}

function node(...links: OpenLink[]): Node {
  const log = createLogger({ format: 'json', destination: memoryDestination(), level: 'info,b=warn' })
  const member = new Member(log.levels, 1000)
  for (const link of links) member.join(link)
  return { log, member }
}

/** A primary with a thread, and a worker process with two: two buses joined by one line. */
function program(): { nodes: Node[]; wires: Wire[]; drain: () => Promise<void> } {
  const [bus, line, farBus] = [new Wire(), new Wire(), new Wire()]
  const nodes = [
    node(bus.open(true), line.open(true)),
    node(bus.open(false)),
    node(farBus.open(true), line.open(false)),
    node(farBus.open(false)),
    node(farBus.open(false)),
  ]
  const wires = [bus, line, farBus]
  const drain = async (): Promise<void> => {
    // Answers come a turn later than what they answer.
    for (let idle = 0; idle < 5; idle += 1) {
      // oxlint-disable-next-line no-await-in-loop -- until nobody has anything to say
      await Promise.resolve()
      while (wires.some((wire) => wire.deliver(0))) idle = 0
    }
  }
  return { nodes, wires, drain }
}

function shown({ log }: Node): unknown {
  // A name that is not configured is known where it was named.
  const levels = log.levels.list().filter(({ configured }) => configured !== undefined)
  return [
    levels,
    log.levels
      .overrides()
      .map(({ id, level, expiresAt }) => `${id} ${level} ${expiresAt}`)
      .toSorted(),
  ]
}

test('a change anywhere is made everywhere, and says where', async () => {
  const { nodes, drain } = program()
  await drain()
  for (const [i, { log }] of nodes.entries()) {
    log.levels.set(`n${i}`, 'debug', { ttlMs: 1000, by: 'ada' })
    const applied = log.levels.applied()
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await drain()
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await applied).toHaveLength(5)
    for (const one of nodes) expect(one.log.levels.get(`n${i}`).level).toBe('debug')
    for (const one of nodes) expect(one.log.levels.audit()).toHaveLength(i + 1)
  }
  time.advance(1000)
  for (const one of nodes) {
    expect(one.log.levels.get('n0').level).toBe('info')
    expect(one.log.levels.audit()).toHaveLength(10)
  }
  await drain()
  expect(nodes[0]?.log.levels.audit()).toHaveLength(10)
  expect(time.pendingTimers).toBe(0)
})

test('one that does not answer is waited for once, and listened to again when it does', async () => {
  const wire = new Wire()
  const [one, other] = [node(wire.open(true)), node(wire.open(false))]
  while (wire.deliver(0));
  one.log.levels.set('a', 'error')
  const applied = one.log.levels.applied()
  time.advance(999)
  expect(time.pendingTimers).toBe(1)
  time.advance(1)
  expect(await applied).toHaveLength(1)
  one.log.levels.set('a', 'fatal')
  expect(time.pendingTimers).toBe(0)
  expect(await one.log.levels.applied()).toHaveLength(1)
  for (let i = 0; i < 5; i += 1) {
    while (wire.deliver(0));
    // oxlint-disable-next-line no-await-in-loop -- answers come a turn later
    await Promise.resolve()
  }
  expect(other.log.levels.get('a').level).toBe('fatal')
  one.log.levels.set('a', 'warn')
  expect(time.pendingTimers).toBe(1)
  other.member.close()
  while (wire.deliver(0));
  expect(time.pendingTimers).toBe(0)
})

test('who comes later is told how things are, with the way back', async () => {
  const wire = new Wire()
  const first = node(wire.open(true))
  first.log.levels.set('', 'error')
  first.log.levels.set('', 'debug', { ttlMs: 1000 })
  first.log.levels.set('b', null)
  first.log.levels.override({ when: { user: 'ann' }, level: 'trace' })
  const late = node(wire.open(false))
  while (wire.deliver(0));
  expect(shown(late)).toEqual(shown(first))
  time.advance(1000)
  expect(late.log.levels.get().level).toBe('error')
  expect(shown(late)).toEqual(shown(first))
})

test('an override that ends before it is heard of does not begin', () => {
  const wire = new Wire()
  const one = node(wire.open(true))
  const { id } = one.log.levels.override({ when: { user: 'ann' }, level: 'debug' })
  const [operation] = one.log.levels.operations()
  const stamp = { time: 1, turn: 0, origin: 'x' }
  const deed = (what: unknown): unknown => ({
    kind: 'deed',
    from: 'x',
    deed: { id: 'd', stamp, operation: what, waitMs: 1 },
  })
  one.member.close()
  const other = node(wire.open(true))
  wire.say(deed({ kind: 'end', id }))
  wire.say(deed(operation))
  expect(other.log.levels.overrides()).toEqual([])
})

test('a message of any shape is taken for nothing, unless it is one', () => {
  const wire = new Wire()
  const { log } = node(wire.open(true))
  const stamp = { time: 1, turn: 0, origin: 'x' }
  const good = {
    kind: 'deed',
    from: 'x',
    deed: { id: 'd', stamp, operation: { kind: 'set', name: 'a', level: 'error' }, waitMs: 1 },
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything(),
        // One member of a good message replaced.
        fc
          .tuple(fc.constantFrom('kind', 'from', 'deed'), fc.anything())
          .map(([key, value]) => ({ ...good, [key]: value })),
        fc
          .tuple(fc.constantFrom('stamp', 'operation', 'waitMs'), fc.anything())
          .map(([key, value]) => ({ ...good, deed: { ...good.deed, [key]: value } })),
        fc
          .tuple(
            fc.constantFrom('name', 'level', 'expiresAt', 'by'),
            fc.oneof(fc.anything(), fc.constant('x y')),
          )
          .filter(([key, value]) => value !== undefined || key === 'name')
          .map(([key, value]) => ({
            ...good,
            deed: { ...good.deed, operation: { ...good.deed.operation, [key]: value } },
          })),
      ),
      (message) => {
        wire.say(message)
        return log.levels.list().every(({ name }) => !name.includes(' '))
      },
    ),
    { numRuns: 2000 },
  )
  log.levels.reset()
  wire.say(good)
  expect(log.levels.get('a').level).toBe('info')
  wire.say({ ...good, deed: { ...good.deed, stamp: { ...stamp, time: time.wallTime() + 1 } } })
  expect(log.levels.get('a').level).toBe('error')
})

// Whatever is done where, and in whatever order it arrives, all trees are the same in the end.
test('all agree in the end', async () => {
  const target = fc.constantFrom('', 'a', 'b', 'a.*', 'a.b')
  const level = fc.constantFrom('trace', 'debug', 'info', 'error', 'silent')
  const step = fc.oneof(
    fc.record({
      do: fc.constant('set' as const),
      at: fc.nat(4),
      target,
      level: fc.option(level),
      ms: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    }),
    fc.record({
      do: fc.constant('reset' as const),
      at: fc.nat(4),
      target: fc.option(target, { nil: undefined }),
    }),
    fc.record({ do: fc.constant('override' as const), at: fc.nat(4), ms: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ do: fc.constant('end' as const), at: fc.nat(4) }),
    fc.record({ do: fc.constant('deliver' as const), wire: fc.nat(2), pick: fc.nat(5) }),
    fc.record({ do: fc.constant('deliver' as const), wire: fc.nat(2), pick: fc.nat(5) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { nodes, wires, drain } = program()
      await drain()
      for (const one of steps) {
        if (one.do === 'deliver') wires[one.wire]?.deliver(one.pick)
        else if (one.do === 'wait') time.advance(one.ms)
        else {
          const levels = nodes[one.at]?.log.levels
          if (one.do === 'set') levels?.set(one.target, one.level, { ttlMs: one.ms })
          else if (one.do === 'reset') levels?.reset(one.target)
          else if (one.do === 'override')
            levels?.override({ when: { user: 'ann' }, level: 'debug', ttlMs: one.ms })
          else levels?.overrides()[0]?.end()
        }
        // oxlint-disable-next-line no-await-in-loop -- one step after the other
        await Promise.resolve()
      }
      await drain()
      time.advance(steps.length % 2 === 0 ? 0 : 100)
      const [first, ...others] = nodes.map((one) => JSON.stringify(shown(one)))
      for (const other of others) expect(other).toBe(first)
      for (const { member, log } of nodes) {
        member.close()
        log.levels.reset()
        for (const override of log.levels.overrides()) override.end()
      }
    }),
    { numRuns: 300 },
  )
})
