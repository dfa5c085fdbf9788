/** Bytes that no client means well with: each that Node takes for a request is counted once, and the rest harms nobody. */

import assert from 'node:assert/strict'
import { smuggled } from '../smuggled.ts'
import type { Case } from '../rig.ts'
import { hostileTargets } from '../targets.ts'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

export const hostileCases: readonly Case[] = [
  [
    'counts what reaches it once, of requests that are smuggled, malformed or too large',
    {},
    async (rig) => {
      const reached = rig.reached()
      for (const bytes of smuggled) assert.doesNotMatch(await rig.wire.sayAll(bytes), /^HTTP\/1\.1 500/m)
      assert.equal((await rig.client.send('/items/1')).status, 200)
      await rig.countedExactly(reached())
    },
    { bytes: true },
  ],
  [
    'counts targets that are no URLs once each, whatever the method, and never as a route',
    {},
    async (rig) => {
      // Frameworks answer some of them before any middleware runs; an adapter has seen those that carry a request id.
      let observed = 0
      for (const target of hostileTargets) {
        for (const method of ['GET', 'POST', 'OPTIONS', 'PROPFIND']) {
          const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
          if (/^x-request-id: /im.test(await rig.wire.sayAll(head))) observed += 1
        }
      }
      assert.ok(observed > 0)
      const counted = await rig.countedExactly(observed)
      assert.ok(counted.every(({ route }) => route === '' || route === '/items/:id'))
    },
    { bytes: true },
  ],
  [
    'answers a client that has ended its side, and counts the answer as whole',
    {},
    async (rig) => {
      const reached = rig.reached()
      const body = 'a'.repeat(100)
      const head = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n'
      const answer = await rig.wire.sayAll(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
      assert.match(answer, /^HTTP\/1\.1 200/)
      assert.ok(answer.includes(body))
      const counted = await rig.countedExactly(reached())
      assert.deepEqual(
        counted.map(({ status, error, count }) => [status, error, count]),
        [['200', '', 1]],
      )
    },
    { bytes: true },
  ],
  [
    'counts those once who reset their connections, before, between and in the middle of answers',
    {},
    async (rig) => {
      const reached = rig.reached()
      const conversations = [
        '',
        get('/items/1'),
        get('/large'),
        get('/stream'),
        get('/wait'),
        get('/wait').repeat(5),
      ]
      await Promise.all(
        conversations.flatMap((bytes) => [rig.wire.reset(bytes, 0), rig.wire.reset(bytes, 5)]),
      )
      assert.equal((await rig.client.send('/items/1')).status, 200)
      await rig.countedExactly(reached)
    },
    { bytes: true },
  ],
]
