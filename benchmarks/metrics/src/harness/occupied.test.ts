import { afterEach, expect, it, vi } from 'vitest'
import { occupied } from './occupied.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('counts what is on the heap and outside of it', async () => {
  vi.stubGlobal('gc', () => {})
  const held: Uint8Array[] = []
  const { iterations, bytes } = await occupied((count) => {
    for (let i = 0; i < count; i++) held.push(new Uint8Array(1_000_000))
  }, 50)
  expect(iterations).toBe(50)
  expect(held).toHaveLength(50)
  // Some megabytes of what others left may be collected meanwhile.
  expect(bytes).toBeGreaterThan(800_000)
})

it('needs a collector', async () => {
  vi.stubGlobal('gc', undefined)
  await expect(occupied(() => {}, 1)).rejects.toThrow('--expose-gc')
})
