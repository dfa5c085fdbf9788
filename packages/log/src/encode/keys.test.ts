import { expect, test, vi } from 'vitest'
import { Redactor } from '../redact.ts'
import { KnownKeys } from './keys.ts'

test('a key that is too long to be written is not even looked through', () => {
  const label = vi.fn<(name: string) => string>((name) => `${name}=`)
  const keys = new KnownKeys(new Redactor([], [], '…'), label)
  expect(keys.of('a'.repeat(1024))).toMatchObject({ isHidden: false, member: `"${'a'.repeat(1024)}":` })
  expect(label).toHaveBeenCalledTimes(1)
  expect(keys.of('\u2028'.repeat(1025))).toMatchObject({ isHidden: true, member: '', label: '' })
  expect(label).toHaveBeenCalledTimes(1)
})
