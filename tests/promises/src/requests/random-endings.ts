/** Conversations that are left at random moments, of which only the service can know how far they came. */

import { pick, randomOf } from '../tools/seeded.ts'
import type { Protocol } from './apps.ts'
import { Session, leavings } from './http2.ts'
import { Raw, answersIn, departures, get } from './raw.ts'
import type { Endings, Watched } from './watched.ts'

/** What may become of a request that may be given up at any moment. */
const possible: Readonly<Record<string, readonly string[]>> = {
  whole: ['200 -', '200 client_abort', '- client_abort'],
  streamed: ['200 -', '200 client_abort', '- client_abort'],
  // It may have failed before its client left.
  failed: ['500 500', '500 client_abort', '- client_abort', '500 server_abort', '- server_abort'],
  unanswered: ['- client_abort'],
  begun: ['200 client_abort', '- client_abort'],
}
const kinds = Object.keys(possible)
const maxTurns = 12

/** Has `runs` conversations, and answers what was counted wrongly of them. */
export async function endAtRandom(
  service: Watched,
  protocol: Protocol,
  runs: number,
  seed: number,
): Promise<string[]> {
  const random = randomOf(seed)
  const wrong: string[] = []
  for (let run = 0; run < runs; run += 1) {
    const asked = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(random, kinds))
    const turns = Math.floor(random() * maxTurns)
    const before = service.endings()
    const from = service.reached.length
    const whole =
      protocol === 'HTTP/1'
        ? await leaveHttp1(service, asked, turns, random)
        : await leaveHttp2(service, asked, turns, random)
    await service.settled()
    const problem = check(service.reached.slice(from), before, service.endings(), whole)
    if (problem !== '') wrong.push(`${asked.join(' ')}, left after ${turns} turns: ${problem}`)
  }
  return wrong
}

/** Answers how many answers the client has seen whole. */
async function leaveHttp1(
  service: Watched,
  asked: readonly string[],
  turns: number,
  random: () => number,
): Promise<number> {
  const client = await Raw.open(service.port)
  client.say(asked.map((kind) => get(kind)).join(''))
  await client.leaveAfter(turns, pick(random, departures))
  return answersIn(client.received)
}

async function leaveHttp2(
  service: Watched,
  asked: readonly string[],
  turns: number,
  random: () => number,
): Promise<number> {
  const session = await Session.open(service.port)
  void session.ask(asked, [], false).catch(() => {})
  const reset = random() < 0.5
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve))
  if (reset) session.resetAll()
  await session.leave(reset ? 'GOAWAY' : pick(random, leavings))
  return session.answered
}

/** What is wrong with what was counted since `before`; '' if nothing is. */
function check(reached: readonly string[], before: Endings, after: Endings, whole: number): string {
  const came = countBy(reached.map((target) => target.split('/')[1] ?? ''))
  const counted: Record<string, number> = {}
  let answered = 0
  for (const [ending, total] of Object.entries(after)) {
    const count = total - (before[ending] ?? 0)
    if (count === 0) continue
    const [, kind = '', how = ''] = /^\/(\w+)\/:id (.*)$/.exec(ending) ?? []
    if (possible[kind]?.includes(how) !== true) return `${count} times ${ending}`
    counted[kind] = (counted[kind] ?? 0) + count
    if (!how.endsWith('abort')) answered += count
  }
  const kindsOfBoth = new Set([...Object.keys(came), ...Object.keys(counted)])
  for (const kind of kindsOfBoth) {
    if (came[kind] !== counted[kind])
      return `${came[kind] ?? 0} of ${kind} came, ${counted[kind] ?? 0} were counted`
  }
  return answered < whole ? `the client had ${whole} answers, ${answered} were counted` : ''
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
