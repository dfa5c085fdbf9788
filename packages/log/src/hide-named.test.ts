import { setFlagsFromString } from 'node:v8'
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { FORMS, hideSecrets, SCHEME, TOKEN, USER_INFO } from './hide-text.ts'
import { KeyPatterns } from './key-patterns.ts'
import { commonSecrets, defaultRedactedKeys } from './secrets.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const names = new KeyPatterns(defaultRedactedKeys)
const hide = (text: string): string => hideSecrets(text, '…', names)

test.each([
  // Lines of headers, and where they end
  ['cookie: a=b; session=S; theme=dark', 'cookie: …'],
  ['200 OK\nSet-Cookie: sid=S; Path=/; HttpOnly\nServer: x', '200 OK\nSet-Cookie: …\nServer: x'],
  [String.raw`"Cookie: a=S\r\nHost: h"`, String.raw`"Cookie: …\r\nHost: h"`],
  [`curl -H 'Cookie: a="S S"; b=S' http://h`, `curl -H 'Cookie: …' http://h`],
  ['sent Authorization: Digest username="u", response="S"', 'sent Authorization: …'],
  ['authorization: token S', 'authorization: …'],
  ['X-Api-Key:S1\nHost: h', 'X-Api-Key:…\nHost: h'],
  // What was inspected
  [String.raw`{ password: 'it\'s S', user: 'u' }`, `{ password: '…', user: 'u' }`],
  [`{ 'set-cookie': [ 'a=1]; Path=/', "b=S" ], age: 1 }`, `{ 'set-cookie': '…', age: 1 }`],
  ['{ pin: 1234, a: 1 }', '{ pin: …, a: 1 }'],
  // JSON, and JSON within
  ['{"credentials":{"user":"u","k":"]}S"},"a":1}', '{"credentials":"…","a":1}'],
  ['{"password" : "S", "token":"S\\\\", "a":1}', '{"password" : "…", "token":"…", "a":1}'],
  [String.raw`{"a":"{\"token\":\"x\\\"S\\\"\",\"b\":1}"}`, String.raw`{"a":"{\"token\":\"…\",\"b\":1}"}`],
  ['{"password":"S', '{"password":"…'],
  // URLs, forms and settings
  ['/a?access_token=S&b=2#c', '/a?access_token=…&b=2#c'],
  ['/in?%ff%74oken=S&%zz%70assword=S', '/in?%ff%74oken=…&%zz%70assword=…'],
  ['/in?next=%2Fcb%3Ftoken%3DS%26a%3D1&b=2', '/in?next=%2Fcb%3Ftoken%3D…%26a%3D1&b=2'],
  ['Config{password=S, user=u}', 'Config{password=…, user=u}'],
  ['password = S\nuser = u', 'password = …\nuser = u'],
  [`password='S S' host=h`, `password='…' host=h`],
  ['authorization=Bearer abcDEF123;x=1', 'authorization=… …;x=1'],
  ['{:token=>"S", "pin"=>5, :a=>1}', '{:token=>"…", "pin"=>"…", :a=>1}'],
  // Schemes of credentials: what is short is a word, and may be the next scheme
  ['sent Bearer abcDEF123', 'sent Bearer …'],
  ['sent Bearer abcDE12', 'sent Bearer abcDE12'],
  ['Basic training, bearer bonds', 'Basic training, bearer bonds'],
  ['sent Bearer Bearer abcDEF123', 'sent Bearer Bearer …'],
  ['sent Basic (Bearer abcDEF123), Basic .Bearer abcDEF123', 'sent Basic (Bearer …), Basic .Bearer …'],
])('%j becomes %j', (text, hidden) => {
  expect(hide(text)).toBe(hidden)
  expect(hide(hidden)).toBe(hidden)
})

test('patterns for texts are such that V8 takes them for its engine that is linear by construction', () => {
  const linear = 'l'
  setFlagsFromString('--enable-experimental-regexp-engine')
  expect(
    [USER_INFO, SCHEME, TOKEN, FORMS].map(({ source }) => new RegExp(source, linear).source),
  ).toHaveLength(4)
  expect(() => new RegExp('(a)\\1', linear)).toThrow('linear')
})

/** Repeated pieces of which each could make a search begin anew. */
const hostile: readonly (readonly [string, string])[] = [
  '=',
  ':',
  '%3',
  '%3D',
  '"',
  '\\',
  '\\"',
  ' ',
  'a',
  '[',
  '{',
  "'",
  ' :',
  ' =',
  '://',
  '-----BEGIN ',
  'token',
  'token:',
  'token=',
  'token: ',
  'token:"',
  'token="x',
  '"token":',
  '\\"token\\":',
  '\\"token\\":\\"',
  'token:[',
  'token:{"',
  'token: "',
  'cookie:',
  'cookie: x',
  'cookie: \\',
  'bearer ',
  'basic a',
  '-----BEGIN PRIVATE KEY-----',
  'a=b&',
  'token:null ',
  'token: x.',
  'x:y',
  'http://a:b',
  '%74oken%3D',
  'token%3D%2',
].flatMap(
  (repeated) =>
    [
      [repeated, ''],
      [repeated, '"token":"'],
      [repeated, 'cookie: '],
    ] as const,
)

/** How often names are looked at for a text of so many pieces: what a search costs, whatever else the machine does. */
function looks(repeated: string, head: string, length: number): number {
  let count = 0
  hideSecrets(head + repeated.repeat(Math.ceil(length / repeated.length)), '…', {
    match(name) {
      count += name.length + 1
      return names.match(name)
    },
    mayEndWith(before, last) {
      count += 1
      return names.mayEndWith(before, last)
    },
  })
  return count
}

test.each(hostile)(
  'a text of %j behind %j costs twice as much when it is twice as long',
  (repeated, head) => {
    const [one, two] = [looks(repeated, head, 20_000), looks(repeated, head, 40_000)]
    expect(two).toBeLessThanOrEqual(2 * one + 200)
    expect(one).toBeLessThanOrEqual(66 * 20_000)
    // Were it quadratic, this would not end.
    expect(typeof hide(head + repeated.repeat(2 ** 20 / repeated.length))).toBe('string')
  },
)

const piece = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    '=',
    ':',
    ': ',
    '"',
    '\\',
    '\\"',
    "'",
    '`',
    '{',
    '}',
    '[',
    ']',
    ',',
    '%3D',
    '%22',
    '\n',
    '\\n',
    ' ',
  ),
  fc.constantFrom(
    'token',
    'cookie',
    'Authorization',
    'password',
    'Bearer abcd1234',
    'basic',
    'null',
    'http://u@h',
  ),
)

test('a secret behind a name is not found in what is written, whatever comes before', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.constantFrom(
        '\ntoken=CANARY1',
        '\nCookie: CANARY1',
        '\n{ password: "CANARY1" }',
        ' ?token=CANARY1&',
      ),
      (pieces, secret) => {
        expect(hide(pieces.join('') + secret)).not.toContain('CANARY')
      },
    ),
    { numRuns: 2000 },
  )
})

test('common secrets are found in dumps of cookies without a name, and in queries', () => {
  const wide = new KeyPatterns(commonSecrets)
  const text = 'got sid=S; Path=/; HttpOnly and session=S; X-Amz-Signature=S&x=1 nextPageToken: S1'
  expect(hideSecrets(text, '…', wide)).toBe(
    'got sid=…; Path=/; HttpOnly and session=…; X-Amz-Signature=…&x=1 nextPageToken: …',
  )
})
