/*
 * What the rule says about variables that hold derived contexts: uses, paths, exceptions, suggestions.
 */
import { Linter, RuleTester } from 'eslint'
import { describe, expect, it } from 'vitest'
import { plugin } from '../lint.ts'

RuleTester.describe = describe
RuleTester.it = it

const tester = new RuleTester({ languageOptions: { ecmaVersion: 'latest', sourceType: 'module' } })

/** `[code, what is reported, and where]`; with `using` as the fourth, that the suggestion makes of `const c`. */
type Finding = [code: string, messageId: string, line: number, suggestion?: 'using']

function run(name: string, valid: string[], findings: Finding[], options: unknown[] = []): void {
  tester.run(name, plugin.rules['lost-cancel'], {
    valid: valid.map((code) => ({ code, options })),
    invalid: findings.map(([code, messageId, line, suggestion]) => ({
      code,
      options,
      errors: [
        {
          messageId,
          line,
          suggestions: suggestion && [
            { messageId: 'suggestUsing', output: code.replace(/(?:const|let) c =/, 'using c =') },
          ],
        },
      ],
    })),
  })
}

/** The code as the inside of a function, from line 2 on, after a derivation on line 2. */
function after(code: string, kind = 'async function'): string {
  return `${kind} f(ctx) {\nconst c = ctx.withTimeout(5); ${code}\n}`
}

