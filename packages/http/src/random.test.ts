import { describe, expect, it } from 'vitest'
import { randomHex } from './random.ts'
import { generateRequestId, isRequestId } from './request-id.ts'

describe('randomHex', () => {
  it('has the length that is asked for, whatever is left in the pool, and repeats nothing', () => {
    const seen = new Set<string>()
    for (let n = 0; n < 5000; n += 1) {
      const bytes = 8 + (n % 25)
      const hex = randomHex(bytes)
      expect(hex).toMatch(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
      seen.add(hex)
      // No identifier begins where another did.
      seen.add(hex.slice(0, 16))
    }
    expect(seen.size).toBeGreaterThan(9000)
    expect(new Set([...seen].map((hex) => hex.slice(0, 16))).size).toBe(5000)
  })

  it('uses every digit', () => {
    const counts = new Map<string, number>()
    for (let n = 0; n < 2000; n += 1) {
      for (const digit of randomHex(16)) counts.set(digit, (counts.get(digit) ?? 0) + 1)
    }
    // 64,000 digits: each of the 16 comes 4,000 times, give or take seven standard deviations.
    expect(counts.size).toBe(16)
    expect(Math.min(...counts.values())).toBeGreaterThan(3570)
    expect(Math.max(...counts.values())).toBeLessThan(4430)
  })

  it('gives up to 512 bytes', () => {
    expect(randomHex(512)).toHaveLength(1024)
    expect(randomHex(512)).not.toBe(randomHex(512))
  })
})

describe('isRequestId', () => {
  it('takes what was made here, and no text around it', () => {
    expect(isRequestId('')).toBe(false)
    const made = generateRequestId()
    expect([made, `${made}\n`, made.slice(0, 31), ` ${made}`].map(isRequestId)).toEqual([
      true,
      false,
      true,
      false,
    ])
  })
})
