/*
 * The proof of the control flow. Random programs are written twice: as the rule reads them, and with every decision
 * turned into a question. The second is run by the engine itself, once for every series of answers, so what a
 * `finally` does to a `return` is the engine's word and not ours; whoever is lost on some run must be reported, and
 * nobody else.
 */
import { compileFunction } from 'node:vm'
import { Linter } from 'eslint'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plugin } from '../lint.ts'

type Condition =
  | { is: 'unknown' }
  | { is: 'not'; of: Condition }
  | { is: '&&' | '||'; left: Condition; right: Condition }
  | { is: 'cancel' | 'work'; then: Condition }

type Statement =
  | { is: 'derive' | 'cancel' | 'cancelIfHeld' | 'work' | 'return' | 'throw' }
  | { is: 'break' | 'continue'; to: number; plain: boolean }
  | { is: 'if'; test: Condition; yes: Statement[]; no: Statement[] }
  | Loop
  | { is: 'label' | 'scope'; body: Statement[] }
  | { is: 'switch'; cases: Statement[][]; otherwise: number }
  | { is: 'try'; body: Statement[]; handler: Statement[] | null; finalizer: Statement[] | null }

type Loop =
  | { is: 'while' | 'do' | 'for'; test: Condition; body: Statement[] }
  | { is: 'of'; body: Statement[] }

type Dialect = 'lint' | 'run'

function leaves(...kinds: ('derive' | 'cancel' | 'cancelIfHeld' | 'work' | 'return' | 'throw')[]) {
  return fc.constantFrom(...kinds.map((is): Statement => ({ is })))
}

const jump = fc.record({
  is: fc.constantFrom('break' as const, 'continue' as const),
  to: fc.nat(3),
  plain: fc.boolean(),
})

function conditions(effects: readonly ('cancel' | 'work')[]): fc.Arbitrary<Condition> {
  const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 2 },
      { weight: 6, arbitrary: fc.record({ is: fc.constant('unknown' as const) }) },
      { weight: 1, arbitrary: fc.record({ is: fc.constant('not' as const), of: tie('condition') }) },
      {
        weight: 1,
        arbitrary: fc.record({
          is: fc.constantFrom('&&' as const, '||' as const),
          left: tie('condition'),
          right: tie('condition'),
        }),
      },
      { weight: 1, arbitrary: fc.record({ is: fc.constantFrom(...effects), then: tie('condition') }) },
    ),
  }))
  return condition
}

/** Lists of statements that are made of these leaves and conditions, nested in every way. */
function statements(leaf: fc.Arbitrary<Statement>, test: fc.Arbitrary<Condition>): fc.Arbitrary<Statement[]> {
  return fc.letrec<{ list: Statement[]; one: Statement }>((tie) => {
    const branches = fc.record({ is: fc.constant('if' as const), test, yes: tie('list'), no: tie('list') })
    const loopKinds = fc.constantFrom('while' as const, 'do' as const, 'for' as const)
    const loops = fc.record({ is: loopKinds, test, body: tie('list') })
    const bodies = fc.record({ is: fc.constantFrom('of' as const, 'label' as const), body: tie('list') })
    const switches = fc.record({
      is: fc.constant('switch' as const),
      cases: fc.array(tie('list'), { minLength: 1, maxLength: 3 }),
      otherwise: fc.nat(3),
    })
    const tries = fc.record({
      is: fc.constant('try' as const),
      body: tie('list'),
      handler: fc.option(tie('list')),
      finalizer: fc.option(tie('list')),
    })
    return {
      list: fc.array(tie('one'), { maxLength: 3 }),
      one: fc.oneof(
        { maxDepth: 4, depthSize: 'medium' },
        { weight: 6, arbitrary: leaf },
        { weight: 2, arbitrary: jump },
        { weight: 2, arbitrary: branches },
        { weight: 2, arbitrary: loops },
        { weight: 1, arbitrary: bodies },
        { weight: 1, arbitrary: switches },
        { weight: 4, arbitrary: tries },
      ),
    }
  }).list
}

