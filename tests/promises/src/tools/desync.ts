/**
 * Conversations of which two parsers may see different requests (RFC 9112, section 11.2), and others that a parser should not
 * trust. In characters of one byte.
 */

import { listed } from './listed.ts'

const host = 'Host: 127.0.0.1\r\n'
const next = `GET /items/2 HTTP/1.1\r\n${host}\r\n`
const post = `POST /echo HTTP/1.1\r\n${host}Content-Type: text/plain\r\n`

const lengths: readonly string[] = [
  ...listed('4¦0¦ 4¦4 ¦\t4¦04¦+4¦-4¦0x4¦4.0¦4e0¦4,4¦4, 4¦4, 5¦4;¦4 4¦"4"¦four¦'),
  '4294967300',
  '18446744073709551620',
  '9'.repeat(400),
  '\u00b2',
  '\u0004',
  '4\u0000',
  '4\u000b',
  '4\r',
  '4\n',
].map((value) => `Content-Length:${value}\r\n`)

const lengthNames: readonly string[] = [
  'Content-Length :',
  ' Content-Length:',
  'Content_Length:',
  'content-length:',
  'Content-Length\u0000:',
]

const codings: readonly string[] = [
  ...listed(' chunked¦chunked¦ Chunked¦ CHUNKED¦\tchunked¦ chunked ¦ chunked\t¦\u000bchunked¦ \u000cchunked'),
  ...listed(
    ` xchunked¦ chunkedx¦ chunked-false¦ chunke¦ "chunked"¦ 'chunked'¦ chunked;q=1¦ chunked;¦ ,chunked`,
  ),
  ...listed(' chunked,¦ chunked, identity¦ identity, chunked¦ identity¦ gzip¦ gzip, chunked¦ chunked, gzip¦'),
  ...listed(
    ' chunked, chunked¦ chunked\r\nTransfer-Encoding: chunked¦ chunked\r\nTransfer-Encoding: identity¦ ch\u00fcnked',
  ),
  ...listed(
    ' identity\r\nTransfer-Encoding: chunked¦\r\n chunked¦\r\n\tchunked¦ chunked\r\n ¦\n chunked¦ chunked\u0000',
  ),
].map((value) => `Transfer-Encoding:${value}\r\n`)

const codingNames: readonly string[] = [
  ...listed(
    'Transfer-Encoding :¦ Transfer-Encoding:¦\tTransfer-Encoding:¦Transfer_Encoding:¦Transfer-Encoding\u0000:',
  ),
  ...listed(
    'X: y\nTransfer-Encoding:¦X: y\rTransfer-Encoding:¦X: y\r\n Transfer-Encoding:¦tRANSFER-eNCODING:¦Transfer-Encoding\r\n:',
  ),
].map((name) => `${name} chunked\r\n`)