run(
  'uses',
  [
    after('c.cancel()'),
    after('c?.cancel()'),
    after('c.cancel?.()'),
    after('(c).cancel()'),
    after("c['cancel']()"),
    after('c[Symbol.dispose]()'),
    after('c[method]()'),
    after("c.cancel(new Error('done'))"),
    after("once(server, 'close', c.cancel)"),
    after('const { cancel } = c; work(cancel)'),
    after('const { cancel: stop, signal } = c; stop(signal)'),
    after('const { signal, ...rest } = c'),
    after('let cancel; ({ cancel } = c)'),
    after('return c'),
    after('return { ctx: c }'),
    after('return [c, 1]'),
    after('return slow ? c : (c.cancel(), ctx)'),
    after('throw c'),
    after('yield c', 'function*'),
    after('const other = c; work(other)'),
    after('other = c'),
    after('this.ctx = c'),
    after('held.ctx = { c }'),
    after('const held = { c }'),
    after('new Work(c)'),
    after('stack.use(c)'),
    after('stack.adopt(c, (x) => x.cancel())'),
    after('stack.defer(() => c.cancel())'),
    after('all.push(c)'),
    after('using other = c'),
    // Functions that cancel count from where they are made, declarations from where they are named.
    after("server.on('close', () => c.cancel())"),
    after("server.on('close', function () { c.cancel() })"),
    after("server.on('close', () => () => c.cancel())"),
    after("server.on('close', stop); function stop() { c.cancel() }"),
    after('return stop; function stop() { again(); function again() { c.cancel() } }'),
    after('return { stop() { c.cancel() } }'),
    after('return { get ctx() { return c } }'),
    after('return class { stop() { c.cancel() } }'),
    after('return class { ctx = c }'),
    after('return class { static { c.cancel() } }'),
    after('return work(c).finally(() => c.cancel())'),
    after('return work(c).then(done).finally(() => c.cancel())'),
    after('return work(c).then(() => c.cancel(), (error) => { c.cancel(); throw error })'),
    // A function that cancels was made before.
    'function f(ctx) { let c; const stop = () => c?.cancel()\nc = ctx.withTimeout(5); work(c, stop) }',
    'function f(ctx) { let c; on(stop); c = ctx.withTimeout(5); work(c); function stop() { c.cancel() } }',
    // Another function may cancel what this one derives.
    'let c; export function start(ctx) { c = ctx.withTimeout(5); work() }; export function stop() { c.cancel() }',
    'let c; function restart(ctx) { c?.cancel(); c = ctx.withTimeout(5); work() }',
    'const c = background.withTimeout(5)\nexport { c }',
    'const c = background.withTimeout(5)\nexport { c as ctx }',
    'const c = background.withTimeout(5)\nexport default c',
    'let c\nexport function f() { c = background.withTimeout(5) }\nexport function g() { c.cancel() }',
    'export let c\nfunction f() { c = background.withTimeout(5) }',
    'const c = background.withTimeout(5)\nexport function stop() { c.cancel() }',
    'const c = background.withTimeout(5)\nexport default function () { c.cancel() }',
    // Parameters hold contexts as well.
    'function f(ctx, c = ctx.withTimeout(5)) { c.cancel() }',
    'function f(ctx, { c = ctx.withTimeout(5) }) { c.cancel() }',
  ],
  [
    [after(''), 'never', 2, 'using'],
    [after('work(c)'), 'never', 2, 'using'],
    [after('await work({ signal: c.signal })'), 'never', 2, 'using'],
    [after('work({ ctx: c })'), 'never', 2, 'using'],
    [after('return work(c)'), 'never', 2],
    [after('return await work(c)'), 'never', 2, 'using'],
    [after('return c.err'), 'never', 2],
    [after('on(() => work(c))'), 'never', 2],
    [after('const { signal } = c; work(signal)'), 'never', 2, 'using'],
    [after('c.withCancel().cancel()'), 'never', 2, 'using'],
    [after('using d = c.withCancel()'), 'never', 2, 'using'],
    [after('cancel(c)'), 'never', 2, 'using'],
    [after('`${c}` + c; c++; typeof c; tag`${c}`', 'function').replace('const', 'let'), 'never', 2],
    [after('function stop() { c.cancel() } work(c)'), 'never', 2],
    [after('function stop() { stop(); c.cancel() } work(c)'), 'never', 2],
    [
      'function f(ctx) { function stop() { stop(); c.cancel() }\nconst c = ctx.withTimeout(5); work(c) }',
      'never',
      2,
    ],
    [after('{ const c = make(); c.cancel() }'), 'never', 2, 'using'],
    [after('on((c) => c.cancel())'), 'never', 2, 'using'],
    ['function f(ctx, c = ctx.withTimeout(5)) { work(c) }', 'never', 1],
    ['function f(ctx, { c = ctx.withTimeout(5) }) { work(c) }', 'never', 1],
    ['let c; function f(ctx) { c = ctx.withTimeout(5); work(c) }', 'never', 1],
    ['function f(ctx) { work(c = ctx.withTimeout(5)); var c }', 'never', 1],
    ['const c = background.withTimeout(5)\nwork(c)', 'never', 1, 'using'],
    ['const c = slow ? background.withTimeout(5) : background.withCancel(); work(c)', 'never', 1],
    ['const c = slow ? background.withTimeout(5) : background; work(c)', 'never', 1],
    ['class A { static { const c = background.withTimeout(5); work(c) } }', 'never', 1, 'using'],
    ['class A { f = async () => { const c = this.ctx.withTimeout(5); work(c) } }', 'never', 1, 'using'],
    ['const f = (ctx) => { const c = ctx.withTimeout(5); work(c) }', 'never', 1, 'using'],
    ['const o = { get a() { const c = this.ctx.withTimeout(5); work(c) } }', 'never', 1, 'using'],
    [
      "import { notify } from '@kit/context'\nfunction f() { const c = notify(ctx); main(c) }",
      'never',
      2,
      'using',
    ],
    ['const c = (await ctx).withTimeout(5)', 'never', 1, 'using'],
    ['switch (x) { case 1: const c = ctx.withTimeout(5) }', 'never', 1],
    ['for (const c = ctx.withTimeout(5); ;) work(c)', 'never', 1],
    ['const c = ctx.withTimeout(5), d = 1', 'never', 1],
  ],
)