/** Programs with one block that derives, somewhere inside other statements. */
function scopedPrograms(): fc.Arbitrary<Statement[]> {
  const inside = statements(
    leaves('cancel', 'cancel', 'cancelIfHeld', 'work', 'work', 'return', 'throw'),
    conditions(['cancel', 'work']),
  )
  const outside = statements(leaves('work', 'return', 'throw'), conditions(['work']))
  const layer = fc.record({
    around: fc.constantFrom('if', 'while', 'do', 'try', 'handler', 'finalizer', 'switch', 'label'),
    before: outside,
    after: outside,
    aside: outside,
  })
  return fc.tuple(inside, fc.array(layer, { maxLength: 2 })).map(([body, layers]) => {
    let program: Statement[] = [{ is: 'scope', body }]
    for (const { around, before, after, aside } of layers) {
      program = [...before.slice(0, 1), wrap(around, program, aside), ...after.slice(0, 2)]
    }
    return program
  })
}

function wrap(around: string, body: Statement[], aside: Statement[]): Statement {
  switch (around) {
    case 'if':
      return { is: 'if', test: { is: 'unknown' }, yes: body, no: aside }
    case 'while':
    case 'do':
      return { is: around, test: { is: 'unknown' }, body }
    case 'handler':
      return { is: 'try', body: [{ is: 'work' }], handler: body, finalizer: aside }
    case 'finalizer':
      return { is: 'try', body: aside, handler: null, finalizer: body }
    case 'switch':
      return { is: 'switch', cases: [aside, body], otherwise: 0 }
    case 'label':
      return { is: 'label', body }
    default:
      return { is: 'try', body, handler: aside.length > 1 ? aside : null, finalizer: aside }
  }
}

/** Writes a program in one of the two dialects. Every derivation stands on a line of its own. */
class Writer {
  readonly #runs: boolean
  #labels = 0
  #derivations = 0
  #works = 0

  constructor(dialect: Dialect) {
    this.#runs = dialect === 'run'
  }

  list(list: readonly Statement[], labels: readonly string[] = []): string {
    return list.map((one) => this.statement(one, labels)).join('\n')
  }

