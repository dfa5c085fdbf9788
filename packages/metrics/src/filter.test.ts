import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter } from './filter.ts'

describe('patterns', () => {
  it.each<[string, string, boolean]>([
    ['http.server', 'http.server', true],
    ['http.server', 'http.server.request.duration', true],
    ['http.server', 'http.serverless', false],
    ['http.server', 'http', false],
    ['http.*', 'http', false],
    ['http.*', 'http.server.request', true],
    ['*', 'anything.at.all', true],
    ['*.duration', 'http.server.request.duration', true],
    ['*.duration', 'duration', false],
    ['*.duration', 'http.durations', false],
    ['http.*.duration', 'http.server.request.duration', true],
    ['http.*.duration', 'http.duration', false],
    ['db.q*y', 'db.query', true],
    ['db.q*y', 'db.qy', true],
    ['db.q*y', 'db.q', false],
    ['db.q*y', 'db.query.rows', true],
    ['db.*er*', 'db.query', true],
    ['db.a*a', 'db.a', false],
  ])('%s matches %s: %s', (pattern, name, matches) => {
    expect(compileFilter({ block: [pattern] }).allows(name)).toBe(!matches)
    expect(compileFilter({ default: 'block', allow: [pattern] }).allows(name)).toBe(matches)
  })
})

describe('precedence', () => {
  const filter = compileFilter({
    default: 'block',
    allow: ['http', 'http.server.secret.but', 'tie'],
    block: ['http.server.secret', 'http.cl*', 'tie'],
  })

  it.each<[string, boolean]>([
    ['http.request', true],
    ['http.client.request', false],
    ['http.server.secret.x', false],
    ['http.server.secret.but.this', true],
    ['tie.x', false],
    ['other', false],
  ])('%s is recorded: %s', (name, allowed) => {
    expect(filter.allows(name)).toBe(allowed)
  })
})

it('takes no time that matters, whatever the pattern', () => {
  const pattern = Array.from({ length: 100 }, () => '*').join('.')
  const name = Array.from({ length: 127 }, () => 'a').join('.')
  expect(compileFilter({ block: [`${pattern}.b`] }).allows(name)).toBe(true)
})

it('agrees with a regular expression on globs within a segment', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join(''))
  const word = fc
    .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, word, (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name)
      expect(!compileFilter({ block: [pattern] }).allows(name)).toBe(expected)
    }),
  )
})
