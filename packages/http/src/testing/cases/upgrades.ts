/** Connections that go over to another protocol, through the framework's router. */

import assert from 'node:assert/strict'
import type { Case } from '../rig.ts'

export const upgradeCases: readonly Case[] = [
  [
    'counts an upgraded connection apart from requests, by its route: while it is open, and once when it has closed',
    { timeoutMs: 20_000 },
    async (rig) => {
      await rig.handOverUpgrades()
      const open = { kind: 'upgrade', 'http.route': '/ws/:room' }
      const connections = await Promise.all(['/ws/1', '/ws/2'].map((path) => rig.wire.upgrade(path)))
      for (const { head } of connections) assert.match(head, /^HTTP\/1\.1 101 /)
      assert.equal(rig.open(open), 2)
      for (const connection of connections) connection.close()
      assert.deepEqual(await rig.streams(2), ['2 upgrade GET /ws/:room 101 -'])
      const counted = await rig.counted(1)
      assert.deepEqual(
        counted.map(({ route, count }) => [route, count]),
        [['/items/:id', 1]],
      )
      assert.deepEqual(
        rig
          .requestLines()
          .filter((line) => line['stream'] !== undefined)
          .map((line) => [line['stream'], line['status'], line['outcome'], line['route']]),
        [
          ['upgrade', 101, 'ok', '/ws/:room'],
          ['upgrade', 101, 'ok', '/ws/:room'],
        ],
      )
    },
    { bytes: true },
  ],
  [
    'counts an upgrade that is refused as a request, with the status of the refusal',
    {},
    async (rig) => {
      await rig.handOverUpgrades()
      const { head, close } = await rig.wire.upgrade('/nowhere')
      assert.match(head, /^HTTP\/1\.1 404 /)
      close()
      assert.deepEqual(
        (await rig.counted(2)).map(({ route, status, count }) => [route, status, count]),
        [
          ['/items/:id', '200', 1],
          ['', '404', 1],
        ],
      )
      assert.deepEqual(await rig.streams(0), [])
    },
    { bytes: true },
  ],
]