  statement(one: Statement, labels: readonly string[]): string {
    switch (one.is) {
      case 'derive':
        return this.#runs ? `derive(${this.#derivations++})` : '\nc = ctx.withTimeout(5)\n'
      case 'scope': {
        const body = this.list(one.body, labels)
        if (!this.#runs) return `{\nconst c = ctx.withTimeout(5)\n${body} }`
        return `{ let how = 'plain'; derive(${this.#derivations++}); try { ${body} }
          catch (error) { if (error === implicit) how = 'thrown'; throw error } finally { leave(how) } }`
      }
      case 'cancel':
        return this.#runs ? 'cancel()' : 'c?.cancel()'
      case 'cancelIfHeld':
        return this.#runs ? 'cancel()' : 'if (c !== undefined && !c.err) c.cancel()'
      case 'work':
        return this.#runs ? 'work()' : (['work()', 'await work', 'new Work()'][this.#works++ % 3] ?? '')
      case 'return':
        return 'return'
      case 'throw':
        return 'throw explicit'
      case 'break':
      case 'continue':
        return this.jump(one, labels)
      case 'if': {
        const test = this.condition(one.test)
        return `if (${test}) { ${this.list(one.yes, labels)} } else { ${this.list(one.no, labels)} }`
      }
      case 'label': {
        const label = `block${this.#labels++}`
        return `${label}: { ${this.list(one.body, [label, ...labels])} }`
      }
      case 'switch':
        return this.switch(one.cases, one.otherwise, labels)
      case 'try': {
        const { handler } = one
        const finalizer = one.finalizer ?? (handler ? undefined : [])
        // In the order of the text, which the numbers of the derivations follow.
        const body = this.list(one.body, labels)
        const caught = handler ? `catch { ${this.list(handler, labels)} }` : ''
        const final = finalizer ? `finally { ${this.list(finalizer, labels)} }` : ''
        return `try { ${body} } ${caught} ${final}`
      }
      case 'while':
      case 'do':
      case 'for':
      case 'of':
        return this.loop(one, labels)
    }
  }

  jump(one: Statement & { is: 'break' | 'continue' }, labels: readonly string[]): string {
    const targets = one.is === 'break' ? labels : labels.filter((label) => label.startsWith('loop'))
    const target = targets[one.to % (targets.length || 1)]
    if (target === undefined) return ';'
    const unlabelled = targets.find((label) => !label.startsWith('block'))
    return one.plain && unlabelled === target ? one.is : `${one.is} ${target}`
  }

  loop(one: Loop, labels: readonly string[]): string {
    const label = `loop${this.#labels++}`
    const test = one.is === 'of' ? 'ask()' : this.condition(one.test)
    const asked = this.#runs ? `again('${label}') && ${test}` : test
    const body = `{ ${this.list(one.body, [label, ...labels])} }`
    if (one.is === 'do') return `${label}: do ${body} while (${asked})`
    if (one.is === 'for') return `${label}: for (; ${asked}; ) ${body}`
    if (one.is === 'of' && !this.#runs) return `${label}: for (const item of items) ${body}`
    return `${label}: while (${asked}) ${body}`
  }

  switch(cases: readonly Statement[][], otherwise: number, labels: readonly string[]): string {
    const label = `switch${this.#labels++}`
    const written = cases.map((list, i) => {
      const head = i === otherwise ? 'default' : `case ${this.#runs ? i : `value${i}`}`
      return `${head}: { ${this.list(list, [label, ...labels])} }`
    })
    return `${label}: switch (${this.#runs ? `ask(${cases.length + 1})` : 'value'}) { ${written.join(' ')} }`
  }

  condition(one: Condition): string {
    switch (one.is) {
      case 'unknown':
        return this.#runs ? 'ask()' : 'unknown'
      case 'not':
        return `!${this.condition(one.of)}`
      case 'cancel':
      case 'work': {
        const effect = one.is === 'work' && !this.#runs ? 'work()' : this.statement({ is: one.is }, [])
        return `(${effect}, ${this.condition(one.then)})`
      }
      case '&&':
      case '||':
        return `(${this.condition(one.left)} ${one.is} ${this.condition(one.right)})`
    }
  }
}

type Losses = Map<number, Set<'plain' | 'thrown'>>

/** Runs a program for every series of answers; undefined if there are too many. */
function runAll(source: string): { derived: Set<number>; losses: Losses } | undefined {
  const names = ['ask', 'again', 'work', 'cancel', 'derive', 'leave', 'explicit', 'implicit']
  const program = compileFunction(source, names) as (...args: unknown[]) => void
  const explicit = new Error('explicit')
  const implicit = new Error('implicit')
  const derived = new Set<number>()
  const losses: Losses = new Map()
  const answers: { value: number; of: number }[] = []
  for (let runs = 0; runs < 1500; runs++) {
    let asked = 0
    let held: number | undefined
    // A loop is left after two turns by its own condition, or the rest of the run counts for nothing.
    let abandoned = false
    const turns = new Map<string, number>()
    const ask = (of = 2): number => {
      if (abandoned) return 0
      if (asked === answers.length) answers.push({ value: 0, of })
      return answers[asked++]?.value ?? 0
    }
    const again = (label: string): boolean => {
      const turn = (turns.get(label) ?? 0) + 1
      turns.set(label, turn)
      abandoned ||= turn > 3
      return !abandoned
    }
    const lose = (how: 'plain' | 'thrown'): void => {
      if (held !== undefined && !abandoned) losses.set(held, (losses.get(held) ?? new Set()).add(how))
      held = undefined
    }
    const work = (): void => {
      if (ask() === 1) throw implicit
    }
    const cancel = (): void => void (held = undefined)
    const derive = (name: number): void => {
      lose('plain')
      held = name
      if (!abandoned) derived.add(name)
    }
    try {
      program(ask, again, work, cancel, derive, lose, explicit, implicit)
      lose('plain')
    } catch (error) {
      lose(error === implicit ? 'thrown' : 'plain')
    }
    while (isLast(answers.at(-1))) answers.pop()
    const last = answers.at(-1)
    if (!last) return { derived, losses }
    last.value++
  }
  return undefined
}

function isLast(answer: { value: number; of: number } | undefined): boolean {
  return answer !== undefined && answer.value === answer.of - 1
}

const linter = new Linter()

/** What the rule says, by the line of the derivation. */
function lint(source: string, throws: boolean): Map<number, string> {
  const found = linter.verify(source, [
    {
      plugins: { kit: plugin },
      rules: { 'kit/lost-cancel': ['error', { throws }] },
      languageOptions: { sourceType: 'module', ecmaVersion: 'latest' },
    },
  ])
  return new Map(
    found.map(({ message, messageId }) => {
      if (messageId === undefined) throw new Error(`${message}\n${source}`)
      const kind = messageId === 'never' ? 'never' : messageId === 'unprotected' ? 'thrown' : 'plain'
      return [Number(/derived on line (\d+)/.exec(message)?.[1]), kind]
    }),
  )
}

/** The lines of the derivations in the order of their numbers in the other dialect. */
function derivationLines(source: string): number[] {
  return source.split('\n').flatMap((line, i) => (line.includes('c = ctx.withTimeout(') ? [i + 1] : []))
}

/** Compares the verdicts of the rule with all runs; false if there were too many to run. */
function compare(program: readonly Statement[], prefix: string): boolean {
  const lintSource = `async function f(ctx) { ${prefix} ${new Writer('lint').list(program)} }`
  const runSource = new Writer('run').list(program)
  const verdicts = lint(lintSource, true)
  const plainVerdicts = lint(lintSource, false)
  const truth = runAll(runSource)
  if (!truth) return false
  const cancels = lintSource.includes('.cancel()')
  for (const [number, line] of derivationLines(lintSource).entries()) {
    // What is never reached has no run to compare with.
    if (!truth.derived.has(number)) continue
    const losses = truth.losses.get(number)
    const expected = losses?.has('plain') ? 'plain' : losses?.has('thrown') ? 'thrown' : undefined
    const said = cancels ? expected : 'never'
    const found = [verdicts.get(line), plainVerdicts.get(line)]
    // In one object, so that a failure shows the program.
    const where = { line, lintSource, runSource }
    expect({ ...where, found }).toEqual({ ...where, found: [said, said === 'thrown' ? undefined : said] })
  }
  return true
}

it('agrees with every run of a program that derives in a block', { timeout: 60_000 }, () => {
  let compared = 0
  fc.assert(
    fc.property(scopedPrograms(), (program) => {
      if (compare(program, '')) compared++
    }),
    { numRuns: 250 },
  )
  expect(compared).toBeGreaterThan(150)
})

it('agrees with every run of a program that derives again and again', { timeout: 60_000 }, () => {
  const kinds = ['derive', 'derive', 'cancel', 'cancel', 'cancelIfHeld', 'work', 'return', 'throw'] as const
  let compared = 0
  fc.assert(
    fc.property(statements(leaves(...kinds), conditions(['cancel', 'work'])), (program) => {
      if (compare([{ is: 'derive' }, ...program], 'let c')) compared++
    }),
    { numRuns: 250 },
  )
  expect(compared).toBeGreaterThan(150)
})
