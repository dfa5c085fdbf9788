/** Traffic that no well-meaning client sends, and clients that come in crowds and leave early. */

import assert from 'node:assert/strict'
import { internal } from '../../options.ts'
import type { Case } from '../rig.ts'
import { eventually } from '../rig.ts'
import { hostileRequestIds } from '../targets.ts'

const generated = /^[0-9a-f]{32}$/

export const trafficCases: readonly Case[] = [
  [
    'leaves the route out when none takes the method, and for automatic answers to OPTIONS',
    {},
    async (rig) => {
      const requests = [
        ['POST', '/items/1'],
        ['DELETE', '/orgs/acme/users/7'],
        ['OPTIONS', '/items/1'],
      ] as const
      for (const [method, path] of requests) assert.ok((await rig.client.send(path, { method })).status < 500)
      const counted = await rig.counted(3)
      assert.deepEqual(
        counted.map(({ method, route, error }) => [method, route, error]),
        requests.map(([method]) => [method, '', '']),
      )
    },
  ],
  [
    'counts each of a crowd once, those who hang up among them, and ends with none under way',
    {},
    async (rig) => {
      const crowd = Array.from({ length: 40 }, (_, index) =>
        index % 5 === 0
          ? rig.client.hangUp('/stream', 'at first bytes')
          : rig.client.send(index % 5 === 1 ? '/sync-error' : `/items/${index}`),
      )
      await Promise.all(crowd)
      const counted = await rig.counted(40)
      assert.deepEqual(counted.map(({ route, error, count }) => `${route} ${error} ${count}`).toSorted(), [
        '/items/:id  24',
        '/stream client_abort 8',
        '/sync-error 500 8',
      ])
      assert.equal(rig.requestLines().length, 40)
    },
  ],
  [
    'blames the client that leaves in the middle of its own body',
    {},
    async (rig) => {
      const head =
        'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n'
      const arrived = eventually(
        () => rig.active() === 1,
        () => 'the request',
      )
      await rig.wire.raw(`${head}a half of it`, arrived)
      const [counted] = await rig.counted(1)
      assert.deepEqual([counted?.count, counted?.error], [1, 'client_abort'])
      assert.equal(rig.requestLines()[0]?.['outcome'], 'canceled')
    },
    { bytes: true },
  ],
  [
    'lets a body that nobody reads stand in no way',
    {},
    async (rig) => {
      const body = 'x'.repeat(1000)
      assert.ok((await rig.client.send('/nowhere', { method: 'POST', body })).status < 500)
      assert.equal((await rig.client.send('/items/1')).status, 200)
      assert.equal((await rig.counted(2)).length, 2)
    },
  ],
  [
    'answers pipelined requests in their order, each with an id of its own',
    {},
    async (rig) => {
      const head = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
      const answer = await rig.wire.raw(
        head('/items/1') + head('/items/2') + head('/items/3', 'Connection: close\r\n'),
      )
      assert.deepEqual(
        [...answer.matchAll(/"id":"(\d)"/g)].map(([, id]) => id),
        ['1', '2', '3'],
      )
      const ids = [...answer.matchAll(/^x-request-id: (\w+)/gim)].map(([, id]) => id)
      assert.equal(new Set(ids).size, 3)
      assert.deepEqual(
        [...answer.matchAll(/"requestId":"(\w+)"/g)].map(([, id]) => id),
        ids,
      )
      assert.equal((await rig.counted(3))[0]?.count, 3)
    },
    { bytes: true },
  ],
  [
    'takes values that the language has names for as what they are',
    {},
    async (rig) => {
      for (const id of ['__proto__', 'constructor', 'hasOwnProperty']) {
        const answer = await rig.client.send(`/items/${id}`)
        assert.deepEqual([answer.status, (JSON.parse(answer.body) as { id: string }).id], [200, id])
        assert.equal((await rig.client.send(`/orgs/${id}/users/${id}`)).status, 200)
      }
      const counted = await rig.counted(6)
      assert.deepEqual(
        counted.map(({ route, count }) => [route, count]),
        [
          ['/items/:id', 3],
          ['/orgs/:org/users/:id', 3],
        ],
      )
    },
  ],
  [
    'logs a path that is long, or would forge a line, as part of one line of bounded length',
    {},
    async (rig) => {
      const forged = '/nowhere"}%0a{"level":"fatal","msg":"forged"}'
      await rig.wire.raw(`GET ${forged} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      await rig.client.send(`/nowhere/${'a'.repeat(10_000)}`)
      await rig.counted(2)
      assert.deepEqual(
        rig
          .requestLines()
          .map((line) => [line['level'], line['path'] === forged || String(line['path']).length < 1100]),
        [
          ['info', true],
          ['info', true],
        ],
      )
      assert.equal(rig.lines.filter((line) => line['level'] === 'fatal').length, 0)
    },
    { bytes: true },
  ],
  [
    'takes no request id that it would not make, even of a trusted caller, and no header that came twice',
    internal,
    async (rig) => {
      for (const id of hostileRequestIds) {
        const answer = await rig.client.send('/items/1', { headers: { 'x-request-id': id } })
        assert.match(String(answer.headers['x-request-id']), generated)
      }
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const headers = {
        'x-request-id': ['a', 'b'],
        traceparent: [traceparent, traceparent],
        'grpc-timeout': ['0m', '0m'],
      }
      const answer = await rig.client.send('/items/1', { headers })
      assert.equal(answer.status, 200)
      assert.match(String(answer.headers['x-request-id']), generated)
      await rig.counted(hostileRequestIds.length + 1)
      assert.equal(
        rig.counter('kit.http.ignored_headers', { header: 'request_id' }),
        hostileRequestIds.length + 1,
      )
      for (const header of ['traceparent', 'deadline']) {
        assert.equal(rig.counter('kit.http.ignored_headers', { header }), 1)
      }
    },
  ],
  [
    'tells the scheme from the connection, whatever a client says was forwarded',
    {},
    async (rig) => {
      const headers = { 'x-forwarded-proto': 'https', forwarded: 'proto=https', 'x-forwarded-for': '6.6.6.6' }
      assert.equal((await rig.client.send('/items/1', { headers })).status, 200)
      await rig.counted(1)
      assert.deepEqual(rig.schemes(), ['http'])
    },
  ],
]
