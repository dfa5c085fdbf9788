/** Whose request it is: ids, traces, contexts, log lines; and what strangers may not do. */

import assert from 'node:assert/strict'
import { internal } from '../../options.ts'
import type { Answer } from '../client.ts'
import type { Case } from '../rig.ts'
import { hostileTargets } from '../targets.ts'

const strangers = { 'x-forwarded-for': '6.6.6.6, 7.7.7.7', forwarded: 'for=6.6.6.6' }
const addressIn = ({ body }: Answer): unknown => (JSON.parse(body) as { address: unknown }).address

export const identityCases: readonly Case[] = [
  [
    'trusts no header of a stranger',
    {},
    async (rig) => {
      const headers = {
        'grpc-timeout': '0m',
        'x-request-id': 'chosen-by-the-client',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      }
      const answer = await rig.client.send('/items/1', { headers })
      assert.equal(answer.status, 200)
      assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{32}$/)
      await rig.counted(1)
      assert.notEqual(rig.requestLines()[0]?.['traceId'], '0af7651916cd43dd8448eb211c80319c')
    },
  ],
  [
    'takes the address of the connection for that of the client, whatever a client says was forwarded',
    {},
    async (rig) => {
      assert.equal(addressIn(await rig.client.send('/items/1', { headers: strangers })), '127.0.0.1')
      await rig.counted(1)
    },
  ],
  [
    'believes what was forwarded as far as hops are trusted, from the right',
    { address: { trust: 1 } },
    async (rig) => {
      assert.equal(addressIn(await rig.client.send('/items/1', { headers: strangers })), '7.7.7.7')
      await rig.counted(1)
    },
  ],
  [
    'carries on the request id and the trace of a trusted caller, and counts what is malformed',
    internal,
    async (rig) => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const good = await rig.client.send('/items/1', { headers: { 'x-request-id': 'abc-1', traceparent } })
      const bad = { 'x-request-id': 'a b', traceparent: '00-00-00-00', 'grpc-timeout': 'soon' }
      const replaced = await rig.client.send('/items/1', { headers: bad })
      assert.equal(good.headers['x-request-id'], 'abc-1')
      assert.equal((JSON.parse(good.body) as { requestId: string }).requestId, 'abc-1')
      assert.match(String(replaced.headers['x-request-id']), /^[0-9a-f]{32}$/)
      await rig.counted(2)
      assert.equal(rig.requestLines()[0]?.['traceId'], '0af7651916cd43dd8448eb211c80319c')
      for (const header of ['request_id', 'traceparent', 'deadline']) {
        assert.equal(rig.counter('kit.http.ignored_headers', { header }), 1)
      }
    },
  ],
  [
    'gives each of many requests at once a context of its own, on few connections',
    {},
    async (rig) => {
      const ids = Array.from({ length: 50 }, (_, index) => String(index))
      const answers = await Promise.all(ids.map((id) => rig.client.send(`/items/${id}`)))
      const bodies = answers.map(
        (answer) => JSON.parse(answer.body) as { id: string; requestId: string; logged: boolean },
      )
      assert.deepEqual(
        bodies.map(({ id }) => id),
        ids,
      )
      assert.ok(bodies.every(({ logged }) => logged))
      assert.deepEqual(
        bodies.map(({ requestId }) => requestId),
        answers.map((answer) => answer.headers['x-request-id']),
      )
      assert.equal(new Set(bodies.map(({ requestId }) => requestId)).size, ids.length)
      await rig.counted(ids.length)
      const handling = rig.lines
        .filter((line) => line['msg'] === 'handling')
        .map((line) => String(line['requestId']))
      assert.deepEqual(handling.toSorted(), bodies.map(({ requestId }) => requestId).toSorted())
    },
  ],
  [
    'logs one line a request, with its route, status, duration and ids, and without its query',
    {},
    async (rig) => {
      const answer = await rig.client.send('/items/7?token=secret')
      await rig.counted(1)
      const [line, ...more] = rig.requestLines()
      assert.equal(more.length, 0)
      assert.equal(line?.['requestId'], answer.headers['x-request-id'])
      assert.match(String(line?.['traceId']), /^[0-9a-f]{32}$/)
      assert.ok(typeof line?.['durationMs'] === 'number' && line['durationMs'] >= 0)
      const { method, route, path, status, outcome } = line
      assert.deepEqual(
        { method, route, path, status, outcome },
        {
          method: 'GET',
          route: '/items/:id',
          path: '/items/7',
          status: 200,
          outcome: 'ok',
        },
      )
      assert.doesNotMatch(JSON.stringify(rig.lines), /secret/)
    },
  ],
  [
    'observes once when it is mounted twice',
    {},
    async (rig) => {
      assert.equal((await rig.client.send('/items/1')).status, 200)
      assert.equal((await rig.counted(1))[0]?.count, 1)
      assert.equal(rig.requestLines().length, 1)
    },
    { times: 2 },
  ],
  [
    'leaves out what is to be skipped, but gives it a context',
    { skip: (exchange) => exchange.target === '/items/health' },
    async (rig) => {
      const skipped = await rig.client.send('/items/health')
      assert.match((JSON.parse(skipped.body) as { requestId: string }).requestId, /^[0-9a-f]{32}$/)
      await rig.client.send('/items/1')
      assert.equal((await rig.counted(1))[0]?.count, 1)
      assert.equal(rig.requestLines().length, 1)
    },
  ],
  [
    'writes no line a request where none is wanted, and handlers have a logger all the same',
    { log: false },
    async (rig) => {
      const { status, body } = await rig.client.send('/items/1')
      assert.deepEqual([status, (JSON.parse(body) as { logged: boolean }).logged], [200, true])
      assert.equal((await rig.counted(1))[0]?.count, 1)
      assert.deepEqual(rig.requestLines(), [])
    },
  ],
  [
    'goes on without a hook that throws',
    {
      skip: nothing,
      requestId: { trust: nothing, generate: nothing },
      recorder: { when: nothing },
    },
    async (rig) => {
      const { status, headers } = await rig.client.send('/items/1', { headers: { 'x-request-id': 'abc' } })
      assert.equal(status, 200)
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/)
      assert.equal((await rig.counted(1))[0]?.count, 1)
      assert.equal(rig.requestLines().length, 1)
    },
  ],
  [
    'survives any request line that the parser lets through, and counts once each that reaches it',
    {},
    async (rig) => {
      let reached = 0
      for (const target of hostileTargets) {
        const answer = await rig.wire.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        assert.match(answer, /^HTTP\/1\.1 [245]\d\d /)
        if (/^x-request-id: /im.test(answer)) reached += 1
      }
      // Frameworks refuse some by themselves.
      assert.ok(reached > 0)
      const counted = await rig.counted(reached)
      assert.equal(
        counted.reduce((total, { count }) => total + count, 0),
        reached,
      )
      assert.equal(rig.requestLines().length, reached)
    },
    { bytes: true },
  ],
]

function nothing(): never {
  throw new Error('a mistake of the application')
}
