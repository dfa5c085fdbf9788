import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inSchedule } from './schedule.ts'

it('everything runs once, never more at a time than jobs, and what is alone beside nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean()), fc.integer({ min: 1, max: 4 }), async (alone, jobs) => {
      const items = alone.map((isAlone, number) => ({ isAlone, number }))
      const ran: number[] = []
      const beside: boolean[] = []
      let running = 0
      let most = 0
      await inSchedule({
        items,
        jobs,
        isAlone: (item) => item.isAlone,
        async run(item) {
          running += 1
          most = Math.max(most, running)
          if (item.isAlone) beside.push(running > 1)
          ran.push(item.number)
          await Promise.resolve()
          if (item.isAlone) beside.push(running > 1)
          running -= 1
        },
      })
      expect(ran.toSorted((a, b) => a - b)).toEqual(items.map(({ number }) => number))
      expect(most).toBeLessThanOrEqual(jobs)
      expect(beside).not.toContain(true)
    }),
  )
})
