// Objects that people log whole and that are better named than dumped: binary data, and the messages and
// sockets of node:http, whose insides repeat the credentials of a request in places that no key betrays.

import { types } from 'node:util'
import { property } from '../property.ts'

/** A plain, short stand-in for such an object, `undefined` for any other. May throw on hostile objects. */
export function summarise(value: object): unknown {
  if (types.isBoxedPrimitive(value)) return unbox(value)
  if (types.isRegExp(value)) return RegExp.prototype.toString.call(value)
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return `[${className(value)} ${value.byteLength} bytes]`
  }
  if (types.isPromise(value)) return '[Promise]'
  switch (className(value)) {
    case 'IncomingMessage':
    case 'Http2ServerRequest':
      return {
        method: property(value, 'method') ?? undefined,
        path: withoutQuery(property(value, 'url')),
        statusCode: property(value, 'statusCode') ?? undefined,
        headers: property(value, 'headers'),
      }
    case 'ServerResponse':
    case 'Http2ServerResponse':
      return { statusCode: property(value, 'statusCode') }
    case 'ClientRequest':
      return {
        method: property(value, 'method'),
        host: property(value, 'host'),
        path: withoutQuery(property(value, 'path')),
      }
    case 'Socket':
    case 'TLSSocket':
    case 'Agent':
      return `[${className(value)}]`
    default:
      return undefined
  }
}

function className(value: object): string {
  const { constructor } = value as { constructor?: unknown }
  return typeof constructor === 'function' ? constructor.name : 'object'
}

function withoutQuery(url: unknown): unknown {
  if (typeof url !== 'string' || url === '') return undefined
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

function unbox(value: object): unknown {
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value)
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value)
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value)
  if (types.isBigIntObject(value)) return BigInt.prototype.valueOf.call(value)
  return Symbol.prototype.valueOf.call(value)
}
