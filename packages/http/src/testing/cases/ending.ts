/** How a request can end: whole, left by its client, past its deadline. */

import assert from 'node:assert/strict'
import type { HttpOptions } from '../../options.ts'
import { internal } from '../../options.ts'
import type { Case } from '../rig.ts'
import { eventually } from '../rig.ts'

const quick: HttpOptions = { timeoutMs: 60 }
const one = { count: 1, error: '' }

export const endingCases: readonly Case[] = [
  [
    'does not take a request whose body was read for one whose client left [I41]',
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
    'sees a client leave before the answer: no status, and the context is cancelled with that cause [I41]',
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
    'takes a response for whole only when all of it was handed over, not when the handler was done with it',
    {},
    async (rig) => {
      await rig.client.hangUp('/large', 'at first bytes')
      assert.deepEqual(await rig.counted(1), [
        { count: 1, error: 'client_abort', method: 'GET', route: '/large', status: '200' },
      ])
    },
  ],
  [
    'lets no client take an answer that the service broke off for the whole',
    {},
    async (rig) => {
      await assert.rejects(rig.client.send('/broken'))
      await rig.counted(1)
    },
  ],
  [
    'does not blame the client when the service breaks an answer off',
    {},
    async (rig) => {
      await rig.client.send('/broken').catch(() => {})
      assert.deepEqual(await rig.counted(1), [
        { count: 1, error: 'server_abort', method: 'GET', route: '/broken', status: '200' },
      ])
      assert.deepEqual(
        rig.requestLines().map((line) => [line['level'], line['outcome']]),
        [['error', 'error']],
      )
    },
  ],
  [
    'counts pipelined requests whose client leaves before their turn, and cancels them',
    {},
    async (rig) => {
      const head = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
      const arrived = eventually(
        () => rig.active() === 3,
        () => 'three requests',
      )
      await rig.wire.raw(head('/wait') + head('/items/1') + head('/wait'), arrived)
      const counted = await rig.counted(3)
      assert.deepEqual(counted.map(({ route, error, count }) => `${route} ${error} ${count}`).toSorted(), [
        '/items/:id client_abort 1',
        '/wait client_abort 2',
      ])
    },
    { bytes: true },
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
]
