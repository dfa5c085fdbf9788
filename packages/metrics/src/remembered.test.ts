import { expect, it } from 'vitest'
import { Remembered } from './remembered.ts'

it('holds no more than the limit, the latest first, and gives each value once', () => {
  const remembered = new Remembered<number>(2)
  remembered.put('a', 1)
  remembered.put('b', 2)
  remembered.put('a', 3)
  remembered.put('c', 4)
  expect([remembered.take('a'), remembered.take('b'), remembered.take('c')]).toEqual([3, undefined, 4])
  expect(remembered.take('a')).toBeUndefined()
  remembered.put('d', 5)
  remembered.clear()
  expect(remembered.take('d')).toBeUndefined()
})
