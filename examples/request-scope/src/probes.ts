/** The requests that the program makes to itself, and what each must have been seen as. */

import { formatTraceparent } from '@kit/http'
import type { OrderList } from './orders/service.ts'
import type { Sighting } from './scope/sighting.ts'

/** Who asks: the claims that the request makes, in headers. */
export interface Claims {
  readonly customer: string
  readonly requestId: string
  readonly address: string
  readonly traceId: string
  readonly secret: string
  readonly locale: string
}

export const ann: Claims = {
  customer: 'ann',
  requestId: 'ann-1',
  address: '203.0.113.7',
  traceId: 'a'.repeat(32),
  secret: 'secret-of-ann',
  locale: 'de',
}

export const bob: Claims = {
  customer: 'bob',
  requestId: 'bob-1',
  address: '198.51.100.9',
  traceId: 'b'.repeat(32),
  secret: 'secret-of-bob',
  locale: 'fr',
}

/** Asks for the orders, with claims or without any. */
export async function ask(url: string, claims?: Claims): Promise<OrderList> {
  const response = await fetch(url, claims === undefined ? {} : { headers: headersOf(claims) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as OrderList
}

/** The scope of a request whose claims are believed. */
export function believed({ requestId, address, traceId, locale }: Claims): Sighting {
  return { requestId, address, traceId, token: '[redacted]', locale }
}

function headersOf({ requestId, address, traceId, secret, locale }: Claims): Record<string, string> {
  return {
    'x-request-id': requestId,
    'x-forwarded-for': address,
    traceparent: formatTraceparent({ traceId, spanId: '1'.repeat(16), flags: '01' }),
    authorization: `Bearer ${secret}`,
    'accept-language': `${locale};q=0.9`,
  }
}
