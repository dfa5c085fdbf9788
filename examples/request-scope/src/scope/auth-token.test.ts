import { format, inspect } from 'node:util'
import { background } from '@kit/context'
import { expect, it } from 'vitest'
import { AuthToken, authTokenOf, bearerToken, withAuthToken } from './auth-token.ts'

it('travels with the context, to those who ask for it by name', () => {
  const token = new AuthToken('s3cret')
  const ctx = withAuthToken(background, token).withCancel().withTimeout(1000)
  expect(authTokenOf(ctx)).toBe(token)
  expect(authTokenOf(ctx)?.reveal()).toBe('s3cret')
  expect(authTokenOf(background)).toBeUndefined()
  ctx.cancel()
})

it('never shows the secret unless it is asked for', () => {
  const token = new AuthToken('s3cret')
  const ctx = withAuthToken(background, token)
  expect([String(token), JSON.stringify({ token })]).toEqual(['[redacted]', '{"token":"[redacted]"}'])
  for (const shown of [
    String(ctx),
    JSON.stringify(Object.entries(token)),
    inspect(token, { depth: 9, showHidden: true }),
    inspect(ctx, { depth: 9, showHidden: true }),
    format('%s %o %O %j', token, token, token, token),
  ]) {
    expect(shown).not.toContain('s3cret')
  }
})

it.each([
  ['Bearer abc.DEF-1~/+==', 'abc.DEF-1~/+=='],
  ['bearer abc', 'abc'],
  ['Basic abc', undefined],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  ['Bearer a\nb', undefined],
  [undefined, undefined],
])('reads %j', (header, secret) => {
  expect(bearerToken(header)?.reveal()).toBe(secret)
})
