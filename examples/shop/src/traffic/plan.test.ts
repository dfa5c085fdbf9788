import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { intensity, planDay } from './plan.ts'

const day = { seed: 1, durationMs: 60_000, rate: 100 }

describe('a planned day', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planDay(day)).toEqual(planDay(day))
    expect(planDay({ ...day, seed: 2 })).not.toEqual(planDay(day))
  })

  it('sends in order, within the day, and never the same all the time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const plan = planDay({ ...day, seed, durationMs: 5000 })
        const times = plan.map(({ atMs }) => atMs)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
        expect(times.every((time) => time > 0 && time < 5000)).toBe(true)
        expect(new Set(plan.map(({ path }) => path)).size).toBeGreaterThan(plan.length / 3)
      }),
      { numRuns: 20 },
    )
  })

  it('is busy at noon, quiet at night, and has a burst', () => {
    const hour = (from: number, to: number): number =>
      planDay(day).filter(({ atMs }) => atMs >= from * 60_000 && atMs < to * 60_000).length / (to - from)
    expect(hour(0.4, 0.5)).toBeGreaterThan(2 * hour(0, 0.1))
    expect(hour(0.55, 0.6)).toBeGreaterThan(2 * hour(0.4, 0.5))
    expect(intensity(0.57)).toBe(3)
  })

  it('has shoppers who hang up, and input that is bad in every way that is counted apart', () => {
    const plan = planDay(day)
    expect(plan.some(({ hangUp }) => hangUp === 'at first bytes')).toBe(true)
    expect(plan.some(({ hangUp }) => typeof hangUp === 'object')).toBe(true)
    expect(plan.some(({ route, methodLabel }) => route === '' && methodLabel === '_OTHER')).toBe(true)
    expect(plan.some(({ body }) => body !== undefined && body.length > 10_240)).toBe(true)
  })
})
