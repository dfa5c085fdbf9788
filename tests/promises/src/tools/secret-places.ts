/**
 * Everything that gets a secret into a log call and by which redaction can know it: by the name of what it is the value of, by
 * its form, or as the credentials of a URL. What the README of `@kit/log` says that no redaction can find is not here.
 */

import { inspect } from 'node:util'
import { background, run } from '@kit/context'
import type { Logger } from '@kit/log'
import { annotate, eventFields, withEvent, withFields } from '@kit/log'
import { basic } from './canaries.ts'

/** Logs something with the secret in it. */
export type Place = (log: Logger, secret: string) => void

const fields: Readonly<Record<string, (secret: string) => object>> = {
  password: (s) => ({ password: s }),
  'a password of something': (s) => ({ dbPassword: s, DB_PASSWORD: s, 'db-password': s }),
  'an API key': (s) => ({ api_key: s, apiKey: s, 'x-api-key': s, 'X-Goog-Api-Key': s }),
  'OAuth tokens': (s) => ({ access_token: s, refreshToken: s, 'id-token': s, token: s }),
  'a client secret': (s) => ({ client: { client_secret: s } }),
  'keys of clouds': (s) => ({ awsSecretAccessKey: s, AccountKey: s, privateKey: s, signing_key: s }),
  'words for passwords': (s) => ({ pwd: s, passwd: s, passphrase: s, pin: s }),
  credentials: (s) => ({ credentials: { user: 'ann', value: s } }),
  'a list of secrets': (s) => ({ secret: [s, [s], { s }] }),
  'a number as text, deep down': (s) => ({ a: { b: [{ c: { d: [{ token: s }] } }] } }),
  'an authorization header': (s) => ({ headers: { Authorization: `Bearer ${s}` } }),
  'basic credentials': (s) => ({ headers: { authorization: `Basic ${basic(s)}` } }),
  'a proxy authorization': (s) => ({ 'Proxy-Authorization': `Digest username="ann", response="${s}"` }),
  cookies: (s) => ({
    headers: { cookie: `a=b; session=${s}`, 'set-cookie': [`session=${s}; Path=/; HttpOnly`] },
  }),
  'a Headers object': (s) => ({ headers: new Headers({ authorization: `Bearer ${s}`, 'x-api-key': s }) }),
  'raw headers': (s) => ({ raw: ['Host', 'shop', 'Authorization', `Bearer ${s}`, 'X-Api-Key', s] }),
  'a form': (s) => ({ form: new URLSearchParams({ user: 'ann', password: s }) }),
  'a map': (s) => ({
    map: new Map<unknown, unknown>([
      ['user', 'ann'],
      ['password', s],
      ['deep', new Map([['token', s]])],
    ]),
  }),
  'a list of pairs': (s) => ({
    pairs: [
      ['user', 'ann'],
      ['password', s],
    ],
  }),
  'names and values': (s) => ({
    list: [
      { name: 'password', value: s },
      { key: 'apiKey', value: s },
    ],
  }),
  'a connection string': (s) => ({ connectionString: `Server=db;User Id=ann;Password=${s};` }),
  'an object without a prototype': (s) => ({
    bare: Object.assign(Object.create(null), { password: s }) as object,
  }),
  'an instance of a class': (s) => ({
    client: new (class Client {
      password = s
      get token(): string {
        return s
      }
    })(),
  }),
  toJSON: (s) => ({ client: { toJSON: () => ({ user: 'ann', password: s }) } }),
  'a URL': (s) => ({ url: new URL(`https://ann:${s}@shop.test/cb?token=${s}`) }),
  'the URL of a database': (s) => ({ url: `postgres://ann:${s}@db:5432/shop`, cache: `redis://:${s}@cache` }),
  'the URL of a repository': (s) => ({ remote: `https://${s}@git.test/shop.git` }),
  baggage: (s) => ({ headers: { baggage: `tenant=a,token=${s};p=1,password=${s}` } }),
}

