import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { background } from '@kit/context'
import { createLogger, defaultRedactedKeys, withFields } from './index.ts'
import type { LogError, RedactOptions } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const destination = memoryDestination()

function logged(fields: object, redact?: RedactOptions, format: 'json' | 'text' = 'json'): string {
  destination.clear()
  createLogger({ format, destination, ...(redact === undefined ? undefined : { redact }) }).info(fields, 'x')
  return destination.lines.join('')
}

describe('keys', () => {
  test.each(['json', 'text'] as const)(
    'of credentials are redacted in %s by default, at any depth and in any spelling',
    (format) => {
      const canary = 'CANARY'
      const spellings = defaultRedactedKeys.flatMap((key) => {
        const dashed = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
        return [key, key.toUpperCase(), dashed, dashed.replaceAll('-', '_')]
      })
      for (const key of spellings) {
        const secret = { [key]: canary }
        const error = Object.assign(
          new Error('x', { cause: Object.assign(new Error('y'), { config: secret }) }),
          secret,
        )
        const line = logged(
          { ...secret, deep: [{ deeper: secret }], map: new Map([[key, canary]]), error },
          undefined,
          format,
        )
        expect([key, line.includes(canary)]).toEqual([key, false])
        expect(line).toContain('[redacted]')
      }
    },
  )

  test('hide headers of a fetch and of a node message', async () => {
    const { IncomingMessage } = await import('node:http')
    const { Socket } = await import('node:net')
    const message = new IncomingMessage(new Socket())
    message.url = '/a?token=CANARY'
    message.rawHeaders.push('Authorization', 'CANARY')
    message.headers = { authorization: 'CANARY', host: 'h' }
    const line = logged({ message, nested: { headers: new Headers({ cookie: 'CANARY', accept: '*/*' }) } })
    expect(line).not.toContain('CANARY')
    expect(line).toContain('"path":"/a"')
    expect(line).toContain('"accept":"*/*"')
  })

  test.each(['json', 'text'] as const)('hide errors in %s', (format) => {
    const line = logged(
      { token: new Error('CANARY'), seen: new Error('seen') },
      { paths: ['hidden'] },
      format,
    )
    expect(line).not.toContain('CANARY')
    expect(logged({ hidden: new Error('CANARY') }, { paths: ['hidden'] }, format)).not.toContain('CANARY')
    expect(line).toContain('seen')
  })

  test('hide whole objects, but not that there is nothing', () => {
    expect(logged({ token: { inner: 'CANARY' }, cookie: null, password: undefined })).toContain(
      '"token":"[redacted]","cookie":null,"msg"',
    )
  })

  test('do not read what they hide twice or show it by a message', () => {
    destination.clear()
    createLogger({ format: 'json', destination }).info('%j', { password: 'CANARY' })
    expect(destination.lines[0]).not.toContain('CANARY')
  })

  test('are joined by the credentials of URLs, wherever they stand', () => {
    const url = 'postgres://user:CANARY@db.test/shop'
    destination.clear()
    const log = createLogger({ format: 'json', destination })
    log
      .child({ url })
      .info(
        { nested: [url, new URL('http://CANARY@h/x@y')], error: new Error(`cannot reach ${url}`) },
        `tried ${url}, %s and %j`,
        url,
        { url },
      )
    expect(destination.lines[0]).not.toContain('CANARY')
    expect(destination.records[0]).toMatchObject({
      url: 'postgres://[redacted]@db.test/shop',
      nested: [expect.anything(), 'http://[redacted]@h/x@y'],
    })
    expect(logged({ url: 'https://a.test/@user?mail=a@b', text: 'see http://a.test, ask a@b' })).toContain(
      '"url":"https://a.test/@user?mail=a@b","text":"see http://a.test, ask a@b"',
    )
  })

  test('are replaced by the option, and switched off by an empty list', () => {
    expect(logged({ password: 'seen', ssn: 'CANARY' }, { keys: ['SSN'] })).toContain(
      '"password":"seen","ssn":"[redacted]"',
    )
    expect(logged({ password: 'seen' }, { keys: [] })).toContain('"password":"seen"')
    expect(
      logged({ password: 'CANARY', ssn: 'CANARY' }, { keys: [...defaultRedactedKeys, 'ssn'] }),
    ).not.toContain('CANARY')
  })
})

