import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createMetrics } from '@kit/metrics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { observed } from './observed.ts'
import { callSeries } from './testing/readings.ts'

// No engine runs decorators yet, so the compiler that people use makes of them what they get: one source, both ways.

const folder = fileURLToPath(new URL('../.generated', import.meta.url))
const require = createRequire(import.meta.url)
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')

const both = `
import { createMetrics } from '@kit/metrics'
import { observed } from '../dist/index.js'

export const metrics = createMetrics()

export class Base {
  readonly #secret = 42
  @observed({ metrics })
  find<T>(this: Base, value: T): T | number {
    return value ?? this.#secret
  }
  @observed({ metrics, name: 'orders.all' })
  static async all(limit: number): Promise<number> {
    return limit
  }
  @observed({ metrics })
  static take(count: number): number {
    return count
  }
  @observed({ metrics })
  *walk(): Generator<number, string> {
    yield 1
    return 'end'
  }
}

export class Sub extends Base {
  @observed({ metrics })
  override find<T>(value: T): T | number {
    return super.find(value)
  }
}

@observed({ metrics, skip: ['quiet'] })
export class Whole {
  static readonly before = 'kept'
  loud(): string {
    return 'loud'
  }
  quiet(): string {
    return 'quiet'
  }
  @observed({ metrics })
  twice(): number {
    return 2
  }
}

export class Bare {
  @observed
  method(): string {
    return 'by the default metrics'
  }
}
`

const fields = `
export class Fields {
  base = 1
  @observed({ metrics })
  handler = (n: number): number => n + this.base
  @observed({ metrics })
  #hidden(): number {
    return this.base
  }
  open(): number {
    return this.#hidden()
  }
}
`

const legacyOnly = `
export function refused(): unknown {
  try {
    class Wrong {
      @(observed as never as PropertyDecorator)
      field = 1
    }
    return new Wrong()
  } catch (error) {
    return error
  }
}
`

type Module = Record<string, never> & { metrics: ReturnType<typeof createMetrics> }
const modules = new Map<string, Module>()

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  const ways = [
    ['now', both + fields, []],
    ['legacy', both + legacyOnly, ['--experimentalDecorators', '--emitDecoratorMetadata']],
  ] as const
  for (const [name, source, flags] of ways) {
    const file = join(folder, `${name}.ts`)
    writeFileSync(file, source)
    const options = [
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--strict',
      '--ignoreConfig',
      '--skipLibCheck',
    ]
    await promisify(execFile)(process.execPath, [tsc, file, ...options, ...flags])
    modules.set(name, (await import(pathToFileURL(join(folder, `${name}.js`)).href)) as Module)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function counted(metrics: ReturnType<typeof createMetrics>): Record<string, number> {
  return Object.fromEntries(callSeries(metrics).map(({ labels, value }) => [labels['function'], value]))
}

describe.each(['now', 'legacy'])('decorators, %s', (way) => {
  it('observe methods by the name of the class that has them, and keep what they are', async () => {
    const { Base, Sub, metrics } = modules.get(way) as never as {
      Base: {
        new (): { find(value: unknown): unknown; walk(): Generator }
        all(n: number): Promise<number>
        take(n: number): number
      }
      Sub: new () => { find(value: unknown): unknown }
      metrics: ReturnType<typeof createMetrics>
    }
    expect([new Base().find('a'), new Base().find(undefined), new Sub().find('b')]).toEqual(['a', 42, 'b'])
    expect([await Base.all(3), Base.take(2), [...new Base().walk()]]).toEqual([3, 2, [1]])
    expect([Base.prototype.find.name, Base.prototype.find.length]).toEqual(['find', 1])
    expect(counted(metrics)).toMatchObject({
      'Base.find': 3,
      'Sub.find': 1,
      'orders.all': 1,
      'Base.take': 1,
      'Base.walk': 1,
    })
  })

  it('observe the methods of a class, each once', () => {
    const { Whole, metrics } = modules.get(way) as never as {
      Whole: { new (): { loud(): string; quiet(): string; twice(): number }; before: string }
      metrics: ReturnType<typeof createMetrics>
    }
    const whole = new Whole()
    expect([whole.loud(), whole.quiet(), whole.twice(), Whole.before]).toEqual(['loud', 'quiet', 2, 'kept'])
    expect(counted(metrics)).toMatchObject({ 'Whole.loud': 1, 'Whole.twice': 1 })
    expect(Object.keys(counted(metrics))).not.toContain('Whole.quiet')
  })

  it('need no options', () => {
    const { Bare } = modules.get(way) as never as { Bare: new () => { method(): string } }
    expect(new Bare().method()).toBe('by the default metrics')
  })
})

it('fields that hold functions and private methods are observed by the decorators of the language', () => {
  const { Fields, metrics } = modules.get('now') as never as {
    Fields: new () => { handler(n: number): number; open(): number }
    metrics: ReturnType<typeof createMetrics>
  }
  const one = new Fields()
  expect([one.handler(1), one.open()]).toEqual([2, 1])
  expect(counted(metrics)).toMatchObject({ 'Fields.handler': 1, 'Fields.#hidden': 1 })
})

describe('mistakes', () => {
  it('a field by the legacy decorators is refused, where it is decorated', () => {
    const { refused } = modules.get('legacy') as never as { refused(): unknown }
    expect(refused()).toMatchObject({ code: 'KIT_NOT_A_FUNCTION' })
  })

  it.each(['getter', 'setter', 'accessor'])('a %s is refused', (kind) => {
    const decorate = observed as unknown as (value: unknown, context: unknown) => unknown
    expect(() => decorate(() => 1, { kind, name: 'x' })).toThrow(
      expect.objectContaining({ code: 'KIT_NOT_A_FUNCTION' }),
    )
  })

  it.each([{ nme: 'x' }, { slowMs: -1 }])(
    'options such as %j are refused before anything is decorated',
    (options) => {
      expect(() => observed(options as never)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^KIT_OBSERVE_OPTION_/) }),
      )
    },
  )

  it('a class has no name, and what is recorded must be recordable', () => {
    class Type {
      readonly a = 1
    }
    expect(() => observed({ name: 'x' })(Type)).toThrow(
      expect.objectContaining({ code: 'KIT_OBSERVE_OPTION_INVALID' }),
    )
    const metrics = createMetrics()
    metrics.gauge('function.calls')
    const decorate = observed({ metrics }) as unknown as (value: unknown, context: unknown) => unknown
    expect(() => decorate(() => 1, { kind: 'method', name: 'x' })).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_CONFLICT' }),
    )
  })
})
