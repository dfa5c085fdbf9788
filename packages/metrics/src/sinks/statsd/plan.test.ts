import { describe, expect, it } from 'vitest'
import { createMetrics, type Metrics, type MetricSource } from '../../index.ts'
import { dialectOf, type Dialect } from './dialects.ts'
import { Packer } from './packet.ts'
import { Plan } from './plan.ts'

interface Bench {
  metrics: Metrics
  source: MetricSource
  plan: Plan
  /** How many series were spelled so far. */
  spelled(): number
  /** What the entries say now. */
  said(): string[]
}

/** A plan that looks at three series in one go. */
function bench(): Bench {
  const metrics = createMetrics({ filter: { block: ['kit.metrics.*'] } })
  let source: MetricSource | undefined
  metrics.attach({ name: 'test', start: (given) => (source = given) })
  let spelled = 0
  const plain = dialectOf('dogstatsd', false)
  const dialect: Dialect = {
    ...plain,
    line: (...parts) => {
      spelled++
      return plain.line(...parts)
    },
  }
  const frame = { dialect, prefix: '', suffix: '', labels: [], fields: '' }
  const plan = new Plan(source!, frame, { size: 8, type: undefined, random: Math.random }, 3)
  return {
    metrics,
    source: source!,
    plan,
    spelled: () => spelled,
    said() {
      const lines: string[] = []
      const packer = new Packer(10_000, ({ text }) => lines.push(...text.split('\n')))
      for (const entry of plan.entries) entry.write(packer)
      packer.flush()
      return lines
    },
  }
}

describe('a plan', () => {
  it('is prepared in slices, and shows its entries when it is done', () => {
    const { metrics, plan, said } = bench()
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let i = 0; i < 30; i++) counter.inc({ i })
    plan.begin(true)
    let slices = 0
    for (; !plan.prepare(false); slices++) expect(plan.entries).toHaveLength(0)
    // Once to know the series, once to list them.
    expect(slices).toBe(20)
    expect(said()).toHaveLength(30)
    plan.begin(true)
    expect(plan.prepare(false)).toBe(true)
  })

  it('is prepared as a whole when asked to', () => {
    const { metrics, plan, said } = bench()
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let i = 0; i < 30; i++) counter.inc({ i })
    plan.begin(true)
    expect(plan.prepare(false)).toBe(false)
    expect(plan.prepare(true)).toBe(true)
    expect(said()).toHaveLength(30)
  })

  it('knows the series that an observable had when it was asked, whatever it has by the next slice', () => {
    const { metrics, source, plan, said } = bench()
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let i = 0; i < 9; i++) counter.inc({ i })
    let pods = [['one', 5]] as [string, number][]
    metrics.observable('pods', { kind: 'counter', labels: ['pod'] }, () =>
      pods.map(([pod, value]) => [{ pod }, value] as const),
    )
    plan.begin(true)
    expect(plan.prepare(false)).toBe(false)
    pods = [['two', 7]]
    source.collect()
    plan.prepare(true)
    expect(said()).toContain('pods:5|c|#pod:one')
    plan.begin(true)
    plan.prepare(true)
    expect(said()).toEqual(['pods:7|c|#pod:two'])
  })

  it('finds what came between slices when it is begun anew, and tells nothing twice', () => {
    const { metrics, plan, said } = bench()
    const first = metrics.counter('first', { labels: ['i'] })
    const second = metrics.counter('second')
    for (let i = 0; i < 9; i++) first.inc({ i })
    second.inc()
    plan.begin(true)
    plan.prepare(true)
    expect(said()).toHaveLength(10)
    first.inc({ i: 9 })
    plan.begin(true)
    expect(plan.prepare(false)).toBe(false)
    first.inc({ i: 'late' })
    metrics.counter('third').inc()
    plan.begin(true)
    plan.prepare(true)
    expect(said()).toEqual(['first:1|c|#i:9', 'first:1|c|#i:late', 'third:1|c'])
  })

  it('counts what is due of series that no slice came to', () => {
    const { metrics, plan } = bench()
    const counter = metrics.counter('c', { labels: ['i'] })
    for (let i = 0; i < 9; i++) counter.inc({ i })
    plan.begin(true)
    plan.prepare(false)
    expect(plan.due()).toBe(9)
  })

  it('spells a series when it is first told, and not again', () => {
    const { metrics, plan, spelled, said } = bench()
    const counter = metrics.counter('c', { labels: ['i'] })
    counter.inc({ i: 'quiet' }, 0)
    counter.inc({ i: 'loud' })
    metrics.gauge('g').set(-1)
    metrics.histogram('h').observe(2)
    plan.begin(true)
    plan.prepare(true)
    expect(spelled()).toBe(0)
    expect(said()).toEqual(['c:1|c|#i:loud', 'g:-1|g', 'h:2|d'])
    expect(spelled()).toBe(3)
    counter.inc({ i: 'loud' })
    counter.inc({ i: 'new' })
    plan.begin(true)
    plan.prepare(true)
    expect(said()).toEqual(['c:1|c|#i:loud', 'c:1|c|#i:new', 'g:-1|g'])
    expect(spelled()).toBe(4)
  })
})
