/** How large bodies were, where that is wanted. */

import assert from 'node:assert/strict'
import type { Case } from '../rig.ts'

const wanted = { bodySizes: true }

export const sizeCases: readonly Case[] = [
  [
    'records no sizes unless they are wanted',
    {},
    async (rig) => {
      await rig.client.send('/items/1')
      await rig.counted(1)
      const names = rig.metrics.snapshot().metrics.map(({ name }) => name)
      assert.deepEqual(
        names.filter((name) => name.includes('size')),
        [],
      )
    },
  ],
  [
    'records the sizes of bodies in bytes, and none where there is no body',
    wanted,
    async (rig) => {
      const body = 'é'.repeat(5000)
      const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': 10_000 }
      assert.equal((await rig.client.send('/echo', { method: 'POST', headers, body })).body, body)
      assert.equal((await rig.client.send('/redirect', { method: 'HEAD' })).status, 302)
      await rig.counted(2)
      assert.deepEqual(rig.sizes('request'), ['/echo 1 10000', '/redirect 1 0'])
      assert.deepEqual(rig.sizes('response'), ['/echo 1 10000', '/redirect 1 0'])
    },
  ],
  [
    'records the size of a response of which nobody knew it before, and of one that is all there is of it',
    { ...wanted, timeoutMs: 200 },
    async (rig) => {
      const answers = await Promise.all([rig.client.send('/stream'), rig.client.send('/wait')])
      await rig.counted(2)
      const sent = answers.map(({ body }) => Buffer.byteLength(body))
      assert.deepEqual(rig.sizes('response').toSorted(), [`/stream 1 ${sent[0]}`, `/wait 1 ${sent[1]}`])
    },
  ],
  [
    'records of a response that was left what was handed to the network',
    wanted,
    async (rig) => {
      await rig.client.hangUp('/large', 'at first bytes')
      await rig.counted(1)
      const [, count, bytes] = rig.sizes('response')[0]?.split(' ') ?? []
      assert.equal(count, '1')
      assert.ok(Number(bytes) > 0 && Number(bytes) <= 2 ** 25)
    },
  ],
  [
    'records the size of a request that came in chunks',
    wanted,
    async (rig) => {
      const head = 'POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n'
      const answer = await rig.wire.raw(
        `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n`,
      )
      assert.match(answer, /^HTTP\/1\.1 200 /)
      await rig.counted(1)
      assert.deepEqual(rig.sizes('request'), ['/echo 1 7'])
      assert.deepEqual(rig.sizes('response'), ['/echo 1 7'])
    },
    { bytes: true },
  ],
]
