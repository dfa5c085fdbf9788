/** What a request is counted as: method, route, status, error. */

import assert from 'node:assert/strict'
import type { Case } from '../rig.ts'
import { eventually } from '../rig.ts'

const one = { count: 1, error: '' }

export const countingCases: readonly Case[] = [
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
    'leaves out the mount of a router in which nothing matched',
    {},
    async (rig) => {
      assert.equal((await rig.client.send('/orgs/acme/nothing')).status, 404)
      assert.deepEqual(await rig.counted(1), [{ ...one, method: 'GET', route: '', status: '404' }])
    },
  ],
  [
    'labels what a guard of the route answered with the template of the route',
    {},
    async (rig) => {
      assert.equal((await rig.client.send('/guarded/7')).status, 401)
      assert.deepEqual(await rig.counted(1), [
        { ...one, method: 'GET', route: '/guarded/:id', status: '401' },
      ])
    },
  ],
  [
    'puts no value into the template of a route that handed the request on, to nobody',
    {},
    async (rig) => {
      for (const id of ['1', '2', 'guarded']) {
        assert.equal((await rig.client.send(`/fall/${id}`)).status, 404)
      }
      const [counted, ...more] = await rig.counted(3)
      assert.deepEqual(more, [])
      assert.ok(counted?.route === '/fall/:id' || counted?.route === '')
    },
  ],
  [
    'counts as legacy dashboards have it, where that is wanted: their names and labels, and 499 for who left',
    { names: 'legacy' },
    async (rig) => {
      await rig.client.send('/items/42')
      await rig.client.hangUp(
        '/wait',
        eventually(
          () => rig.active() === 1,
          () => 'the request',
        ),
      )
      await eventually(
        () => rig.active() === 0 && rig.series('http.request.duration').length === 2,
        () => 'two series',
      )
      assert.deepEqual(
        rig.series('http.request.duration').map(({ labels }) => labels),
        [
          { method: 'GET', path: '/items/:id', status_code: '200' },
          { method: 'GET', path: '/wait', status_code: '499' },
        ],
      )
      assert.deepEqual(await rig.counted(0), [])
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
]
