/** Requests as strangers write them: targets that no URL parser takes, hosts and methods that are none. In characters of one byte. */

import { listed } from './listed.ts'

const longest = 8 * 1024

/** Request targets, without spaces and line ends. */
export const hostileTargets: readonly string[] = [
  // Node's parser takes these, `new URL` and `decodeURIComponent` do not.
  ...listed('//¦///¦//[¦/\\¦http://¦http://[¦http://%00/¦http://a:99999/¦/%¦/%ff'),
  ...listed('*¦**¦/*¦¦?¦#¦.¦..¦\\¦:¦@¦%¦items/1¦example.test:443¦:80¦a@b:80'),
  // Absolute forms, and what looks like one.
  ...listed(
    'http://evil.example/items/1¦HTTP://EVIL.EXAMPLE/items/1¦https://evil.example/items/1¦http:/items/1',
  ),
  ...listed(
    'http:items/1¦http:///items/1¦http://x?/items/1¦http://x#/items/1¦http://a:b@x/items/1¦http://@/',
  ),
  ...listed(
    'http://[::1]/items/1¦http://[::1%25lo]/items/1¦http://[::/¦http://0x7f.1/items/1¦http://x:0/items/1',
  ),
  ...listed(
    'http://x:-1/¦http://x:65536/¦http://x:/items/1¦http://xn--/¦http://a%zz/¦http://a\u0080b/¦http://a<b/',
  ),
  ...listed(
    'ftp://x/items/1¦file:///etc/passwd¦javascript:alert(1)¦data:text/html,<p>¦ws://x/items/1¦urn:x¦x:',
  ),
  // Slashes, dots and dividers.
  ...listed(
    '//items/1¦//evil.example/items/1¦///items/1¦/items//1¦/items///¦/\\evil.example/items/1¦/items\\1',
  ),
  ...listed(
    '/./items/1¦/../items/1¦/items/../items/1¦/items/1/..¦/items/.¦/items/..¦/..;/items/1¦/items/1;a=b',
  ),
  ...listed('/items/%2e%2e/x¦/items/..%2f..%2fx¦/%2e/items/1¦/items%2f1¦/items%5c1¦/items/%2f¦/items/%5c..'),
  ...listed(
    '/items/1?¦/items/1??¦/items/1?#¦/items/1#¦/items/1#?x¦/items/1?a=%¦/items/1?a=%ff¦/items/1?a=%00',
  ),
  ...listed(
    '/items/1?__proto__[x]=1¦/items/1?constructor.prototype=1¦/items/1?a[b][c]=d¦/items/1?a=b&a=c¦/?/items/1',
  ),
  // What encodes nothing, or what must not be.
  ...listed('/items/%¦/items/%0¦/items/%zz¦/items/%00¦/items/%ff¦/items/%c0%af¦/items/%ed%a0%80¦/items/%25'),
  ...listed(
    '/items/%f4%90%80%80¦/items/%252e¦/items/%u0041¦/items/%0d%0aX:%20y¦/%69tems/1¦/items/1%¦/%items/1',
  ),
  // Names that mean something elsewhere.
  ...listed(
    '/items/__proto__¦/__proto__¦/constructor¦/items/toString¦/hasOwnProperty¦/items/:id¦/:id¦/items/*',
  ),
  ...listed(
    `/items/(.*)¦/items/[a¦/items/{id}¦/items/+¦/items/<p>¦/items/"'¦/items/\`|^¦/items/\${x}¦/{{7}}`,
  ),
  // Bytes that are no characters of a URL.
  ...listed('\u0000¦\u0001¦\t¦\u000b¦\u001b[2J¦\u007f¦\u0080¦\u00ff¦\u00c3\u00a9¦\u00e6\u00bc\u00a2').map(
    (bytes) => `/items/${bytes}`,
  ),
  // Longer than anybody needs.
  ...listed('a¦/¦%¦%ff¦%41¦..¦../¦/../¦;a=b¦\\¦{¦(¦*').map((piece) => `/items/${fill(piece)}`),
  ...listed('?¦&¦a=b&¦a[¦%¦?a=%ff').map((piece) => `/items/1?${fill(piece)}`),
  ...listed('/¦/.¦//a¦a¦%').map(fill),
  `http://${fill('a.')}/items/1`,
  `http://${fill('%41')}/items/1`,
]

/** Values of `Host`. */
export const hostileHosts: readonly string[] = [
  ...listed('¦ ¦x¦x:¦x:0¦x:99999¦x:-1¦x:y¦:80¦:¦.¦..¦x.¦-¦*¦null¦undefined'),
  ...listed(
    'evil.example¦evil.example:80¦127.0.0.1.evil.example¦localhost.evil.example¦evil.example#127.0.0.1',
  ),
  ...listed(
    'evil.example/127.0.0.1¦evil.example?localhost¦127.0.0.1@evil.example¦localhost:80@evil.example:80',
  ),
  ...listed('[::1]evil.example¦[::1]@evil.example¦[::1¦::1]¦[¦[]¦[localhost]evil.example¦[::1]:x¦[[::1]]'),
  ...listed(
    '127.0.0.1, evil.example¦evil.example, 127.0.0.1¦127.0.0.1 evil.example¦127.0.0.1\\evil.example¦local\u00adhost',
  ),
  ...listed('x/items/1?¦x/echo#¦x?¦x#¦x\\¦x/¦/¦//¦http://x¦a b¦a\tb¦a%00b¦a%¦<x>¦"x"¦{x}'),
  '\u0080',
  '\u00ff',
  '\u00c3\u00a9.example',
  '\u007f',
  '__proto__',
  'constructor',
  'x'.repeat(300),
  'a.'.repeat(4000),
]

/** Methods, some of which Node's parser does not know. */
export const hostileMethods: readonly string[] = [
  ...listed('GET¦HEAD¦POST¦PUT¦DELETE¦OPTIONS¦TRACE¦CONNECT¦PATCH¦PROPFIND¦M-SEARCH¦PURGE¦QUERY'),
  ...listed('get¦Get¦BREWCOFFEE¦PRI¦__proto__¦G\u0000T¦GE T¦GET,POST¦ '),
  'X'.repeat(5000),
]

/** One request for each target and for each host, in full; the method changes from one to the next. */
export function strangeRequests(methods: readonly string[] = hostileMethods): string[] {
  const ask = (method: string, target: string, host: string): string =>
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
  return [
    ...hostileTargets.flatMap((target, i) => [
      ask('GET', target, '127.0.0.1'),
      ask(methods[i % methods.length]!, target, '127.0.0.1'),
    ]),
    ...hostileHosts.flatMap((host) => [
      ask('GET', '/items/1', host),
      ask('OPTIONS', '*', host),
      ask('GET', '//', host),
    ]),
    ...hostileMethods.map((method) => ask(method, '/items/1', '127.0.0.1')),
  ]
}

function fill(piece: string): string {
  return piece.repeat(Math.floor(longest / piece.length))
}
