import { afterEach, expect, it, vi } from 'vitest'
import { occupied } from './occupied.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('counts what is on the heap and outside of it', async () => {
  vi.stubGlobal('gc', () => {})
  const held: Uint8Array[] = []
  const { iterations, bytes } = await occupied((count) => {
    for (let i = 0; i < count; i++) held.push(new Uint8Array(100_000))
  }, 100)
  expect(iterations).toBe(100)
  expect(held).toHaveLength(100)
  expect(bytes).toBeGreaterThan(90_000)
})

it('needs a collector', async () => {
  vi.stubGlobal('gc', undefined)
  await expect(occupied(() => {}, 1)).rejects.toThrow('--expose-gc')
})
