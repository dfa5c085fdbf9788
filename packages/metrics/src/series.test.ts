import { manualClock, type ManualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CounterCell } from './cell.ts'
import { Drops } from './drops.ts'
import { SeriesTable } from './series.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock(1000)
})
afterEach(() => {
  time[Symbol.dispose]()
})

/** A table of counters with the labels `a` and `b`, of which so many series share each value of `a`. */
class Table extends SeriesTable<CounterCell> {
  #next = 0

  constructor(ttlMs: number = Infinity) {
    const drops = new Drops()
    super({
      labelNames: ['a', 'b'],
      maxSeries: 100_000,
      ttlMs,
      budget: { used: 0, max: Infinity, reclaim: () => {} },
      changes: { count: 0 },
      drops,
      make: (values) => new CounterCell(values, drops),
      fold: undefined,
      observed: false,
      open: true,
    })
  }

  grow(count: number): void {
    for (const end = this.#next + count; this.#next < end; this.#next++)
      this.find({ a: this.#next % 7, b: this.#next })
  }
}

/** How often the first label is another one than that of the series before. */
function breaks(list: readonly CounterCell[]): number {
  return list.filter(({ labelValues: [a] }, i) => i > 0 && list[i - 1]?.labelValues[0] !== a).length
}

describe('the list of series', { timeout: 120_000 }, () => {
  it('has those that share their first label next to each other', () => {
    const table = new Table()
    for (const count of [10, 20, 3000]) {
      table.grow(count)
      expect(breaks(table.visible())).toBe(6)
    }
  })

  it('goes on with the newest at its end where there are many, until they are a sixteenth', () => {
    const table = new Table()
    table.grow(5000)
    const before = table.visible()
    expect(table.visible()).toBe(before)
    table.grow(200)
    const after = table.visible()
    expect(before).toHaveLength(5000)
    expect(after.slice(0, 5000)).toEqual(before)
    expect(after.slice(5000)).toEqual(table.cells().slice(5000))
    table.grow(200)
    expect(breaks(table.visible())).toBe(6)
  })

  it('has a series that expired before there were more labels, and returns after', () => {
    const table = new Table(1000)
    table.grow(3)
    const gone = table.find({ a: 0, b: 0 })!
    time.advance(2000)
    table.sweep()
    table.extend(['c'])
    gone.value += 1
    table.revive()
    expect(table.visible().map(({ labelValues }) => labelValues)).toEqual([['0', '0', '']])
    expect(table.find({ a: 1, b: 1, c: '' })?.labelValues).toEqual(['1', '1', ''])
    expect(table.find({ a: 0, b: 0, c: '' })).toBe(gone)
  })

  it('has every series once, whatever comes, expires, returns, gets labels and is hidden', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('grow' as const), count: fc.nat({ max: 400 }) }) },
      fc.record({ do: fc.constantFrom('extend', 'block', 'allow', 'list') }),
      fc.record({ do: fc.constantFrom('expire' as const, 'return' as const), count: fc.nat({ max: 5000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 8 }), (steps) => {
        const table = new Table(1000)
        table.grow(4200)
        const held = [...table.cells()]
        const shown: number[] = []
        const expected: number[] = []
        let isBlocked = false
        for (const one of steps) {
          const before = table.visible()
          if (one.do === 'grow') table.grow(one.count)
          else if (one.do === 'extend') {
            table.extend([`c${shown.length}`])
            expected.push(0)
            shown.push(Number(table.visible() === before))
          } else if (one.do === 'block' || one.do === 'allow') {
            isBlocked = one.do === 'block'
            table.setBlockedLabels(new Set(isBlocked ? ['b'] : []))
          } else if (one.do === 'expire') {
            // Those that are recorded into stay.
            time.advance(600)
            table.sweep()
            for (const cell of table.cells().slice(one.count)) cell.value += 1
            time.advance(600)
            table.sweep()
          } else if (one.do === 'return') {
            for (const cell of held.slice(0, one.count)) cell.value += 1
            table.revive()
          }
          const cells = table.cells().filter(({ labelValues: [, b] }) => !isBlocked || b === '')
          const visible = table.visible()
          expected.push(cells.length, cells.length)
          shown.push(visible.length, new Set([...visible, ...cells]).size)
        }
        expect(shown).toEqual(expected)
      }),
      { numRuns: 10 },
    )
  })
})
