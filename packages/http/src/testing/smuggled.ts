/**
 * Conversations that front and back of a service may understand differently (RFC 9112, section 11.2), and others that a
 * parser should not trust: what an attacker tries first.
 */

const host = 'Host: x\r\n'
const post = `POST /echo HTTP/1.1\r\n${host}Content-Type: text/plain\r\n`
const hidden = `GET /items/2 HTTP/1.1\r\n${host}\r\n`

/** The length of a body, said in ways that two parsers may read as two lengths. */
const lengths: readonly string[] = [
  'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
  `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1c\r\n${hidden.slice(0, 28)}\r\n0\r\n\r\n`,
  'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  ' Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  'X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
  `Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'Content-Length: 3, 3\r\n\r\nabc',
  ...['+3', '-1', '0x3', '3.0', '3 3', '٣', '', '99999999999999999999999'].map(
    (length) => `Content-Length: ${length}\r\n\r\nabc`,
  ),
  `Content-Length: 0\r\n\r\n${hidden}`,
  `\r\n${hidden}`,
]

/** Bodies in chunks that are none. */
const chunks: readonly string[] = [
  'FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n',
  '-1\r\nabc\r\n0\r\n\r\n',
  '0x3\r\nabc\r\n0\r\n\r\n',
  '3\nabc\n0\n\n',
  '3\r\nabcd\r\n0\r\n\r\n',
  '3\r\nabc0\r\n\r\n',
  `3;${'x'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`,
  '3;a="\r\nabc\r\n0\r\n\r\n',
  '3\r\nabc\r\n0\r\nContent-Length: 5\r\nHost: evil\r\n\r\n',
  `3\r\nabc\r\n0\r\n${'X-T: 1\r\n'.repeat(3000)}\r\n`,
  '3\r\nab',
]

/** Heads that are none, or more than one. */
const heads: readonly string[] = [
  'GET /items/1\r\n\r\n',
  'GET /items/1 HTTP/0.9\r\n\r\n',
  'GET /items/1 HTTP/1.0\r\n\r\n',
  'GET /items/1 HTTP/1.1\r\n\r\n',
  ...['1.2', '2.0', '9.9', '1.1.1', ''].map((version) => `GET /items/1 HTTP/${version}\r\n${host}\r\n`),
  `GET /items/1 HTTP/1.1\r\n${host}${host}\r\n`,
  'GET /items/1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n',
  'GET /items/1 HTTP/1.1\r\nHost:\r\n\r\n',
  'GET /items/1 HTTP/1.1\r\nHost: a b/c@d:99999\r\n\r\n',
  `GET  /items/1 HTTP/1.1\r\n${host}\r\n`,
  `GET /items/1  HTTP/1.1\r\n${host}\r\n`,
  `GET\t/items/1\tHTTP/1.1\r\n${host}\r\n`,
  ` GET /items/1 HTTP/1.1\r\n${host}\r\n`,
  `get /items/1 HTTP/1.1\r\n${host}\r\n`,
  `BREWCOFFEE /items/1 HTTP/1.1\r\n${host}\r\n`,
  `GET /items/\u0000 HTTP/1.1\r\n${host}\r\n`,
  `GET /items/\u007f\u0080\u00ff HTTP/1.1\r\n${host}\r\n`,
  'GET /items/1 HTTP/1.1\nHost: x\n\n',
  'GET /items/1 HTTP/1.1\rHost: x\r\r',
  ...[
    'X: a\r\n b',
    'X: a\r\n\tb',
    'X: a\u0000b',
    'X: a\rb',
    'X : a',
    ': a',
    'X',
    'X Y: a',
    'X\u0000: a',
    '\u00e9: a',
  ].map((line) => `GET /items/1 HTTP/1.1\r\n${host}${line}\r\n\r\n`),
  'CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n',
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
  `GET http://evil.example/items/1 HTTP/1.1\r\n${host}\r\n`,
  `${post}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
  `${post}Expect: the impossible\r\nContent-Length: 3\r\n\r\nabc`,
  `GET /items/1 HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  '\u0000'.repeat(1000),
]

/** More than anybody needs. */
const bombs: readonly string[] = [
  `GET /items/1 HTTP/1.1\r\n${host}X: ${'a'.repeat(15_000)}\r\n\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}X: ${'a'.repeat(100_000)}\r\n\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}${'X: a\r\n'.repeat(2500)}\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}${'X: a\r\n'.repeat(30_000)}\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}${Array.from({ length: 1500 }, (_, i) => `X${i}: a\r\n`).join('')}\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}Cookie: ${'a=b; '.repeat(3000)}\r\n\r\n`,
  `GET /items/1 HTTP/1.1\r\n${host}${'X-Request-Id: a\r\nTraceparent: b\r\nGrpc-Timeout: c\r\n'.repeat(150)}\r\n`,
  `GET /${'a/'.repeat(7000)} HTTP/1.1\r\n${host}\r\n`,
  `GET /items/${'%'.repeat(7000)} HTTP/1.1\r\n${host}\r\n`,
  `GET /items/1?${'a&'.repeat(7000)} HTTP/1.1\r\n${host}\r\n`,
  '\r\n'.repeat(50_000),
  hidden.repeat(200),
]

/** One conversation each, in characters of one byte. */
export const smuggled: readonly string[] = [
  ...lengths.flatMap((said) => [`${post}${said}`, `${post}${said}${hidden}`]),
  ...chunks.map((body) => `${post}Transfer-Encoding: chunked\r\n\r\n${body}${hidden}`),
  ...heads.flatMap((head) => [head, `${hidden}${head}`]),
  ...bombs,
].map((text) => Buffer.from(text).toString('latin1'))