const texts: Readonly<Record<string, (secret: string) => string>> = {
  'a query': (s) => `GET /cb?state=1&access_token=${s}&x=y`,
  'an encoded query': (s) => `/login?next=%2Fcb%3Ftoken%3D${s}%26a%3Db`,
  'a fragment': (s) => `https://shop.test/cb#id_token=${s}&state=1`,
  'a path parameter': (s) => `/items/1;password=${s}`,
  'a setting': (s) => `password = '${s}'`,
  'an environment': (s) => `DB_PASSWORD=${s} API_KEY="${s}" DATABASE_URL=mysql://ann:${s}@db/shop`,
  JSON: (s) => JSON.stringify({ user: 'ann', client_secret: s }),
  'JSON in JSON': (s) => JSON.stringify({ body: JSON.stringify({ nested: JSON.stringify({ token: s }) }) }),
  'an inspected object': (s) => inspect({ user: 'ann', password: s, list: [{ apiKey: s }] }),
  'a header': (s) => `X-Api-Key: ${s}`,
  'a dump of a request': (s) =>
    `GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer ${s}\r\nCookie: a=b; session=${s}\r\n\r\n`,
  'bearer credentials': (s) => `sent Bearer ${s} to the inventory`,
  'credentials in base64': (s) => `sent Basic ${basic(s)} to the inventory`,
  'a private key': (s) => `-----BEGIN PRIVATE KEY-----\n${s}\n${s}\n-----END PRIVATE KEY-----`,
  'a connection string': (s) =>
    `DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=${s};EndpointSuffix=core.test`,
  'URLs with credentials': (s) =>
    `amqp://ann:${s}@mq, mongodb+srv://ann:${s}@db/shop and redis://:${s}@cache:6379`,
  'an option of a command line': (s) => `psql --host=db --password=${s}`,
}

const mistakes: Readonly<Record<string, (secret: string) => Error>> = {
  'a message': (s) => new Error(`connect postgres://ann:${s}@db failed`),
  'the message of a cause': (s) =>
    new Error('no answer', { cause: new Error('refused', { cause: leaky(s) }) }),
  'an error of many': (s) => new AggregateError([leaky(s), new Error('fine')], `all failed: token=${s}`),
  'fields of an error': (s) =>
    Object.assign(new Error('status 401'), {
      config: { url: `/cb?token=${s}`, headers: { Authorization: `Bearer ${s}` }, auth: { password: s } },
    }),
  'fields of a cause': (s) => new Error('failed', { cause: Object.assign(new Error('401'), { apiKey: s }) }),
  'a cause that is no error': (s) => new Error('failed', { cause: { password: s } }),
  'a stack': (s) =>
    Object.assign(new Error('failed'), { stack: `Error: password=${s}\n    at https://a:${s}@x/y.js:1:1` }),
}

function leaky(secret: string): Error {
  return Object.assign(new Error(`GET https://ann:${secret}@inventory/?api_key=${secret}`), { token: secret })
}

const context: Readonly<Record<string, Place>> = {
  'fields of a child': (log, s) => log.child({ password: s, url: `http://ann:${s}@x` }).info('said'),
  'fields of a context': (log, s) =>
    run(withFields(background, { token: s, headers: { cookie: `a=${s}` } }), () => log.info('said')),
  'fields of an event': (log, s) => {
    const ctx = withEvent(background)
    annotate(ctx, { password: s, query: `?token=${s}` })
    log.info({ ...eventFields(ctx) }, 'said')
  },
  'arguments of a message': (log, s) =>
    log.info('%s and %j and %o', `token=${s}`, { token: s }, { password: s }),
  'arguments without a place': (log, s) => log.info('said', { password: s }, `secret=${s}`),
  'fields of pino': (log, s) =>
    log.pino.child({ authorization: `Bearer ${s}` }).info({ password: s }, `token=${s}`),
}

/** All of them, by what they are called. */
export const places: ReadonlyMap<string, Place> = new Map<string, Place>([
  ...Object.entries(fields).map(([name, of]): [string, Place] => [
    `${name}, as a field`,
    (log, secret) => log.info(of(secret), 'said'),
  ]),
  ...Object.entries(fields).map(([name, of]): [string, Place] => [
    `${name}, within an error`,
    (log, secret) => log.error(Object.assign(new Error('failed'), { detail: of(secret) }), 'said'),
  ]),
  ...Object.entries(texts).flatMap(([name, of]): [string, Place][] => [
    [`${name}, as a message`, (log, secret) => log.info(of(secret))],
    [`${name}, as a field`, (log, secret) => log.info({ text: of(secret), list: [of(secret)] }, 'said')],
    [`${name}, as an error`, (log, secret) => log.error(new Error(of(secret)))],
  ]),
  ...Object.entries(mistakes).flatMap(([name, of]): [string, Place][] => [
    [`${name}, logged`, (log, secret) => log.error(of(secret))],
    [`${name}, as a field`, (log, secret) => log.warn({ failures: [of(secret)] }, 'said')],
  ]),
  ...Object.entries(context),
])
