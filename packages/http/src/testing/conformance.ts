/**
 * The behaviour that every adapter owes, whatever the framework: each case starts an app of the framework with the
 * adapter mounted first, talks to it over real connections, and looks at metrics, log lines and answers.
 */

import assert from 'node:assert/strict'
import type { HttpOptions } from '../options.ts'
import { internal } from '../options.ts'
import { eventually, Rig } from './rig.ts'

/** One case: passes when `run` resolves. Give it to any test runner. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/** A conformance app that listens. */
export interface ConformanceServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts the conformance app on a free port of 127.0.0.1 with the adapter mounted `times` times before everything
 * else; 0 times means without it. Errors are answered by the framework's own handler, without stack traces. The app:
 *
 * - `GET /items/:id` answers JSON `{ id, requestId, logged }`: the parameter, `current().value(requestIdKey)`, and
 *   whether the adapter's logger is where the framework's handlers find it; and logs `handling` at debug
 * - `GET /orgs/:org/users/:id`, in a router mounted at `/orgs/:org`, answers the same
 * - `GET /orgs/:org/boom`, in that router, throws
 * - `POST /echo` reads its body, lets a turn of the event loop pass, and answers with the body, or with 500 when its
 *   context has ended by then
 * - `GET /sync-error` throws, `GET /async-error` fails after a turn
 * - `GET /wait` waits for the end of its context, then fails with the context's error
 * - `GET /late` waits for the end of its context, then sets a header and answers 200
 * - `GET /stream` answers `first` at once and ends when its context ends
 * - `GET /redirect` answers 302 to `/items/1`
 */
export type StartConformanceApp = (options: HttpOptions, times: number) => Promise<ConformanceServer>

type Case = readonly [name: string, options: HttpOptions, run: (rig: Rig) => Promise<void>, times?: number]

/** All cases for an adapter. Route templates are expected in the `/items/:id` spelling. */
export function adapterConformance(start: StartConformanceApp): ConformanceCase[] {
  const observed = cases.map(([name, options, run, times]): ConformanceCase => ({
    name,
    async run() {
      const rig = await Rig.start(start, options, times)
      try {
        await run(rig)
      } finally {
        await rig.close()
      }
    },
  }))
  return [...observed, { name: 'changes no status, header or body', run: () => unchanged(start) }]
}

const quick: HttpOptions = { timeoutMs: 60 }
const one = { count: 1, error: '' }

