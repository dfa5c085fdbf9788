import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { background } from '@kit/context'
import { commonSecrets, createLogger, defaultRedactedKeys, withFields } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const HEADERS =
  `Authorization Proxy-Authorization X-Forwarded-Authorization Cookie Set-Cookie X-Api-Key X-Goog-Api-Key
  X-Auth-Token X-CSRF-Token X-XSRF-Token X-Amz-Security-Token X-Vault-Token X-Shopify-Access-Token
  Ocp-Apim-Subscription-Key Private-Token`.split(/\s+/)
const NAMES =
  `password Password PASSWORD db_password DB-PASSWORD dbPassword user.password new_password passwd pwd
  passphrase secret client_secret clientSecret CLIENT-SECRET jwtSecret token access_token accessToken Access-Token
  refresh_token id_token session_token api_key apikey API_KEY apiKey api-key stripeApiKey private_key privateKey
  AWS_SECRET_ACCESS_KEY aws_session_token signingKey encryption_key connectionString credentials cvv`.split(
    /\s+/,
  )
const SCHEMES = [
  'http',
  'https',
  'postgres',
  'postgresql',
  'mysql',
  'redis',
  'rediss',
  'amqp',
  'mongodb+srv',
  'nats',
]

interface Case {
  readonly what: string
  readonly log: (canary: string) => readonly unknown[]
}

const json = (value: unknown): string => JSON.stringify(value)