run(
  'paths',
  [
    after('if (a) c.cancel(); else c.cancel()'),
    after('if (a) { c.cancel(); return } c.cancel()'),
    after('if (a) return c; c.cancel()'),
    after('a ? c.cancel() : c.cancel()'),
    after('a && b; c.cancel()'),
    after('c.cancel() && a'),
    after('(c.cancel(), a) || b'),
    after('if (c.cancel(), a) return'),
    after('do { c.cancel() } while (a)'),
    after('while (true) { if (a) { c.cancel(); break } }'),
    after('for (;;) { if (a) { c.cancel(); return } }'),
    after('for (; 1; ) { c.cancel(); break }'),
    after('for (c.cancel(); a; ) {}'),
    after('for (let i = 0; c.cancel(), i < 3; i++) {}'),
    after('for (const x of (c.cancel(), xs)) {}'),
    after('while (true) {}  c.cancel()'),
    after('switch (a) { case 1: c.cancel(); break; default: c.cancel() }'),
    after('switch (a) { case 1: case 2: default: c.cancel() }'),
    after('switch (a) { default: b++; case 2: c.cancel() }'),
    after('switch (a) { case c.cancel(): break }'),
    after('try { if (a) return } finally { c.cancel() }'),
    after('try { throw a } catch { b++ } finally { c.cancel() }'),
    after('try { throw a } catch { c.cancel() }'),
    after('try { work() } catch (e) { c.cancel(); throw e } c.cancel()'),
    after('try { work() } finally { try { clean() } finally { c.cancel() } }'),
    after('try { return 1 } finally { if (c) c.cancel() }'),
    after('try { return 1 } finally { if (c !== undefined) c.cancel() }'),
    after('try { return 1 } finally { if (c != null) c.cancel() }'),
    after('try { return 1 } finally { if (null !== c) c.cancel() }'),
    after('try { return 1 } finally { if (c === undefined) b++; else c.cancel() }'),
    after('try { return 1 } finally { if (!c) b++; else c.cancel() }'),
    after('try { return 1 } finally { c && c.cancel() }'),
    after('try { return 1 } finally { if (!c.err) c.cancel() }'),
    after('if (c.err) return; c.cancel()'),
    after('if (c.err !== undefined) return; c.cancel()'),
    after('if (c.signal.aborted) return; c.cancel()'),
    after('if (a && c.err) return; c.cancel()'),
    after('c ?? b; c.cancel()'),
    after('a: { if (b) break a; d++ } c.cancel()'),
    after('a: for (const x of xs) { for (const y of ys) continue a } c.cancel()'),
    after('a: { try { break a } finally { c.cancel() } }'),
    after('const d = c.withCancel(); d.cancel(); c.cancel()'),
    after('return void c.cancel()'),
    after('await using d = open(c.cancel())'),
    after('yield* work(c.cancel())', 'function*'),
    after('if (a) { stop(); return } stop(); function stop() { c.cancel() }'),
    // A loop that derives anew in each turn.
    'function f(ctx) { for (const x of xs) { const c = ctx.withTimeout(5); if (x) { c.cancel(); continue } c.cancel() } }',
    'function f(ctx) { let c; while (a) { c?.cancel(); c = ctx.withTimeout(5) } c?.cancel() }',
    'function f(ctx) { let c; try { c = ctx.withTimeout(5); work(c) } finally { c?.cancel() } }',
    'function f(ctx) { let c; if (a) c = ctx.withTimeout(5); else c = ctx.withCancel(); c.cancel() }',
    'function f(ctx) { let c; c ??= ctx.withTimeout(5); c.cancel() }',
    'function f(ctx) { if (a) return; const c = ctx.withTimeout(5); c.cancel() }',
    'function f(ctx) { const c = a ? ctx.withTimeout(5) : undefined; c?.cancel() }',
    'function f(ctx) { return; const c = ctx.withTimeout(5); if (a) c.cancel() }',
    'class A { static { const c = background.withTimeout(5); c.cancel() } }',
    'const c = background.withTimeout(5); try { await work(c) } finally { c.cancel() }',
    'const c = background.withTimeout(5); await work(c); c.cancel()',
    'with_: { const c = background.withTimeout(5); c.cancel() }',
  ],
  [
    [after('\nif (a) return; c.cancel()'), 'path', 3, 'using'],
    [after('\nif (a)\nthrow b; c.cancel()'), 'path', 4, 'using'],
    [after('\nif (a) c.cancel()'), 'end', 2, 'using'],
    [after('\na && c.cancel()'), 'end', 2, 'using'],
    [after('\na || c.cancel()'), 'end', 2, 'using'],
    [after('\na ?? c.cancel()'), 'end', 2, 'using'],
    [after('\na ? c.cancel() : b'), 'end', 2, 'using'],
    [after('\nreturn a ? c : ctx'), 'path', 3],
    [after('\na?.(c.cancel())'), 'end', 2, 'using'],
    [after('\na?.b.d(c.cancel())'), 'end', 2, 'using'],
    [after('\na?.[c.cancel()]'), 'end', 2, 'using'],
    [after('\nx ??= c.cancel()'), 'end', 2, 'using'],
    [after('\nx.y ||= c.cancel()'), 'end', 2, 'using'],
    [after('\nconst { x = c.cancel() } = y'), 'end', 2, 'using'],
    [after('\nconst [x = c.cancel(), ...z] = y'), 'end', 2, 'using'],
    [after('\nif (c.err) c.cancel()'), 'end', 2, 'using'],
    [after('\nif (!c) c.cancel()'), 'end', 2, 'using'],
    [after('\nif (c.err === undefined) return; c.cancel()'), 'path', 3, 'using'],
    [after('\nif (c.signal.aborted) c.cancel()'), 'end', 2, 'using'],
    [after('\nif (other.err) return; c.cancel()'), 'path', 3, 'using'],
    [after('\nif (c.err > 1) return; c.cancel()'), 'path', 3, 'using'],
    [after('\nwhile (a) c.cancel()'), 'end', 2, 'using'],
    [after('\nwhile (true) { if (a) break; c.cancel() }'), 'end', 2, 'using'],
    [after('\nfor (const x of xs) c.cancel()'), 'end', 2, 'using'],
    [after('\nfor (const x in xs) c.cancel()'), 'end', 2, 'using'],
    [after('\nfor await (const x of xs) { c.cancel() }'), 'end', 2, 'using'],
    [after('\nfor (; a; c.cancel()) {}'), 'end', 2, 'using'],
    [after('\nfor (;;) { if (a)\nreturn; c.cancel() }'), 'path', 4, 'using'],
    [after('\ndo { if (a) continue; c.cancel() } while (b)'), 'end', 2, 'using'],
    [after('\ndo { if (a) break; c.cancel() } while (b)'), 'end', 2, 'using'],
    [after('\na: do { do { if (b) continue a; c.cancel() } while (true) } while (d)'), 'end', 2, 'using'],
    [after('\na: { if (b) break a; c.cancel() }'), 'end', 2, 'using'],
    [after('\na: if (b) { break a } else c.cancel()'), 'end', 2, 'using'],
    [after('\nswitch (a) { case 1: c.cancel() }'), 'end', 2, 'using'],
    [after('\nswitch (a) { case 1: break; default: c.cancel() }'), 'end', 2, 'using'],
    [after('\nswitch (a) { case 1: c.cancel(); break; default: }'), 'end', 2, 'using'],
    [after('\nswitch (a) { default: break; case 2: c.cancel() }'), 'end', 2, 'using'],
    [after('\nswitch (a) { case 1: case c.cancel(): break }'), 'end', 2, 'using'],
    [after('\nswitch (a) { case 1: return\ncase 2: default: c.cancel() }'), 'path', 3, 'using'],
    [after('\ntry { throw a } catch { b++ }\nif (a) c.cancel()'), 'end', 2, 'using'],
    [after('\ntry { work(c); c.cancel() } catch (e) { log(e) }'), 'end', 2, 'using'],
    [after('\ntry { work(c) } catch (e) {\nthrow e } c.cancel()'), 'path', 4, 'using'],
    [after('\ntry { b++ } finally { if (a) c.cancel() }'), 'end', 2, 'using'],
    [after('\ntry { return 1 } finally { b++ } c.cancel()'), 'path', 3, 'using'],
    [after('\ntry { work(c); c.cancel() } finally {\nif (a) return }'), 'path', 4, 'using'],
    [after('\nfor (const x of xs) { try { if (x) c.cancel() } finally { continue } }'), 'end', 2, 'using'],
    [
      after('\ntry { try { throw 1 } finally { a++ } } catch { b++ }\nreturn; c.cancel()'),
      'path',
      4,
      'using',
    ],
    [after('\nconst stop = b ? () => c.cancel() : noop; stop()'), 'end', 2],
    [after('\nif (a)\nreturn\non(stop); function stop() { c.cancel() }'), 'path', 4],
    [after('\nif (a)\nreturn\nreturn c'), 'path', 4],
    [after('\nif (a) yield 1; else c.cancel()', 'function*'), 'end', 2, 'using'],
    // The variable's block is left.
    [
      'function f(ctx) {\nif (a) { const c = ctx.withTimeout(5)\nif (b) c.cancel() } work() }',
      'end',
      2,
      'using',
    ],
    [
      'function f(ctx) {\nwhile (a) { const c = ctx.withTimeout(5)\nif (b) continue\nc.cancel() } }',
      'path',
      3,
      'using',
    ],
    [
      'function f(ctx) {\nwhile (a) { const c = ctx.withTimeout(5)\nif (b) break\nc.cancel() } }',
      'path',
      3,
      'using',
    ],
    ['function f(ctx) {\nfor (;;) { const c = ctx.withTimeout(5)\nif (b) c.cancel() } }', 'end', 2, 'using'],
    [
      'function f(ctx) {\nx: for (const y of ys) for (;;) { const c = ctx.withTimeout(5)\nif (b) continue x\nc.cancel() } }',
      'path',
      3,
      'using',
    ],
    [
      'function f(ctx) {\nx: { const c = ctx.withTimeout(5)\nif (b) break x\nc.cancel() } }',
      'path',
      3,
      'using',
    ],
    [
      'function f(ctx) {\nx: { const c = ctx.withTimeout(5)\ny: { if (b) break y\nd++ }\nif (b) c.cancel() } }',
      'end',
      2,
      'using',
    ],
    [
      'function f(ctx) {\nswitch (a) { case 1: { const c = ctx.withTimeout(5)\nif (b) break\nc.cancel() } } }',
      'path',
      3,
      'using',
    ],
    [
      'function f(ctx) {\nswitch (a) { case 1: const c = ctx.withTimeout(5)\nif (b) break\nc.cancel() } }',
      'path',
      3,
    ],
    ['function f(ctx) {\nfor (let c = ctx.withTimeout(5); a; ) { if (b) continue\n c.cancel() } }', 'end', 2],
    [
      'function f(ctx) {\ntry { const c = ctx.withTimeout(5)\nif (b) throw 1\nc.cancel() } catch {} }',
      'path',
      3,
      'using',
    ],
    ['class A { static {\nconst c = background.withTimeout(5)\nif (a) c.cancel() } }', 'end', 2, 'using'],
    ['const c = background.withTimeout(5)\nif (a) c.cancel()', 'end', 1, 'using'],
    [
      'const c = background.withTimeout(5)\ntry { await work(c); c.cancel() } catch (e) { log(e) }',
      'end',
      1,
      'using',
    ],
    // The variable gets another value.
    [
      'function f(ctx) {\nlet c = ctx.withTimeout(5)\nc = ctx.withValue(key, 1)\nc.cancel() }',
      'overwritten',
      3,
    ],
    [
      'function f(ctx) {\nlet c = ctx.withTimeout(5)\nc = c.withValue(key, 1)\nc.cancel() }',
      'overwritten',
      3,
    ],
    ['function f(ctx) {\nlet c = ctx.withTimeout(5)\n;[c] = all\nc.cancel() }', 'overwritten', 3],
    ['function f(ctx) {\nlet c = ctx.withTimeout(5)\n;({ c } = all)\nc.cancel() }', 'overwritten', 3],
    ['function f(ctx) {\nlet c = ctx.withTimeout(5)\nfor (c of all) c.cancel() }', 'end', 2],
    ['function f(ctx) {\nlet c = ctx.withTimeout(5)\nif (a) c = undefined\nc?.cancel() }', 'overwritten', 3],
    [
      'function f(ctx) {\nlet c\nfor (const x of xs) {\nc = ctx.withTimeout(5) }\nc?.cancel() }',
      'overwritten',
      4,
    ],
    ['function f(ctx) {\nvar c = ctx.withTimeout(5)\nvar c = 1\nc.cancel() }', 'overwritten', 3],
  ],
)

