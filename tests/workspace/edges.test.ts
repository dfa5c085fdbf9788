import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, packages, readJson, root, sources } from './repository.ts'

/** Who may import whom at run time, and what foreign code comes with it: the table of the architecture. */
const table: Readonly<Record<string, { ours: readonly string[]; foreign: readonly string[] }>> = {
  context: { ours: [], foreign: ['@opentelemetry/api'] },
  metrics: { ours: ['context'], foreign: ['hot-shots'] },
  log: { ours: ['context'], foreign: ['pino'] },
  observe: { ours: ['context', 'metrics', 'log'], foreign: ['@opentelemetry/api'] },
  http: { ours: ['context', 'metrics', 'log', 'observe'], foreign: [] },
  express: { ours: ['http'], foreign: ['express'] },
  koa: { ours: ['http'], foreign: ['koa'] },
  fastify: { ours: ['http'], foreign: ['fastify'] },
  hono: { ours: ['http'], foreign: ['hono'] },
  limit: { ours: ['context', 'metrics', 'http'], foreign: [] },
  debug: {
    ours: ['context', 'metrics', 'log', 'observe', 'http'],
    foreign: ['pprof-format', '@datadog/pprof'],
  },
  monitor: { ours: ['metrics'], foreign: [] },
  load: { ours: ['context', 'metrics'], foreign: [] },
  bench: { ours: [], foreign: [] },
}

const all = packages()

describe.each(all.map((one) => [one.short, one] as const))('@kit/%s', (short, { folder, manifest }) => {
  const allowed = table[short]
  const own = sources(join(folder, 'src'))

  it('has a place in the table', () => {
    expect(allowed).toBeDefined()
    expect(manifest.name).toBe(`@kit/${short}`)
  })

  it('declares nothing that the table does not allow', () => {
    const declared = Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
    })
    const ours = (allowed?.ours ?? []).map((name) => `@kit/${name}`)
    const permitted = new Set([...ours, ...(allowed?.foreign ?? [])])
    expect(declared.filter((name) => !permitted.has(name))).toEqual([])
  })

  it('imports nothing but what it declares, and of itself only by path', () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    const strangers = own.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .map((specifier) =>
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((name) => !declared.includes(name)),
    )
    expect(strangers).toEqual([])
  })

  it('uses what it declares', () => {
    const imported = new Set(own.flatMap(importsOf))
    const unused = Object.keys(manifest.dependencies ?? {}).filter(
      (name) => ![...imported].some((specifier) => specifier === name || specifier.startsWith(`${name}/`)),
    )
    expect(unused).toEqual([])
  })

  it('references the projects that it imports, and no others', () => {
    const { references = [] } = readJson(join(folder, 'tsconfig.json')) as { references?: { path: string }[] }
    const ours = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@kit/'))
    expect(references.map(({ path }) => path).toSorted()).toEqual(
      ours.map((name) => name.replace('@kit/', '../')).toSorted(),
    )
  })

  it('is an ES module for Node 20.19 and later, without install scripts', () => {
    expect(manifest).toMatchObject({ type: 'module', license: 'Apache-2.0', engines: { node: '>=20.19' } })
    const scripts = Object.keys(manifest.scripts ?? {})
    expect(scripts.filter((name) => /^(pre|post)?(install|prepare|prepublish)$/.test(name))).toEqual([])
  })

  it('waits for nothing at the top level, so that require() can load it', () => {
    const waiting = own.filter((file) => /^(export )?(const .*= )?await /m.test(readFileSync(file, 'utf8')))
    expect(waiting).toEqual([])
  })
})

it('all packages are built by the solution', () => {
  const { references } = readJson(join(root, 'tsconfig.json')) as { references: { path: string }[] }
  expect(references.map(({ path }) => path)).toEqual(
    expect.arrayContaining(all.map(({ short }) => `packages/${short}`)),
  )
})
