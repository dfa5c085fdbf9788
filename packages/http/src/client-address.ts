/**
 * Where a request came from. The socket knows the last hop only; what lies before it is hearsay in headers that
 * anybody can write, so they are read from the right and only as far as the hops are trusted.
 */

import { BlockList, isIP } from 'node:net'
import type { Key } from '@kit/context'
import { createKey } from '@kit/context'
import { HttpError } from './errors.ts'
import type { Exchange } from './exchange.ts'

/** The address of the client that a context's request came from. */
export const clientAddressKey: Key<string | undefined> = createKey('kit.http.clientAddress')

/** Options for the client address. */
export interface AddressOptions {
  /**
   * Which forwarding hops to believe, beginning at the socket: none (false, the default), the last `n`, or those
   * whose address lies in one of these CIDR blocks or is one of these addresses. At most 16 are.
   */
  trust?: false | number | readonly string[]
  /**
   * The header that your proxies write; they must replace or extend what a client sent in it. Default:
   * `x-forwarded-for`. A header that they pass through untouched can say anything, so only this one is read.
   */
  header?: 'x-forwarded-for' | 'forwarded'
}

/** Only so much of a header is read, from its end, and so many hops: more is no chain of proxies. */
const maxHeaderLength = 4096
const maxHops = 16
/** Of one hop in `Forwarded`; RFC 7239 has four, and room for others. */
const maxParameters = 16

/**
 * Makes the function that finds a request's client address: of `X-Forwarded-For` or `Forwarded` (RFC 7239), the
 * rightmost address that is not a trusted hop; the socket's own by default.
 *
 * @throws HttpError `KIT_HTTP_OPTION_INVALID` for a negative or fractional number of hops, a bad CIDR block, or another header.
 */
export function clientAddressOf(options: AddressOptions = {}): (exchange: Exchange) => string | undefined {
  const trust = options.trust ?? false
  const header = options.header ?? 'x-forwarded-for'
  if (header !== 'x-forwarded-for' && header !== 'forwarded') {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'address.header must be x-forwarded-for or forwarded.')
  }
  if (trust === false || trust === 0) return (exchange) => exchange.peerAddress
  const trusted = typeof trust === 'number' ? byCount(trust) : byBlock(trust)
  return (exchange) => {
    let address = exchange.peerAddress
    if (address === undefined || !trusted(address, 0)) return address
    const chain = exchange.header(header) ?? ''
    // From the right, and no further than hops are trusted: what lies before is not even looked at.
    for (let hop = 1, end = chain.length; hop <= maxHops && end >= 0; hop += 1) {
      const comma = chain.lastIndexOf(',', end - 1)
      if (chain.length - comma > maxHeaderLength) break
      const next = addressIn(chain.slice(comma + 1, end), header)
      if (next === undefined) break // an unreadable hop ends what can be believed
      address = next
      if (!trusted(address, hop)) break
      end = comma
    }
    return address
  }
}

function byCount(hops: number): (address: string, hop: number) => boolean {
  if (!Number.isInteger(hops) || hops < 0) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'address.trust as a number counts hops: 0, 1, 2, …')
  }
  return (_address, hop) => hop < hops
}

function byBlock(blocks: readonly string[]): (address: string) => boolean {
  if (!Array.isArray(blocks) || blocks.some((block) => typeof block !== 'string')) {
    throw new HttpError(
      'KIT_HTTP_OPTION_INVALID',
      'address.trust must be false, a number of hops, or a list of addresses and CIDR blocks.',
    )
  }
  const list = new BlockList()
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/')
    const family = isIP(address)
    const bits = family === 4 ? 32 : 128
    const length = prefix === undefined ? bits : Number(prefix)
    if (family === 0 || prefix === '' || !Number.isInteger(length) || length < 0 || length > bits) {
      throw new HttpError(
        'KIT_HTTP_OPTION_INVALID',
        `address.trust needs addresses or CIDR blocks such as 10.0.0.0/8; got "${block}".`,
      )
    }
    list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/** The address that one element of a header names; undefined for one that is unreadable. */
function addressIn(element: string, header: 'x-forwarded-for' | 'forwarded'): string | undefined {
  if (header === 'x-forwarded-for') return bareAddress(element.trim())
  for (let start = 0, read = 0; start <= element.length && read < maxParameters; read += 1) {
    const semicolon = element.indexOf(';', start)
    const end = semicolon === -1 ? element.length : semicolon
    const pair = element.slice(start, end).trim()
    if (pair.slice(0, 4).toLowerCase() === 'for=') return bareAddress(unquoted(pair.slice(4)))
    start = end + 1
  }
  return undefined
}

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

/** No address is longer, with brackets, zone and port. */
const maxAddressLength = 128

/** `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80` → the address; anything else is not one. */
function bareAddress(text: string): string | undefined {
  if (text.length > maxAddressLength) return undefined
  if (isIP(text) !== 0) return text
  const close = text.startsWith('[') ? text.indexOf(']') : -1
  const host = close > 0 ? text.slice(1, close) : text.slice(0, Math.max(0, text.lastIndexOf(':')))
  return isIP(host) === 0 ? undefined : host
}