run(
  'exceptions',
  [
    after('try { await work(c) } finally { c.cancel() }'),
    after('try { return await work(c) } finally { c.cancel() }'),
    after('try { return await work(c) } catch (e) { log.error(e); throw e } finally { c.cancel() }'),
    after('let result; try { result = work(c) } catch (e) { c.cancel(); throw e } c.cancel(); return result'),
    after('try { yield 1 } finally { c.cancel() }', 'function*'),
    after('try { for await (const x of xs) yield x } finally { c.cancel() }', 'async function*'),
    // What stands in or before the derivation is not after it.
    'function f(ctx) { work(); const c = ctx.withTimeout(work()); c.cancel() }',
    'async function f(ctx) { const c = (await open()).ctx.withTimeout(await ms()); c.cancel() }',
    // What does not throw.
    after('const start = performance.now(); try { work(c) } finally { c.cancel() }'),
    after("console.log('start'); log.info('start'); try { work(c) } finally { c.cancel() }"),
    after('const seen = new Map(); const t = Date.now(); c.cancel()'),
    after(
      'const d = c.withValue(key, 1); const e = d.withCancel(); try { work(e) } finally { e.cancel(); c.cancel() }',
    ),
    after('c.afterFunc(done); c.cancel()'),
    after("c.signal.addEventListener('abort', done); c.cancel()"),
    after('c.throwIfDone(); c.cancel()'),
    after('const other = work; const x = { a: [1, ...b] }; c.cancel()'),
    after('const g = () => work(c); class A { f() { work(c) } } c.cancel()'),
    // The top level of a module.
    'const c = background.withTimeout(5); work(c); c.cancel()',
  ],
  [
    [after('\nwork(c); c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nawait x; c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nyield 1; c.cancel()', 'function*'), 'unprotected', 2, 'using'],
    [after('\nyield* xs; c.cancel()', 'function*'), 'unprotected', 2, 'using'],
    [after('\nfor await (const x of xs) {} c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nnew Work(); c.cancel()'), 'unprotected', 2, 'using'],
    [after('\ntag`x`; c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nclass A { static { work() } } c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nclass A extends make() {} c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nclass A { [make()]() {} } c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nconst { [make()]: x } = y; c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nconst x = `${work()}`; c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nother.throwIfDone(); c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nc.cancel(await reason())'), 'unprotected', 2, 'using'],
    [after('\nsetUp(); try { await work(c) } finally { c.cancel() }'), 'unprotected', 2, 'using'],
    [after('\ntry { work(c) } finally { clean(); c.cancel() }'), 'unprotected', 2, 'using'],
    [after('\ntry { work(c) } finally { log.info(1) } c.cancel()'), 'unprotected', 2, 'using'],
    [after('\ntry { work(c) } catch { handle(); c.cancel() } c.cancel()'), 'unprotected', 2, 'using'],
    [after('\nconst p = work(c); p.finally(() => c.cancel())'), 'unprotected', 2],
    [after('\nreturn work(c).map(() => c.cancel())'), 'unprotected', 2],
    [after('\nreturn work(c).then(done)\n.cancel(c.cancel)'), 'unprotected', 2],
    // The consumer of a generator ends it, and no `catch` runs.
    [
      after('\ntry { yield 1 } catch (e) { c.cancel(); throw e } c.cancel()', 'function*'),
      'unprotected',
      2,
      'using',
    ],
    // Out of the variable's block, into a `catch` that does not know it.
    [
      'function f(ctx) {\ntry { const c = ctx.withTimeout(5); work(c); c.cancel() } catch {} }',
      'unprotected',
      2,
      'using',
    ],
    [
      'class A { static { const c = background.withTimeout(5); work(c); c.cancel() } }',
      'unprotected',
      1,
      'using',
    ],
  ],
)

