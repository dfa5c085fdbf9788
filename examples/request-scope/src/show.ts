/** What the program prints: the requests in a table, the two that meet in one each, and one for the collision. */

import type { Reading } from './collision/collision.ts'
import type { Place } from './orders/repository.ts'
import type { OrderList } from './orders/service.ts'
import type { Sighting } from './scope/sighting.ts'
import { table } from './table.ts'

const columns = ['request id', 'address', 'trace id', 'auth token', 'locale']

const labels: Readonly<Record<Place, string>> = {
  ctx: 'ctx',
  called: 'current()',
  awaited: 'current() after an await',
  timer: 'current() in a timer',
  'bound listener': 'current() in a bound listener',
  'plain listener': 'current() in a plain listener',
}
const places = Object.keys(labels) as Place[]

/** A line a request: what three layers down was seen of it, and in how many places `current()` said the same. */
export function requestsView(requests: readonly (readonly [title: string, list: OrderList])[]): string {
  const rows = requests.map(([title, { customer, seen }]) => {
    const others = places.filter((place) => place !== 'ctx')
    const same = others.filter((place) => cells(seen[place]).join() === cells(seen.ctx).join())
    return [title, ...cells(seen.ctx), `in ${same.length} of ${others.length} places`, customer]
  })
  return indented(table(['a request', ...columns, 'current() agrees', 'answered'], rows))
}

/** A line a place: what three layers down was seen of one request. */
export function placesView({ seen }: OrderList): string {
  const rows = places.map((place) => [labels[place], ...cells(seen[place])])
  return indented(table(['seen through', ...columns], rows))
}

/** A line for each kind of key: who read what. */
export function collisionView(readings: readonly Reading[]): string {
  const rows = readings.map(({ keys, invoice, parcel, used }) => [
    keys,
    literal(invoice),
    literal(parcel),
    used,
  ])
  return indented(table(['key of both', 'invoices reads', 'parcels reads', 'invoice.toLowerCase()'], rows))
}

function cells({ requestId, address, traceId, token, locale }: Sighting): string[] {
  return [short(requestId), address, short(traceId), token, locale]
}

/** Ids that were made are long, and their beginning tells them apart. */
function short(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function indented(text: string): string {
  return `${text.replaceAll(/^/gm, '  ')}\n`
}