/** Places where secrets turn up, each with a way to put a canary there. */
const CASES: readonly Case[] = [
  ...HEADERS.flatMap((name): Case[] => [
    { what: `header ${name}`, log: (c) => [{ headers: { [name]: c } }] },
    { what: `lower-case list ${name}`, log: (c) => [{ req: { headers: { [name.toLowerCase()]: [c] } } }] },
    { what: `Headers ${name}`, log: (c) => [{ headers: new Headers({ [name]: c }) }] },
    {
      what: `cause with ${name}`,
      log: (c) => [
        new Error('outer', {
          cause: Object.assign(new Error('inner'), {
            config: { headers: { [name]: c } },
            options: { [name]: c },
          }),
        }),
      ],
    },
    {
      what: `pair ${name}`,
      log: (c) => [
        {
          headers: [
            ['Host', 'h'],
            [name, c],
          ],
        },
      ],
    },
    { what: `flat list ${name}`, log: (c) => [{ raw: ['Host', 'h', name, c] }] },
    { what: `HAR ${name}`, log: (c) => [{ request: { headers: [{ name, value: c }] } }] },
    { what: `dump with ${name}`, log: (c) => [`GET / HTTP/1.1\r\nHost: h\r\n${name}: ${c}\r\n\r\n`] },
    { what: `escaped dump with ${name}`, log: (c) => [{ dump: `Host: h\\r\\n${name}: ${c}\\r\\n` }] },
    { what: `curl with ${name}`, log: (c) => [`curl -s -H '${name}: ${c}' http://h/`] },
    {
      what: `stack with ${name}`,
      log: (c) => [Object.assign(new Error('x'), { stack: `Error: ${name}: ${c}` })],
    },
    { what: `errors with ${name}`, log: (c) => [new AggregateError([new Error(`got ${name}: ${c}`)], 'x')] },
    { what: `arguments with ${name}`, log: (c) => ['sent', name, c] },
  ]),
  ...NAMES.flatMap((name): Case[] => [
    { what: `field ${name}`, log: (c) => [{ [name]: c }] },
    { what: `deep ${name}`, log: (c) => [{ a: [{ b: new Map([['c', { [name]: { value: c } }]]) }] }] },
    { what: `query ${name} in a message`, log: (c) => [`GET /a?x=1&${name}=${c}&y=2 failed`] },
    { what: `query ${name} in a field`, log: (c) => [{ url: `https://h.test/cb?${name}=${c}#top` }, 'x'] },
    { what: `fragment ${name}`, log: (c) => [{ url: `https://h.test/cb#${name}=${c}` }, 'x'] },
    { what: `URL object with ${name}`, log: (c) => [{ url: new URL(`https://h.test/?${name}=${c}`) }, 'x'] },
    { what: `error about ${name}`, log: (c) => [new Error(`GET https://h.test/?${name}=${c}: 500`)] },
    { what: `form body ${name}`, log: (c) => [{ body: `${name}=${c}&grant_type=x` }] },
    { what: `JSON body ${name}`, log: (c) => [{ body: JSON.stringify({ a: 1, [name]: c, b: 2 }) }] },
    {
      what: `JSON in JSON ${name}`,
      log: (c) => [{ body: JSON.stringify({ a: JSON.stringify({ [name]: c }) }) }],
    },
    { what: `pair ${name}`, log: (c) => [{ env: Object.entries({ [name]: c }) }] },
    { what: `name and value of ${name}`, log: (c) => [{ name, value: c }] },
    { what: `value and key of ${name}`, log: (c) => [{ env: [{ value: { deep: c }, key: name }] }] },
    { what: `Name and Value of ${name}`, log: (c) => [{ attributes: new Set([{ Name: name, Value: c }]) }] },
    { what: `inspected ${name}`, log: (c) => [inspect({ a: 1, [name]: `it's "${c}"`, b: 2 })] },
    { what: `inspected list of ${name}`, log: (c) => [inspect({ [name]: ['[]', c] })] },
    { what: `nested JSON ${name}`, log: (c) => [JSON.stringify({ [name]: { a: ['}"', c] } })] },
    { what: `deep JSON ${name}`, log: (c) => [json({ a: json({ b: json({ [name]: `"q" ${c}` }) }) })] },
    { what: `setting ${name}`, log: (c) => [`[client]\n${name} = ${c}\nport = 1`] },
    { what: `quoted setting ${name}`, log: (c) => [`host=h ${name}='two ${c}' port=1`] },
    {
      what: `encoded query ${name}`,
      log: (c) => [`/login?next=${encodeURIComponent(`/cb?${name}=${c}&a=1`)}`],
    },
    { what: `hash of ${name}`, log: (c) => [`{"${name}"=>"${c}"}`] },
    { what: `YAML ${name}`, log: (c) => [{ text: `user: u\n${name}: ${c}\n` }] },
    { what: `%j of ${name}`, log: (c) => ['got %j', { [name]: c }] },
    { what: `%s of ${name}`, log: (c) => ['got %s', `x?${name}=${c}`] },
  ]),
  ...SCHEMES.flatMap((scheme): Case[] => [
    { what: `${scheme} URL`, log: (c) => [`cannot reach ${scheme}://user:${c}@h.test:1/db`] },
    {
      what: `${scheme} URL in a cause`,
      log: (c) => [new Error('x', { cause: new Error(`${scheme}://${c}@h.test`) })],
    },
    { what: `${scheme} URL in a list`, log: (c) => [{ hosts: [`${scheme}://u:p${c}@h.test`] }] },
  ]),
  { what: 'bearer in a message', log: (c) => [`sent Authorization: Bearer ${c}`] },
  { what: 'basic in a field', log: (c) => [{ seen: `Basic ${c}==` }] },
  { what: 'upper-case bearer', log: (c) => [{ seen: `BEARER ${c}` }] },
  {
    what: 'private key',
    log: (c) => [{ seen: `-----BEGIN RSA PRIVATE KEY-----\n${c}\n-----END RSA PRIVATE KEY-----` }],
  },
  { what: 'private key without end', log: (c) => [`-----BEGIN PRIVATE KEY-----\n${c}`] },
  { what: 'escaped query', log: (c) => [`/a?%70assword=${c}`] },
]

test('there are some hundreds of canaries', () => {
  expect(CASES.length).toBeGreaterThan(400)
})

test.each(['json', 'text'] as const)('[S11] no canary sings in %s, wherever it sits', (format) => {
  const destination = memoryDestination()
  const log = createLogger({ format, destination })
  const sung: string[] = []
  for (const [i, { what, log: make }] of CASES.entries()) {
    const canary = `CANARY${i}x`
    const say = (logger: { info: unknown }, args: readonly unknown[]): unknown =>
      Reflect.apply(logger.info as (...all: unknown[]) => void, logger, args)
    destination.clear()
    say(log, make(canary))
    const [first] = make(canary)
    if (typeof first === 'object' && first !== null) {
      say(log.child(first), ['child'])
      say(log.withContext(withFields(background, first)), ['context'])
    }
    const text = destination.lines.join('')
    if (text.includes(canary)) sung.push(`${what}: ${text}`)
    if (!text.includes('[redacted]')) sung.push(`${what} is not there: ${text}`)
  }
  expect(sung).toEqual([])
})