run(
  'without exceptions',
  [
    after('work(c); c.cancel()'),
    after('await work(c); c.cancel()'),
    after('yield 1; c.cancel()', 'function*'),
    after('try { work(c) } finally { clean(); c.cancel() }'),
    'function f(ctx) { try { const c = ctx.withTimeout(5); work(c); c.cancel() } catch {} }',
  ],
  [
    [after('\nif (a) return; c.cancel()'), 'path', 3, 'using'],
    [after('\nif (a) throw b; c.cancel()'), 'path', 3, 'using'],
    // What a `catch` of the same function catches is an ordinary path.
    [after('\ntry { work(c); c.cancel() } catch (e) { log(e) }'), 'end', 2, 'using'],
    [after('\nwork(c)'), 'never', 2, 'using'],
    ['work(ctx.withTimeout(5))', 'dropped', 1],
  ],
  [{ throws: false }],
)

describe('messages', () => {
  const linter = new Linter()
  const config = { ...plugin.configs.recommended } as never
  const messages = (code: string): string[] => linter.verify(code, [config]).map(({ message }) => message)

  it('name the variable, the lines and the remedy', () => {
    expect(messages(after('\nif (a)\nreturn; c.cancel()'))).toEqual([
      'This `return` may be reached without cancelling `c`, derived on line 2. Declare it with `using c = …`, or cancel it in `try { … } finally { c.cancel() }`.',
    ])
    expect(messages(after('\n\nawait work(c); c.cancel()'))).toEqual([
      'An exception from the call on line 4 leaves `c`, derived on line 2, uncancelled. Declare it with `using c = …`, or cancel it in `try { … } finally { c.cancel() }`.',
    ])
    expect(messages(after('\n\nawait work; c.cancel()'))[0]).toContain('from the `await` on line 4')
    expect(messages(after('\nyield 1; c.cancel()', 'function*'))[0]).toContain('from the `yield` on line 3')
    expect(messages(after('\nfor await (const x of y); c.cancel()'))[0]).toContain('from the `for await` on')
    expect(messages('send(ctx.withDeadline(1))')[0]).toContain('`withDeadline` derives here')
  })

  it('come once for a variable', () => {
    const twice =
      'function f(ctx) { const c = a ? ctx.withTimeout(5) : ctx.withCancel(); if (a) return; if (b) return; work(c); c.cancel() }'
    expect(messages(twice)).toHaveLength(1)
  })
})