const chunks: readonly string[] = [
  ...listed(
    '4\r\nabcd\r\n0\r\n\r\n¦4 \r\nabcd\r\n0\r\n\r\n¦ 4\r\nabcd\r\n0\r\n\r\n¦4\nabcd\n0\n\n¦4\rabcd\r0\r\r¦04\r\nabcd\r\n00\r\n\r\n',
  ),
  ...listed(
    '+4\r\nabcd\r\n0\r\n\r\n¦-4\r\nabcd\r\n0\r\n\r\n¦0x4\r\nabcd\r\n0\r\n\r\n¦F\u00e9\r\nabcd\r\n0\r\n\r\n¦\r\nabcd\r\n0\r\n\r\n',
  ),
  ...listed(
    '4;\r\nabcd\r\n0\r\n\r\n¦4;a\r\nabcd\r\n0\r\n\r\n¦4;a="\r\nabcd\r\n0\r\n\r\n¦4;a="\nabcd\r\n0\r\n\r\n¦4;\nabcd\r\n0\r\n\r\n',
  ),
  ...listed(
    '4\r\nabcde\r\n0\r\n\r\n¦4\r\nabc\r\n0\r\n\r\n¦4\r\nabcd0\r\n\r\n¦4\r\nabcdXX0\r\n\r\n¦4\r\nabcd\n0\r\n\r\n¦4\r\nab',
  ),
  ...listed(
    '0\r\nX: y\r\n\r\n¦0\r\nContent-Length: 5\r\n\r\n¦0\r\n X: y\r\n\r\n¦0\r\nX\r\n\r\n¦0\r\n\n¦0\n\r\n¦0\r\n¦0',
  ),
  'FFFFFFFFFFFFFFFF\r\nabcd',
  '10000000000000004\r\nabcd\r\n0\r\n\r\n',
  `${'0'.repeat(300)}4\r\nabcd\r\n0\r\n\r\n`,
  `4;${'x'.repeat(20_000)}\r\nabcd\r\n0\r\n\r\n`,
  `0\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
]

const lines: readonly string[] = [
  ...listed(
    'X: a\r\n b¦X: a\r\n\tb¦X: a\n b¦X: a\u0000b¦X: a\rb¦X: a\nb¦X : a¦X\t: a¦: a¦X¦X Y: a¦\u00e9: a',
  ),
  ...listed(
    'X\u0000: a¦X\u007f: a¦(X): a¦"X": a¦X: \u00ff¦X: \u007f¦Host: evil.example¦host: 127.0.0.1¦Host : x¦',
  ),
  ...listed(
    'Connection: close, x¦Connection: Upgrade\r\nUpgrade: websocket¦Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
  ),
  ...listed(
    'Connection: \u0000¦Connection: keep-alive, close¦Expect: 100-continue¦Expect: the impossible¦Expect: ¦Upgrade: x',
  ),
  'Content-Length: 0\r\nContent-Length: 4',
  'Transfer-Encoding: chunked',
  'X: '.concat('a'.repeat(15_000)),
  'X: a\r\n'.repeat(1900),
  ...listed(
    'X-Request-Id: a b¦Traceparent: \u00ff¦Grpc-Timeout: -1S¦Baggage: =¦Forwarded: for=";¦__proto__: x¦constructor: x',
  ),
]

const starts: readonly string[] = [
  ...listed(
    'GET /items/1¦GET /items/1 ¦GET¦¦ ¦/items/1¦GET /items/1 HTTP/1.1 ¦GET /items/1 HTTP/1.1\u0000¦GET /items/1 HTTP/1.1x',
  ),
  ...listed('0.9¦1.0¦1.2¦2.0¦9.9¦1.1.1¦11¦1¦¦x¦+1.1¦1.\u00b9').map(
    (version) => `GET /items/1 HTTP/${version}`,
  ),
  ...listed(
    'GET  /items/1 HTTP/1.1¦GET /items/1  HTTP/1.1¦GET\t/items/1\tHTTP/1.1¦ GET /items/1 HTTP/1.1¦GET /items/1\u000bHTTP/1.1',
  ),
  ...listed(
    'GET /items/1 http/1.1¦GET /items/1 HTTPS/1.1¦GET /items/1 ICE/1.0¦GET /items/1 RTSP/1.0¦SOURCE / ICE/1.0¦PRI * HTTP/2.0',
  ),
  ...listed(
    'GET /items/1 x HTTP/1.1¦GET http://x y/ HTTP/1.1¦\r\nGET /items/1 HTTP/1.1¦\nGET /items/1 HTTP/1.1¦\u0000GET /items/1 HTTP/1.1',
  ),
  ...listed(
    'CONNECT x:443 HTTP/1.1¦CONNECT /items/1 HTTP/1.1¦HTTP/1.1 200 OK¦\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  ),
]

/** Conversations of one or two requests; of each there is one that goes on with a request that everybody understands. */
export function desyncConversations(): string[] {
  const zero = '0\r\n\r\n'
  const bodies = [
    ...lengths.flatMap((length) => [
      `${post}${length}\r\nabcd`,
      `${post}Content-Length: 4\r\n${length}\r\nabcd`,
    ]),
    ...lengthNames.flatMap((name) => [
      `${post}${name} 4\r\n\r\nabcd`,
      `${post}${name} 4\r\nContent-Length: 0\r\n\r\n${next.slice(0, 4)}`,
    ]),
    ...[...codings, ...codingNames].flatMap((coding) => [
      `${post}${coding}\r\n${zero}`,
      `${post}Content-Length: 6\r\n${coding}\r\n${zero}G`,
      `${post}${coding}Content-Length: 4\r\n\r\n1c\r\n${next.slice(0, 28)}\r\n${zero}`,
    ]),
    ...chunks.map((body) => `${post}Transfer-Encoding: chunked\r\n\r\n${body}`),
  ]
  const heads = [
    ...lines.flatMap((line) => [
      `GET /items/1 HTTP/1.1\r\n${host}${line}\r\n\r\n`,
      `${post}${line}\r\nContent-Length: 4\r\n\r\nabcd`,
    ]),
    ...starts.flatMap((start) => [`${start}\r\n${host}\r\n`, `${start}\n${host}\n`]),
  ]
  const bare = [...lines.slice(0, 8), 'X: a'].map((line) => `GET /items/1 HTTP/1.1\nHost: x\n${line}\n\n`)
  const others = [
    '\r\n'.repeat(10_000),
    '\u0000'.repeat(1000),
    next.repeat(100),
    `${next.trimEnd()}\r\n`,
    next.slice(0, -2),
  ]
  return [...[...bodies, ...heads, ...bare].flatMap((text) => [text, `${text}${next}`]), ...others]
}

/** The text with a few bytes of it changed, cut out, repeated or put in, as the numbers have it. */
export function mutated(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length)
  const cut = Math.floor(random() * 5)
  const put = insertions[Math.floor(random() * insertions.length)]!
  return text.slice(0, at) + put + text.slice(at + cut)
}

const insertions: readonly string[] = [
  '',
  '\r\n',
  '\n',
  '\r',
  '\u0000',
  ' ',
  ':',
  '/',
  '%',
  ',',
  'chunked',
  '0\r\n\r\n',
  '\r\n ',
  '\u00ff',
  next,
]