test('a logger without keys hides nothing but the credentials of URLs', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination, redact: { keys: [] } })
  log.info('https://h.test/?token=seen and {"password":"seen"} and Bearer seen1234567 but http://u:CANARY@h')
  expect(destination.records[0]?.['msg']).toBe(
    'https://h.test/?token=seen and {"password":"seen"} and Bearer seen1234567 but http://[redacted]@h',
  )
})

test.each([
  'a=b, c = d; ratio=0.5 and x==y',
  'https://h.test/search?q=password&page=2&sort=token',
  '{"a":"b","status":200,"note":"password"}',
  'Basic authentication failed, Bearer tokens are needed',
  'invalid token: expired. failed authorization: missing scope. password: required',
  'token: null, password: undefined, secret://vault/path, token == x, a.token => b',
  'at token (file:///srv/a.js:10:5) 12:30:59 localhost:8080 ::1 cookies: none',
  'key: value, 12:30:00, C:\\dir, a::b',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'the PRIVATE KEY is missing',
  'nextPage=3&keyboard=qwerty&tokenizer=bpe&passwordless=true',
])('%s is nobody’s secret', (text) => {
  const destination = memoryDestination()
  createLogger({ format: 'json', destination }).info(text)
  expect(destination.records[0]?.['msg']).toBe(text)
})

test('a censor is written as it is, also where a replacement would mean something', () => {
  const destination = memoryDestination()
  const redact = { censor: "$&$'$1" }
  createLogger({ format: 'json', destination, redact }).info(
    '/?token=x {"token":"y"} Bearer abcd12345 http://u:p@h',
  )
  expect(destination.records[0]?.['msg']).toBe(
    '/?token=$&$\'$1 {"token":"$&$\'$1"} Bearer $&$\'$1 http://$&$\'$1@h',
  )
})

test('what follows a secret in a text is kept', () => {
  const destination = memoryDestination()
  createLogger({ format: 'json', destination }).info(
    'a?token=x&b=1 {"pin":1234,"a":2} {"secret":"q\\"r","c":3} key=v;password=z;d=4',
  )
  expect(destination.records[0]?.['msg']).toBe(
    'a?token=[redacted]&b=1 {"pin":"[redacted]","a":2} {"secret":"[redacted]","c":3} key=v;password=[redacted];d=4',
  )
})

test('common secrets cast the wider net', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination, redact: { keys: commonSecrets } })
  const names =
    `githubToken slack_token card_number creditCard CC-Number ssn iban otp mfa_code sid connect.sid
    X-Amz-Signature sig mnemonic pass`.split(/\s+/)
  log.info(
    Object.fromEntries(names.map((name) => [name, 'CANARY'])),
    `/?${names.map((n) => `${n}=CANARY`).join('&')}`,
  )
  expect(destination.lines[0]).not.toContain('CANARY')
  expect(commonSecrets).toEqual(expect.arrayContaining([...defaultRedactedKeys]))
})

test('a star stands for anything at either end of a key', () => {
  const destination = memoryDestination()
  const log = createLogger({
    format: 'json',
    destination,
    redact: { keys: ['*Code', 'internal*', '*card*', 'a*b'] },
  })
  log.info({
    zip_code: 'X',
    code: 'X',
    'Internal-Note': 'X',
    discardAll: 'X',
    codec: 'seen',
    my_internal: 'seen',
  })
  expect(destination.lines[0]).not.toContain('"X"')
  expect(destination.lines[0]).toContain('"codec":"seen","my_internal":"seen"')
})

test('any text is taken, of any length, and what is hidden stays hidden', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      '=',
      '&',
      '?',
      '":"',
      '\\"',
      '"',
      '://',
      '@',
      ' ',
      '-----BEGIN PRIVATE KEY-----',
      'Bearer ',
      'token',
      ':',
    ),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      destination.clear()
      log.info(`${pieces.join('')} ?token=CANARY`)
      return destination.records.length === 1 && !destination.lines[0]?.includes('CANARY')
    }),
  )
  destination.clear()
  log.info(`{"password":"${'\\"'.repeat(5_000_000)}`)
  log.info(`${'http://u:p@h '.repeat(10_000)} http://u:CANARY@h`)
  log.info('"'.repeat(1_000_000))
  log.info('&a'.repeat(1_000_000))
  log.info('-----BEGIN PRIVATE KEY-----'.repeat(100_000))
  expect(destination.records).toHaveLength(5)
  expect(destination.lines.join('')).not.toContain('CANARY')
})
