import { applicable } from '@kit/http/testing'
import { afterAll, beforeAll, describe, it, vi } from 'vitest'
import { suites } from './conformance.fixture.ts'

// Hono's own error handler prints, and so does its server when a body fails.
beforeAll(() => {
  for (const method of ['error', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})
afterAll(() => vi.restoreAllMocks())

describe.each(suites.map(({ adapter, cases }) => [adapter, cases] as const))('%s', (_adapter, cases) => {
  it.each(applicable(cases))('%s', (_, run) => run())
})