const cases: readonly Case[] = [
  [
    'labels a request with the template of its route',
    {},
    async (rig) => {
      assert.equal((await rig.client.send('/items/42?color=red')).status, 200)
      assert.deepEqual(await rig.counted(1), [{ ...one, method: 'GET', route: '/items/:id', status: '200' }])
    },
  ],
  [
    'puts the mounts of a router into the template, and no value that matched them',
    {},
    async (rig) => {
      await rig.client.send('/orgs/users/users/7')
      await rig.client.send('/orgs/acme/users/7')
      assert.deepEqual(await rig.counted(2), [
        { ...one, count: 2, method: 'GET', route: '/orgs/:org/users/:id', status: '200' },
      ])
    },
  ],
  [
    'keeps the template when an error leaves a nested router',
    {},
    async (rig) => {
      assert.equal((await rig.client.send('/orgs/acme/boom')).status, 500)
      assert.deepEqual(await rig.counted(1), [
        { count: 1, error: '500', method: 'GET', route: '/orgs/:org/boom', status: '500' },
      ])
    },
  ],
  [
    'leaves the route out when none matched, however many paths are tried',
    {},
    async (rig) => {
      for (const path of ['/wp-login.php', '/.env', '/%2e%2e/secret', '/items']) {
        assert.equal((await rig.client.send(path)).status, 404)
      }
      assert.deepEqual(await rig.counted(4), [{ ...one, count: 4, method: 'GET', route: '', status: '404' }])
    },
  ],
  [
    'bounds the method',
    {},
    async (rig) => {
      await rig.client.send('/items/1', { method: 'PROPFIND' })
      await rig.client.send('/items/1', { method: 'PURGE' })
      const counted = await rig.counted(2)
      assert.deepEqual([...new Set(counted.map(({ method }) => method))], ['_OTHER'])
    },
  ],
  [
    'counts HEAD as HEAD, and a redirect as what it is',
    {},
    async (rig) => {
      assert.equal((await rig.client.send('/items/1', { method: 'HEAD' })).body, '')
      assert.equal((await rig.client.send('/redirect')).status, 302)
      assert.deepEqual(await rig.counted(2), [
        { ...one, method: 'HEAD', route: '/items/:id', status: '200' },
        { ...one, method: 'GET', route: '/redirect', status: '302' },
      ])
    },
  ],
  [
    'counts errors that handlers throw, at once or later',
    {},
    async (rig) => {
      await rig.client.send('/sync-error')
      await rig.client.send('/async-error')
      assert.deepEqual(await rig.counted(2), [
        { count: 1, error: '500', method: 'GET', route: '/sync-error', status: '500' },
        { count: 1, error: '500', method: 'GET', route: '/async-error', status: '500' },
      ])
      assert.deepEqual(
        rig.requestLines().map((line) => [line['level'], line['outcome']]),
        [
          ['error', 'error'],
          ['error', 'error'],
        ],
      )
    },
  ],
  [
    'does not take a request whose body was read for one whose client left',
    {},
    async (rig) => {
      const body = 'x'.repeat(100_000)
      const answers = await Promise.all(
        [1, 2, 3].map(() =>
          rig.client.send('/echo', { method: 'POST', body, headers: { 'content-type': 'text/plain' } }),
        ),
      )
      assert.deepEqual(
        answers.map((answer) => [answer.status, answer.body === body]),
        answers.map(() => [200, true]),
      )
      assert.deepEqual(await rig.counted(3), [
        { ...one, count: 3, method: 'POST', route: '/echo', status: '200' },
      ])
    },
  ],
  [
    'sees a client leave before the answer: no status, and the context is cancelled with that cause',
    {},
    async (rig) => {
      await rig.client.hangUp(
        '/wait',
        eventually(
          () => rig.active() === 1,
          () => 'the request',
        ),
      )
      assert.deepEqual(await rig.counted(1), [
        { count: 1, error: 'client_abort', method: 'GET', route: '/wait', status: '' },
      ])
      const [line] = rig.requestLines()
      assert.equal(line?.['outcome'], 'canceled')
      assert.equal(line?.['level'], 'info')
      assert.equal(line?.['status'], null)
    },
  ],
  [
    'sees a client leave in the middle of the answer: its status, and the error type',
    {},
    async (rig) => {
      await rig.client.hangUp('/stream', 'at first bytes')
      assert.deepEqual(await rig.counted(1), [
        { count: 1, error: 'client_abort', method: 'GET', route: '/stream', status: '200' },
      ])
    },
  ],
  [
    'answers 503 when the deadline passes, whatever the handler does then, and keeps the connection',
    quick,
    async (rig) => {
      const failing = await rig.client.send('/wait')
      const answering = await rig.client.send('/late')
      const after = await rig.client.send('/items/1')
      assert.deepEqual([failing.status, answering.status, after.status], [503, 503, 200])
      assert.equal(answering.headers['x-late'], undefined)
      assert.equal(new Set([failing.connection, answering.connection, after.connection]).size, 1)
      const counted = await rig.counted(3)
      assert.deepEqual(
        counted.map(({ route, status, error }) => [route, status, error]),
        [
          ['/wait', '503', 'deadline_exceeded'],
          ['/late', '503', 'deadline_exceeded'],
          ['/items/:id', '200', ''],
        ],
      )
      assert.equal(rig.counter('http.server.deadlines', { result: 'missed' }), 2)
      assert.equal(rig.counter('http.server.deadlines', { result: 'met' }), 1)
      await eventually(
        () => rig.counter('kit.http.late_responses') >= 1,
        () => 'the late response to be counted',
      )
      const [line] = rig.requestLines()
      assert.equal(line?.['level'], 'warn')
      assert.match(JSON.stringify(line?.['err']), /deadline exceeded/)
    },
  ],
  [
    'does not cut a stream that has begun when the deadline passes, but ends its context',
    quick,
    async (rig) => {
      const answer = await rig.client.send('/stream')
      assert.deepEqual([answer.status, answer.body], [200, 'first'])
      const [counted] = await rig.counted(1)
      assert.deepEqual([counted?.route, counted?.status], ['/stream', '200'])
      assert.equal(rig.counter('http.server.deadlines', { result: 'missed' }), 1)
    },
  ],
  [
    "answers 504 before the handler when a trusted caller's time has run out",
    internal,
    async (rig) => {
      const answer = await rig.client.send('/items/1', { headers: { 'grpc-timeout': '0m' } })
      assert.equal(answer.status, 504)
      assert.equal((await rig.client.send('/items/1', { headers: { 'grpc-timeout': '9S' } })).status, 200)
      await rig.counted(2)
      assert.equal(rig.counter('http.server.deadlines', { result: 'expired' }), 1)
      assert.equal(rig.lines.filter((line) => line['msg'] === 'handling').length, 1)
    },
  ],
  [
    "lets a trusted caller's deadline shorten the service's own, and never lengthen it",
    { ...internal, timeoutMs: 60 },
    async (rig) => {
      assert.equal((await rig.client.send('/wait', { headers: { 'grpc-timeout': '99999999H' } })).status, 503)
      assert.equal((await rig.client.send('/wait', { headers: { 'grpc-timeout': '20m' } })).status, 503)
      await rig.counted(2)
      const causes = rig.requestLines().map((line) => JSON.stringify(line['err']))
      assert.match(causes[0] ?? '', /request's timeout/)
      assert.match(causes[1] ?? '', /caller's deadline/)
    },
  ],
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
    2,
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
    'survives any request line that the parser lets through, and counts once each that reaches it',
    {},
    async (rig) => {
      const targets = [
        '//',
        '///',
        '//[',
        '/\\',
        'http://',
        'http://[',
        'http://%00/',
        'http://a:99999/',
        '/%',
        '/items/%ff',
        '*',
      ]
      let reached = 0
      for (const target of targets) {
        const answer = await rig.client.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        assert.match(answer, /^HTTP\/1\.1 [245]\d\d /)
        if (/^x-request-id: /im.test(answer)) reached += 1
      }
      assert.ok(reached >= targets.length / 2)
      const counted = await rig.counted(reached)
      assert.equal(
        counted.reduce((total, { count }) => total + count, 0),
        reached,
      )
      assert.equal(rig.requestLines().length, reached)
    },
  ],
]

/** An app must not be able to tell whether it is observed, and neither must its clients. */
async function unchanged(start: StartConformanceApp): Promise<void> {
  const bare = await Rig.start(start, {}, 0)
  const observed = await Rig.start(start)
  try {
    for (const path of ['/redirect', '/nowhere', '/sync-error', '/async-error', '/orgs/a/boom']) {
      const [before, after] = await Promise.all([bare.client.send(path), observed.client.send(path)])
      assert.deepEqual(
        { status: after.status, body: after.body },
        { status: before.status, body: before.body },
      )
      const { date: _before, ...headers } = before.headers
      const { date: _after, 'x-request-id': id, ...observedHeaders } = after.headers
      assert.deepEqual(observedHeaders, headers)
      assert.ok(id)
    }
  } finally {
    await bare.close()
    await observed.close()
  }
}
