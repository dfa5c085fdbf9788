/*
 * The plugin as it is published, in the real oxlint: another parser, another scope analysis, and TypeScript.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const oxlint = fileURLToPath(new URL('../../../../node_modules/oxlint/bin/oxlint', import.meta.url))
const plugin = fileURLToPath(new URL('../../dist/lint.js', import.meta.url))
const missing = [oxlint, plugin].filter((file) => !existsSync(file))

/** Each line that ends with `// !` is one on which the rule must report; on no other may it. */
const files: Readonly<Record<string, string>> = {
  'plain.js': `
    export async function f(ctx) {
      const a = ctx.withTimeout(5) // !
      await work(a)
      a.cancel()
      send(ctx.withTimeout(5)) // !
      using b = ctx.withTimeout(5)
      for (const x of b.xs) {
        const c = ctx.withCancel()
        if (x) continue // !
        c.cancel()
      }
      await using d = ctx.withTimeout(5)
      const e = ctx.withTimeout(5)
      try { return await work(e) } finally { e?.cancel() }
    }
    export function* g(ctx) {
      const a = ctx.withSignal(signal) // !
      yield 1
      a.cancel()
    }
    class A { static { const c = background.withCancel(); if (a) c.cancel() } } // !
  `,
  'common.cjs': `
    const { notify: on } = require('@kit/context')
    function f(parent) {
      send(on(parent)) // !
      send(parent.withTimeout(5)) // !
    }
  `,
  'types.ts': `
    import type { CancelContext, Context } from '@kit/context'
    export function casts(parent: Context): void {
      const a = parent.withTimeout(5)! as CancelContext // !
      work(a as Context)
      const b = <CancelContext>parent!.withTimeout(5) // !
      work(b satisfies Context, b!)
      send((parent as Context).withTimeout(5)!) // !
      send(parent!.withTimeout(5) satisfies Context) // !
    }
    export function handled(parent: Context): CancelContext {
      const a: CancelContext = parent.withTimeout(5)
      ;(a as CancelContext).cancel()
      const b = parent.withTimeout(5) as CancelContext
      b!.cancel()
      const c = parent.withTimeout(5)
      const { cancel } = c satisfies CancelContext
      const d = parent.withTimeout(5)
      return d as CancelContext
    }
    export function paths(parent: Context): number {
      let a: CancelContext | undefined
      a = parent.withTimeout(5)
      if (parent.err) return 1 // !
      ;(a!).cancel()
      let b!: CancelContext
      ;(b as CancelContext) = parent.withTimeout(5)
      try { work(b) } finally { if (b !== undefined) b.cancel() }
      const c = parent.withTimeout(5)
      try { return 1 } finally { (c as CancelContext | undefined)?.cancel() }
    }
    export class Holder {
      private readonly ctx: CancelContext = background.withCancel()
      constructor(readonly parent: Context, own = parent.withTimeout(5)) { work(own) } // !
      declare other: Context
      accessor third = background.withCancel()
      abstractly?(): void
      method(this: Holder): void {
        const f = <T,>(x: T): T => { const c = this.parent.withTimeout(5); return x } // !
        f(1)
      }
    }
    export namespace Space {
      const c = background.withTimeout(5) // !
      work(c)
      export const kept = background.withTimeout(5)
    }
    export enum Kind { a = 1 }
    export type Of = typeof import('@kit/context')
    declare function work(...args: unknown[]): void
    export declare const ambient: Context
    export abstract class Abstract { abstract f(): void; g?: Of }
    function overloaded(a: string): void
    function overloaded(a: unknown): void { const c = background.withCancel(); c.cancel(); work(a) }
  `,
  'required.cts': `
    import kit = require('@kit/context')
    function f(parent: unknown) { send(kit.notify(parent)) } // !
    function g(parent: unknown) { send(parent.withTimeout(5)) } // !
    const exported = background.withTimeout(5)
    export = exported
  `,
  'view.tsx': `
    export function View({ ctx }) {
      const a = ctx.withTimeout(5)
      const b = ctx.withTimeout(5) // !
      return <Child ctx={a}>{b.err}<></></Child>
    }
  `,
  'disabled.js': `
    // oxlint-disable-next-line @kit/context/lost-cancel -- it ends with the process
    send(background.withTimeout(5))
  `,
}

describe.skipIf(missing.length > 0)(
  `in oxlint${missing.length > 0 ? `, missing ${missing.join(', ')}` : ''}`,
  () => {
    let folder = ''

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'kit-lint-'))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      configure('error')
    })
    afterAll(() => rmSync(folder, { recursive: true }))

    function configure(level: unknown): void {
      const rules = { '@kit/context/lost-cancel': level }
      const config = { categories: { correctness: 'off' }, jsPlugins: [plugin], rules }
      writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify(config))
    }

    function run(...args: string[]): { lines: Record<string, number[]>; messages: string[] } {
      const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '--format', 'json', ...args], {
        cwd: folder,
        encoding: 'utf8',
      })
      const text = stdout + stderr
      if (!stdout.startsWith('{')) throw new Error(text)
      const { diagnostics } = JSON.parse(stdout) as {
        diagnostics: {
          filename: string
          message: string
          labels: { span: { line: number } }[]
        }[]
      }
      const lines: Record<string, number[]> = {}
      for (const { filename, labels } of diagnostics) (lines[filename] ??= []).push(labels[0]?.span.line ?? 0)
      for (const list of Object.values(lines)) list.sort((a, b) => a - b)
      return { lines, messages: diagnostics.map(({ message }) => message) }
    }

    it('reports what it reports in ESLint, in JavaScript and TypeScript', () => {
      const expected = Object.entries(files).map(([name, text]) => [name, markedLines(text)] as const)
      const { lines, messages } = run()
      expect(lines, messages.join('\n')).toEqual(
        Object.fromEntries(expected.filter(([, marked]) => marked.length > 0)),
      )
    })

    it('takes the option', () => {
      configure(['error', { throws: false }])
      const { messages } = run('plain.js')
      expect(messages.some((message) => message.startsWith('This `continue`'))).toBe(true)
      expect(messages.some((message) => message.startsWith('An exception'))).toBe(false)
    })

    it('refuses other options', () => {
      configure(['error', { throw: false }])
      expect(() => run('plain.js')).toThrow(/throw/)
      configure('error')
    })
  },
)

function markedLines(text: string): number[] {
  return text.split('\n').flatMap((line, i) => (line.endsWith('// !') ? [i + 1] : []))
}
