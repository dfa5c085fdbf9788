import { join } from 'node:path'
import type { ConformanceCase, ConformanceSuite } from '@kit/http/testing'
import { expect, it } from 'vitest'
import { suites as express } from '../../packages/express/src/conformance.fixture.ts'
import { suites as fastify } from '../../packages/fastify/src/conformance.fixture.ts'
import { suites as hono } from '../../packages/hono/src/conformance.fixture.ts'
import { suites as fetchHandlers } from '../../packages/http/src/fetch-conformance.fixture.ts'
import { suites as node } from '../../packages/http/src/node-conformance.fixture.ts'
import { suites as koa } from '../../packages/koa/src/conformance.fixture.ts'
import { root } from './repository.ts'

// The table of docs/conformance.md is made of the suites that the tests of the adapters run; `pnpm docs:conformance` writes it.

const introduction = `# Conformance

What every adapter does, whatever the framework: the same cases, over real connections, for each of them. An adapter is mounted
first in an app of its framework; the case talks to it and looks at metrics, log lines and answers, and at the answers of the same
app without kit. The cases are those of \`adapterConformance\` in [@kit/http/testing](../packages/http/README.md); each package
runs them in its \`conformance.test.ts\`, on every supported line of Node.

✓: run, and passed, or the tests fail. A number: not applicable, for the reason below with that number. Koa is run with each of
@koa/router 12, 13, 14 and 15. This file is written by \`npx -y pnpm@12 docs:conformance\`, and a test holds it to the suites.
`

/** A column: one suite, or those that differ in the router only. */
interface Column {
  readonly title: string
  readonly cases: readonly ConformanceCase[]
}

function columns(suites: readonly ConformanceSuite[]): Column[] {
  const byTitle = new Map<string, Column>()
  for (const { adapter, cases } of suites) {
    const title = adapter.replace(/, @koa\/router \d+$/, '')
    const known = byTitle.get(title)
    expect(known?.cases.map(applicability) ?? cases.map(applicability)).toEqual(cases.map(applicability))
    byTitle.set(title, { title, cases })
  }
  return [...byTitle.values()]
}

function applicability({ name, notApplicable }: ConformanceCase): string {
  return `${name}: ${notApplicable}`
}

/** The document, in the spelling of the formatter. */
function documentOf(all: readonly Column[]): string {
  const reasons: string[] = []
  const mark = (own: ConformanceCase | undefined): string => {
    const notApplicable = own?.notApplicable
    if (notApplicable === undefined) return '✓'
    if (!reasons.includes(notApplicable)) reasons.push(notApplicable)
    return String(reasons.indexOf(notApplicable) + 1)
  }
  const [first] = all
  const cases = first?.cases ?? []
  const themes = [...new Set(cases.map(({ theme }) => theme))]
  const sections = themes.map((theme) => {
    const rows = cases.flatMap((one, index) =>
      one.theme === theme ? [[plain(one.name), ...all.map(({ cases: own }) => mark(own[index]))]] : [],
    )
    return `## ${theme}\n\n${table([['An adapter', ...all.map(({ title }) => title)], ...rows])}`
  })
  const list = reasons.map((reason, index) => `${index + 1}. ${reason}`)
  return [introduction, ...sections, `## Not applicable\n\n${list.join('\n')}\n`].join('\n')
}

/** Without the numbers of promises, which are for those who look for the test of one. */
function plain(name: string): string {
  return name.replaceAll(/ \[I\d+\]/g, '')
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const width = (column: number): number =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(width(column))).join(' | ')} |\n`
  return [line(head), line(head.map((_, column) => '-'.repeat(width(column)))), ...rows.map(line)].join('')
}

it('docs/conformance.md says what the suites of the adapters run', async () => {
  const all = columns([...express, ...koa, ...fastify, ...hono, ...node, ...fetchHandlers])
  for (const { cases } of all)
    expect(cases.map(({ name }) => name)).toEqual(all[0]?.cases.map(({ name }) => name))
  await expect(documentOf(all)).toMatchFileSnapshot(join(root, 'docs/conformance.md'))
})
