/** An application must not be able to tell whether it is observed, and neither must its clients: to the byte. */

import assert from 'node:assert/strict'
import type { HttpOptions } from '../../options.ts'
import { internal } from '../../options.ts'
import type { Client } from '../client.ts'
import type { Rig } from '../rig.ts'
import { smuggled } from '../smuggled.ts'

/** A case that compares: on the app as it is, and on the same app under observation. */
export type ComparingCase = readonly [
  name: string,
  options: HttpOptions,
  run: (bare: Rig, observed: Rig) => Promise<void>,
  more?: { readonly bytes?: true },
]

/** All that can be asked for, and no request of these is late for it. */
const everything: HttpOptions = {
  ...internal,
  timeoutMs: 600_000,
  bodySizes: true,
  names: 'legacy',
  recorder: {},
  address: { trust: 1 },
}

/** Paths that are answered alike whether or not there is a context, by every method. */
const paths = [
  '/plain',
  '/redirect',
  '/nowhere',
  '/guarded/1',
  '/fall/1',
  '/sync-error',
  '/async-error',
  '/orgs/a/boom',
  '/orgs/a/nothing',
  '/',
]

const host = 'Host: x\r\n'
const last = `${host}Accept: text/html\r\nConnection: close\r\n`
const post = `POST /echo HTTP/1.1\r\n${last}Content-Type: text/plain\r\n`

/** Conversations, each on a connection of its own that the server closes. */
const conversations: readonly string[] = [
  ...paths.flatMap((path) => ['GET', 'HEAD'].map((method) => `${method} ${path} HTTP/1.1\r\n${last}\r\n`)),
  ...[
    'OPTIONS /items/1',
    'DELETE /items/1',
    'PROPFIND /redirect',
    'POST /plain',
    'GET /large',
    'GET /broken',
  ].map((start) => `${start} HTTP/1.1\r\n${last}\r\n`),
  `GET /plain HTTP/1.1\r\n${last}If-None-Match: *\r\n\r\n`,
  `GET /plain HTTP/1.1\r\n${last}Range: bytes=0-1\r\n\r\n`,
  `GET /plain HTTP/1.0\r\n${host}\r\n`,
  `GET /plain HTTP/1.1\r\n${host}\r\nHEAD /redirect HTTP/1.1\r\n${host}\r\nGET /plain HTTP/1.1\r\n${last}\r\n`,
  `${post}Content-Length: 0\r\n\r\n`,
  `${post}Content-Length: 5\r\n\r\nabcde`,
  `${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
  `${post}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nabcde`,
]

const requestIdLines = /^x-request-id: [0-9a-f]{32}\r\n/gim
const dateLines = /^date: .*\r\n/gim

async function sameBytes(bare: Rig, observed: Rig): Promise<void> {
  for (const bytes of conversations) {
    const [before, after] = await Promise.all([bare.wire.raw(bytes), observed.wire.raw(bytes)])
    assert.match(before.slice(0, 20), /^HTTP\/1\.1 [12345]\d\d /)
    assert.match(after.slice(0, headLength), requestIdLines)
    const [expected, actual] = [comparable(before), comparable(after)]
    // Compared first, as nobody wants to read 32 MiB.
    if (actual !== expected) assert.equal(shown(actual), shown(expected), JSON.stringify(bytes))
    assert.ok(actual === expected, JSON.stringify(bytes))
  }
}

/** Answers are short, but for one, and the heads of all are in so many bytes. */
const headLength = 8192

/** Without what may differ. */
function comparable(answer: string): string {
  const heads = answer.slice(0, headLength).replace(requestIdLines, '').replace(dateLines, '')
  return heads + answer.slice(headLength)
}

/** An answer without what may differ. Koa has none to HEAD over HTTP/2 where a handler failed. */
async function read(
  client: Client,
  path: string,
  method: string,
): Promise<{ id?: unknown; answer: unknown }> {
  try {
    const { status, body, headers } = await client.send(path, { method })
    const { 'x-request-id': id, date, ...others } = headers
    return { id, answer: [typeof date, status, others, body] }
  } catch {
    return { answer: 'none' }
  }
}

function shown(answer: string): string {
  return `${answer.length} bytes: ${answer.slice(0, 2000)}`
}

export const unchangedCases: readonly ComparingCase[] = [
  ['changes no status, header or body, to the byte', {}, sameBytes, { bytes: true }],
  ['changes none either when all that it can do is asked for', everything, sameBytes, { bytes: true }],
  [
    'changes no status, header or body, as a client reads them',
    everything,
    async (bare, observed) => {
      for (const path of paths) {
        for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
          const [before, after] = await Promise.all([
            read(bare.client, path, method),
            read(observed.client, path, method),
          ])
          assert.deepEqual(after.answer, before.answer, `${method} ${path}`)
          assert.equal(before.id, undefined)
          if (after.answer !== 'none') assert.match(String(after.id), /^[0-9a-f]{32}$/, `${method} ${path}`)
        }
      }
    },
  ],
  [
    'has what is smuggled, malformed or too large answered by the same statuses',
    {},
    async (bare, observed) => {
      for (const bytes of smuggled) {
        const [before, after] = await Promise.all([bare.wire.sayAll(bytes), observed.wire.sayAll(bytes)])
        assert.deepEqual(
          after.match(statusLines),
          before.match(statusLines),
          JSON.stringify(bytes.slice(0, 500)),
        )
      }
    },
    { bytes: true },
  ],
]

const statusLines = /^HTTP\/1\.1 \d\d\d .*$/gm
