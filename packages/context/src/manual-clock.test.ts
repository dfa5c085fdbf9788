import { expect, it } from 'vitest'
import { clock, ContextError } from './index.ts'
import { manualClock } from './manual-clock.ts'

it('stands still until it is advanced, for the whole process, until it is disposed', () => {
  const time = manualClock(500)
  expect([clock.now(), time.now()]).toEqual([500, 500])
  expect(new Date(clock.wallTime()).toISOString()).toBe('2020-01-01T00:00:00.000Z')
  time.advance(1500)
  expect([clock.now(), clock.wallTime()]).toEqual([2000, Date.UTC(2020, 0, 1) + 1500])
  time[Symbol.dispose]()
  time[Symbol.dispose]()
  expect(Math.abs(clock.wallTime() - Date.now())).toBeLessThan(60_000)
  expect(manualClock()[Symbol.dispose]()).toBeUndefined()
})

it('runs due timers in the order of their times, each at its time, with those they set', () => {
  const time = manualClock()
  const log: [string, number][] = []
  const note = (name: string) => () => log.push([name, clock.now()])
  clock.setTimer(30, note('c'))
  clock.setTimer(10, () => {
    note('a')()
    clock.setTimer(0, note('a, nested'))
    clock.setTimer(25, note('d'))
    clock.setTimer(100, note('never'))
  })
  clock.setTimer(10, note('b'))
  const cancelled = clock.setTimer(20, note('cancelled'))
  clock.setTimer(15, () => cancelled.cancel())
  clock.setTimer(Number.NaN, note('at once'))
  expect(time.pendingTimers).toBe(6)
  expect(log).toEqual([])
  time.advance(40)
  expect(log).toEqual([
    ['at once', 0],
    ['a', 10],
    ['b', 10],
    ['a, nested', 10],
    ['c', 30],
    ['d', 35],
  ])
  expect([clock.now(), time.pendingTimers]).toEqual([40, 1])
  time[Symbol.dispose]()
})

it('may be advanced by a timer', () => {
  const time = manualClock()
  const log: number[] = []
  clock.setTimer(10, () => time.advance(50))
  clock.setTimer(20, () => log.push(clock.now()))
  time.advance(15)
  expect([log, clock.now()]).toEqual([[20], 60])
  time[Symbol.dispose]()
})

it('lets the wall clock jump without touching timers', () => {
  const time = manualClock()
  let runs = 0
  clock.setTimer(10, () => runs++)
  time.setWallTime(5)
  expect([clock.wallTime(), clock.now(), runs]).toEqual([5, 0, 0])
  time.advance(10)
  expect([clock.wallTime(), clock.now(), runs]).toEqual([15, 10, 1])
  time[Symbol.dispose]()
})

it('nests: disposal puts back the clock that was there before', () => {
  const outer = manualClock(1)
  const inner = manualClock(2)
  expect(clock.now()).toBe(2)
  inner[Symbol.dispose]()
  expect(clock.now()).toBe(1)
  outer[Symbol.dispose]()
})

it.each([-1, Number.NaN, Infinity])('cannot be advanced by %s', (ms) => {
  const time = manualClock()
  expect(() => time.advance(ms)).toThrow(ContextError)
  time[Symbol.dispose]()
})
