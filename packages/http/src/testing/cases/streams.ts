/** Responses that are meant to last: counted apart, once, while they last and when they are over. */

import assert from 'node:assert/strict'
import type { Case } from '../rig.ts'
import { eventually } from '../rig.ts'

export const streamCases: readonly Case[] = [
  [
    'counts a stream of events apart from requests, by its route: while it is open, and once when its client has left',
    {},
    async (rig) => {
      const open = { kind: 'events', 'http.route': '/events' }
      const both = eventually(
        () => rig.open(open) === 2,
        () => `two open streams; there are ${rig.open(open)} of ${rig.open()}`,
      )
      await Promise.all([rig.client.hangUp('/events', both), rig.client.hangUp('/events', both)])
      assert.deepEqual(await rig.streams(2), ['2 events GET /events 200 client_abort'])
      assert.deepEqual(await rig.counted(0), [])
      assert.deepEqual(
        rig.requestLines().map((line) => [line['stream'], line['outcome'], line['route'], line['level']]),
        [
          ['events', 'canceled', '/events', 'info'],
          ['events', 'canceled', '/events', 'info'],
        ],
      )
    },
  ],
  [
    'counts a stream of events once when the service has ended it, and requests beside it as requests',
    { timeoutMs: 200 },
    async (rig) => {
      const [events, item] = await Promise.all([rig.client.send('/events'), rig.client.send('/items/1')])
      assert.deepEqual([events.status, events.body, item.status], [200, 'data: first\n\n', 200])
      assert.deepEqual(await rig.streams(1), ['1 events GET /events 200 -'])
      const counted = await rig.counted(1)
      assert.deepEqual(
        counted.map(({ route, count }) => [route, count]),
        [['/items/:id', 1]],
      )
      assert.equal(rig.requestLines().length, 2)
    },
  ],
]
