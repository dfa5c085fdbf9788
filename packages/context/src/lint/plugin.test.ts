/*
 * The plugin as an object: what ESLint and TypeScript think of it.
 */
import { readFileSync } from 'node:fs'
import type { ESLint } from 'eslint'
import { Linter } from 'eslint'
import { describe, expect, it } from 'vitest'
import byDefault, { plugin } from '../lint.ts'

describe('the plugin', () => {
  // Assigned without a cast, since that is what a typed configuration does.
  const asESLintKnowsIt: ESLint.Plugin = plugin
  const recommended: Linter.Config = plugin.configs.recommended

  it('is the default export as well', () => {
    expect(byDefault).toBe(plugin)
    expect(asESLintKnowsIt.rules).toHaveProperty('lost-cancel')
  })

  it('has the name and the version of the package', () => {
    const url = new URL('../../package.json', import.meta.url)
    const { name, version } = JSON.parse(readFileSync(url, 'utf8')) as { name: string; version: string }
    expect(plugin.meta).toEqual({ name, version })
  })

  it('has a configuration that switches the rule on', () => {
    const found = new Linter().verify('send(ctx.withTimeout(5))', [recommended])
    expect(found.map(({ ruleId, severity }) => ({ ruleId, severity }))).toEqual([
      { ruleId: '@kit/context/lost-cancel', severity: 2 },
    ])
  })

  it('refuses options that it does not know', () => {
    const verify = (options: unknown) => () =>
      new Linter().verify('', [
        recommended,
        { rules: { '@kit/context/lost-cancel': ['error', options] } as never },
      ])
    expect(verify({ throws: true })).not.toThrow()
    expect(verify({ throws: 1 })).toThrow(/should be boolean/)
    expect(verify({ paths: true })).toThrow(/paths/)
  })
})

// ESLint itself doubles its work with each `finally` inside a `finally`, so these are not as deep as they could be.
describe('a body that no person wrote', () => {
  const linter = new Linter()
  const verify = (code: string): (string | undefined)[] =>
    linter
      .verify(code, [plugin.configs.recommended as Linter.Config])
      .map(({ messageId, message }) => messageId ?? message)

  it.each([
    ['a long sum', `x = ${'a + '.repeat(1200)} 1`],
    ['a long condition', `x = ${'a && '.repeat(1200)} 1`],
    ['a long test', `if (${'a || '.repeat(1200)} 1) work`],
    ['deep blocks', '{'.repeat(400) + '}'.repeat(400)],
    ['deep branches', 'if (a) b; else '.repeat(400) + ';'],
    // Each further one doubles what ESLint's own analysis takes.
    ['finally in finally', `${'try { a() } finally { '.repeat(12)} b() ${'}'.repeat(12)}`],
    [
      'many ways out of finally',
      `x: for (;;) { ${'try { if (a) return; if (b) break; if (c) continue x; d() } finally { '.repeat(8)} ${'}'.repeat(8)} }`,
    ],
    ['many statements', 'work(c);'.repeat(30_000)],
  ])('is read, or left alone, in a moment: %s', (_, code) => {
    const source = `function f(ctx) { const c = ctx.withTimeout(5); ${code}\n c.cancel() }`
    for (const id of verify(source)) expect(['unprotected', 'path', 'end']).toContain(id)
  })

  it('still has what needs no paths', () => {
    const source = `function f(ctx) { const c = ctx.withTimeout(5); x = ${'a + '.repeat(1200)} 1; send(ctx.withCancel()) }`
    expect(verify(source)).toEqual(['never', 'dropped'])
  })
})