describe('paths', () => {
  const fields = {
    user: { ssn: 'CANARY', name: 'n' },
    items: [{ id: 1, card: 'CANARY' }, { card: 'CANARY' }],
    'x-id': 'CANARY',
  }

  test.each([
    [['user.ssn', 'items[*].card', '["x-id"]']],
    [['user["ssn"]', 'items.*.card', "['x-id']"]],
    [['user', 'items', 'x-id']],
    [['*.ssn', '*.*.card', 'x-id']],
    [['user.*', 'items[0].card', 'items[1].card', 'x-id']],
    [['*']],
  ])('%j', (paths) => {
    expect(logged(fields, { keys: [], paths })).not.toContain('CANARY')
  })

  test('touch nothing else', () => {
    const line = logged(
      { user: { ssn: 'CANARY', name: 'n' }, ssn: 'top', other: { user: { ssn: 'deep' } } },
      { paths: ['user.ssn'], censor: '***' },
    )
    expect(line).toContain('"user":{"ssn":"***","name":"n"},"ssn":"top","other":{"user":{"ssn":"deep"}}')
  })

  test('reach children, context, base and causes', () => {
    destination.clear()
    const secret = { user: { ssn: 'CANARY' } }
    const log = createLogger({
      format: 'json',
      destination,
      base: secret,
      redact: { paths: ['user.ssn', 'err.config', 'err.cause[0].config'] },
    })
    log.info('base')
    log.child(secret).info('child')
    log.withContext(withFields(background, secret)).info('context')
    log.error(
      Object.assign(new Error('x', { cause: Object.assign(new Error('y'), { config: 'CANARY' }) }), {
        config: 'CANARY',
      }),
    )
    expect(destination.lines.join('')).not.toContain('CANARY')
    expect(destination.lines).toHaveLength(4)
  })

  test('of random objects hide exactly what they name', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'level', '__proto__')
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.dictionary(key, tie('node'), { maxKeys: 3 })),
    })).node
    fc.assert(
      fc.property(fc.dictionary(key, tree), fc.array(key, { minLength: 1, maxLength: 3 }), (object, path) => {
        logged(object, { keys: [], paths: [path.join('.')] })
        const expected = structuredClone({ ...object })
        let at: Record<string, unknown> = expected
        for (const [i, name] of path.entries()) {
          if (!Object.hasOwn(at, name)) break
          if (i === path.length - 1)
            Object.defineProperty(at, name, {
              value: '[redacted]',
              enumerable: true,
              configurable: true,
              writable: true,
            })
          const next = at[name]
          if (typeof next !== 'object' || next === null) break
          at = next as Record<string, unknown>
        }
        const record = { ...destination.records[0] }
        const actual = Object.fromEntries(
          Object.keys(expected).map((name) => [name, record[name === 'level' ? 'fields.level' : name]]),
        )
        expect(JSON.parse(JSON.stringify(actual))).toEqual(
          JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(expected)))),
        )
      }),
    )
  })
})

test.each<[unknown, string]>([
  [{ paths: [''] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: ['a..b'] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: ['.a'] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: ['a['] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: ['a[b]'] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: ['[0]a'] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: ['a.'] }, 'KIT_LOG_BAD_OPTION'],
  [{ paths: 'a' }, 'KIT_LOG_BAD_OPTION'],
  [{ keys: [1] }, 'KIT_LOG_BAD_OPTION'],
  [{ censor: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ remove: true }, 'KIT_LOG_UNKNOWN_OPTION'],
  [null, 'KIT_LOG_BAD_OPTION'],
])('%j is refused', (redact, code) => {
  expect(() => createLogger({ destination, redact: redact as RedactOptions })).toThrow(
    expect.objectContaining({ code }) as LogError,
  )
})
