/**
 * A day of shopping, decided before it begins: what is sent and when does not depend on how fast the answers come
 * (an open loop), and the same seed makes the same day. With each request stands what the metrics are to call it.
 */

import { itemCount, skuOf, words } from '../inventory/seed.ts'
import type { Random } from './random.ts'
import { seededRandom, skewed, weighted } from './random.ts'

/** One request of the day. */
export interface PlannedRequest {
  /** From the start of the day. */
  readonly atMs: number
  readonly method: string
  readonly path: string
  readonly body?: string
  /** When the client gives up: so long after sending, or when the first bytes of the body have come. */
  readonly hangUp?: { readonly afterMs: number } | 'at first bytes'
  /** What it is to be counted as: the route's template, `''` where no route matches. */
  readonly route: string
  readonly methodLabel: string
}

/** A day. */
export interface DayOptions {
  readonly seed: number
  readonly durationMs: number
  /** Requests a second at noon. */
  readonly rate: number
}

type Request = Omit<PlannedRequest, 'atMs'>

/** All requests of a day, by time. */
export function planDay({ seed, durationMs, rate }: DayOptions): PlannedRequest[] {
  const random = seededRandom(seed)
  const plan: PlannedRequest[] = []
  const peak = rate * 3
  // Poisson arrivals at the peak's rate, thinned to the rate of the hour.
  for (let atMs = 0; ;) {
    atMs += (-Math.log(1 - random()) / peak) * 1000
    if (atMs >= durationMs) return plan
    if (random() * peak < rate * intensity(atMs / durationMs)) plan.push({ atMs, ...shopper(random) })
  }
}

/** Day after day without end, each with a seed of its own. */
export function* planDays(day: DayOptions): Generator<PlannedRequest> {
  for (let n = 0; ; n += 1) {
    for (const planned of planDay({ ...day, seed: day.seed + n })) {
      yield { ...planned, atMs: planned.atMs + n * day.durationMs }
    }
  }
}

/** Traffic over the day, 1 at noon: a quiet night, a morning that fills, a burst after the newsletter at 13:00. */
export function intensity(dayTime: number): number {
  if (dayTime > 0.55 && dayTime < 0.6) return 3
  return 0.25 + 0.75 * Math.sin(Math.PI * dayTime) ** 2
}

function shopper(random: Random): Request {
  return weighted<(random: Random) => Request>(random, [
    [56, popularItem],
    [8, anyItem],
    [1, missingItem],
    [12, search],
    [3, rareSearch],
    [10, order],
    [2, watch],
    [1, download],
    [7, badInput],
  ])(random)
}

function get(path: string, route: string): Request {
  return { method: 'GET', path, route, methodLabel: 'GET' }
}

function popularItem(random: Random): Request {
  return get(`/items/${skuOf(1 + skewed(random, itemCount))}`, '/items/:sku')
}

function anyItem(random: Random): Request {
  return get(`/items/${skuOf(1 + Math.floor(random() * itemCount))}`, '/items/:sku')
}

function missingItem(random: Random): Request {
  return get(`/items/${skuOf(itemCount + 1 + Math.floor(random() * 1000))}`, '/items/:sku')
}

function search(random: Random): Request {
  return get(`/search?q=${words[skewed(random, words.length - 4)]}`, '/search')
}

/** Words that hardly any description has: found at the end of the catalogue, if at all. */
function rareSearch(random: Random): Request {
  const word = random() < 0.5 ? words.at(-1) : `${words[Math.floor(random() * words.length)]}ish`
  return get(`/search?q=${word}`, '/search')
}

function order(random: Random): Request {
  const body = JSON.stringify({ sku: skuOf(1 + skewed(random, itemCount)), quantity: 1 + skewed(random, 30) })
  return { method: 'POST', path: '/orders', body, route: '/orders', methodLabel: 'POST' }
}

function watch(random: Random): Request {
  const sku = skuOf(1 + skewed(random, itemCount))
  return { ...get(`/watch/${sku}`, '/watch/:sku'), hangUp: { afterMs: 100 + random() * 1500 } }
}

function download(): Request {
  return { ...get('/export', '/export'), hangUp: 'at first bytes' }
}

function badInput(random: Random): Request {
  const post = (body: string): Request => ({
    method: 'POST',
    path: '/orders',
    body,
    route: '/orders',
    methodLabel: 'POST',
  })
  const stranger = Math.floor(random() * 1e9).toString(36)
  return weighted<() => Request>(random, [
    [2, () => get(`/items/${stranger}`, '/items/:sku')],
    [1, () => get(`/search?q=${stranger}%27--`, '/search')],
    [1, () => get('/search', '/search')],
    [1, () => post('{"sku":')],
    [1, () => post(`{"sku":"SKU-00001","quantity":-${stranger.length}}`)],
    [1, () => post(JSON.stringify({ sku: stranger.repeat(4000) }))],
    [2, () => get(`/${stranger}/wp-login.php`, '')],
    [1, () => get(`/items/%ff${stranger}`, '')],
    [1, () => get(`//${stranger}`, '')],
    [1, () => ({ method: 'PROPFIND', path: `/${stranger}`, route: '', methodLabel: '_OTHER' })],
  ])()
}
